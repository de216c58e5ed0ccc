import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score

from reproduction.analysis_samples import NOTE_WORD, annotated_rows, run, table_lines, write_annotated
from stigma_hf.cli.reproduce_analyses import agreement
from stigma_hf.errors import UsageError
from stigma_hf.evaluation.confusion import confusion_matrix
from stigma_hf.reporting.problems import Problems
from stigma_hf.reproduction.agreement import (
    cohen_kappa,
    krippendorff_alpha,
    measure_agreement,
    read_published_agreement,
)
from stigma_hf.reproduction.agreement_data import RatedSpan, RatedSpans, patient_of_note, read_rated_spans
from stigma_hf.reproduction.agreement_report import reproduce_agreement
from stigma_hf.reproduction.agreement_text import render_agreement

HEADER = "encounter_note_id,keyword_category,keyword,start,end,annotator_1,annotator_2,annotator_3,label"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_annotated(tmp_path_factory.mktemp("data") / "spans")


def counts_of(observers, n_labels):
    """How many observers gave each unit each label; a point is a unit that an observer left out."""
    counts = np.zeros((len(observers[0].split()), n_labels))
    for observer in observers:
        for unit, label in enumerate(observer.split()):
            if label != ".":
                counts[unit, int(label) - 1] += 1
    return counts


def test_alpha_is_that_of_krippendorffs_example_with_missing_data():
    # Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, example C: four observers, twelve units.
    observers = (
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    )
    assert krippendorff_alpha(counts_of(observers, 5))[0] == pytest.approx(0.743, abs=5e-4)


def test_alpha_is_that_of_krippendorffs_example_with_two_observers():
    # The same source, example A: two observers, ten units, two values; nominal alpha 0.095.
    observers = ("1 2 1 1 1 1 1 1 2 1", "2 2 2 1 1 2 1 1 1 1")
    assert krippendorff_alpha(counts_of(observers, 2))[0] == pytest.approx(0.095, abs=5e-4)


def test_alpha_of_weighted_spans_is_that_of_repeated_ones():
    random = np.random.default_rng(0)
    counts = random.integers(0, 3, size=(30, 3)).astype(float)
    weights = random.integers(0, 4, size=(2, 30)).astype(float)
    repeated = [krippendorff_alpha(np.repeat(counts, times.astype(int), axis=0))[0] for times in weights]
    assert krippendorff_alpha(counts, weights) == pytest.approx(repeated)


def test_alpha_is_not_defined_where_one_label_is_all_there_is():
    assert np.isnan(krippendorff_alpha(np.array([[2.0, 0.0], [3.0, 0.0]]))[0])
    assert np.isnan(krippendorff_alpha(np.zeros((0, 3)))[0])


def test_kappa_equals_scikit_learns_with_weights():
    random = np.random.default_rng(1)
    first, second = random.integers(0, 4, size=(2, 80))
    weights = random.integers(0, 4, size=(3, 80)).astype(float)
    measured = cohen_kappa(confusion_matrix(first, second, 4, weights))
    expected = [cohen_kappa_score(first, second, sample_weight=times) for times in weights]
    assert measured == pytest.approx(expected, abs=1e-12)


def test_kappa_is_not_defined_where_both_say_one_label():
    assert np.isnan(cohen_kappa(np.array([[5.0, 0.0], [0.0, 0.0]])))


def test_pairs_are_measured_on_the_spans_that_both_labelled(data):
    spans = read_rated_spans(data, Problems())
    (found,) = [task for task in measure_agreement(spans, resamples=50) if task.task == "compliance"]
    (pair,) = found.pairs
    both = [s for s in spans.of_task("compliance") if {"annotator_2", "annotator_3"} <= s.ratings.keys()]
    first, second = ([span.ratings[name] for span in both] for name in ("annotator_2", "annotator_3"))
    assert (pair.first, pair.second, pair.n_spans) == ("annotator_2", "annotator_3", len(both))
    assert pair.n_patients == len({span.patient for span in both}) < len(both)
    assert pair.overlap.value == pytest.approx(accuracy_score(first, second))
    assert pair.kappa.value == pytest.approx(cohen_kappa_score(first, second))
    assert pair.kappa.low < pair.kappa.value < pair.kappa.high
    assert found.alpha.low < found.alpha.value < found.alpha.high


def rated(rows):
    spans = [RatedSpan("other", "pleasant", "positive", str(place), ratings) for place, ratings in enumerate(rows)]
    names = sorted({name for span in spans for name in span.ratings})
    return RatedSpans(spans, tuple(names), None, [])


def test_pairs_with_few_spans_in_common_are_withheld():
    few = [{"annotator_1": "positive", "annotator_2": "positive"}] * 19
    (task,) = measure_agreement(rated([*few, *[{"annotator_1": "positive"}] * 30]), resamples=20)
    assert task.pairs[0].n_spans is None and task.pairs[0].overlap.value is None
    assert task.n_shared is None and task.alpha.value is None


def test_labels_that_the_task_does_not_have_are_counted_and_left_out():
    rows = [{"annotator_1": "positive", "annotator_2": "negative" if i % 2 else "positive"} for i in range(30)]
    rows.append({"annotator_1": "lovely", "annotator_2": "positive"})
    (task,) = measure_agreement(rated(rows), resamples=0)
    assert task.n_invalid == 1
    assert task.pairs[0].n_spans == 30
    assert task.pairs[0].overlap.value == 0.5 and task.pairs[0].overlap.low is None


def test_file_and_folder_give_the_same_spans(data, tmp_path):
    file = tmp_path / "annotations.csv"
    lines = [HEADER]
    for rows in annotated_rows().values():
        for row in rows:
            said = ",".join(row[f"annotator_{number}"] or "" for number in (1, 2, 3))
            place = f"{row['clean_start']},{row['clean_end']}"
            lines.append(f"{row['note_id']},{row['task']},{row['anchor']},{place},{said},{row['label']}")
    file.write_text("\n".join(lines) + "\n")
    of_file, of_folder = (read_rated_spans(path, Problems()) for path in (file, data))
    assert [span.ratings for span in of_file.spans] == [span.ratings for span in of_folder.spans]
    assert of_folder.source == "synthetic" and of_file.source == "unknown"


def test_patients_are_told_from_the_ids_of_mimic_notes_alone():
    assert patient_of_note("10003945-DS-3") == patient_of_note("10003945-RR-12") == "10003945"
    assert patient_of_note("2-77") == "2-77"


def test_report_stands_beside_the_published_figures(data):
    report = reproduce_agreement(data, resamples=20)
    assert report["tasks"]["adamant"]["published"]["kappa"] == 0.777
    assert len(read_published_agreement()) == 12
    assert any("no pair with annotator_1" in entry["problem"] for entry in report["problems"])
    text = render_agreement(report)
    assert "SYNTHETIC" in text and "| Compliance | mimic | R1-R2 | 0.925 | 0.866 |" in text
    assert NOTE_WORD not in text + json.dumps(report)
    assert report["record"]["data"]["annotated"]["n_spans"] == 660


def test_one_annotator_alone_is_refused(tmp_path):
    file = tmp_path / "annotations.csv"
    file.write_text(f"{HEADER}\n1-DS-1,other,angry,3,8,negative,,,negative\n")
    with pytest.raises(UsageError, match="expected labels of two annotators or more .* found annotator_1"):
        reproduce_agreement(file)


def test_command_writes_figures_that_fit_the_terminal(data, tmp_path):
    result = run(agreement, "--data", data, "--out", tmp_path / "out", "--resamples", 20)
    assert result.exit_code == 0, result.output
    assert "SYNTHETIC" in result.flat and "annotator_2, annotator_3" in result.flat
    assert len(table_lines(result)) > 5 and all(len(line.rstrip()) <= 100 for line in table_lines(result))
    written = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert written["record"]["seed"] == 0 and (tmp_path / "out" / "agreement.md").is_file()
    again = run(agreement, "--data", data, "--out", tmp_path / "out")
    assert again.exit_code == 1 and "exists already; choose another folder or allow --overwrite" in again.flat


@pytest.mark.parametrize("name", ["missing.csv", "empty"])
def test_what_is_not_there_ends_in_one_message(tmp_path, name):
    (tmp_path / "empty").mkdir()
    result = run(agreement, "--data", tmp_path / name, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "error: " in result.flat and "expected" in result.flat and not (tmp_path / "out").exists()
