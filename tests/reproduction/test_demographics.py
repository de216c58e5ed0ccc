import json

import numpy as np
import pytest
from encoder.tiny_encoders import tiny_classifier, tokenizer_of
from reporting.small_data import without
from sklearn.dummy import DummyClassifier
from sklearn.metrics import f1_score

from reproduction.analysis_samples import NOTE_WORD, annotated_rows, run, table_lines, write_annotated
from stigma_hf.cli.reproduce_analyses import table7
from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.inference import predict_proba
from stigma_hf.errors import UsageError
from stigma_hf.reporting.problems import Problems
from stigma_hf.reproduction.demographics import (
    ATTRIBUTES,
    EMBEDDING,
    FEATURES,
    MAJORITY,
    NEUTRAL,
    measure_demographics,
    read_published_demographics,
)
from stigma_hf.reproduction.demographics_report import render_table7, reproduce_table7
from stigma_hf.reproduction.labelled_data import read_labelled_data
from stigma_hf.reproduction.probe import patient_folds, probe_columns, probe_majority, probe_vectors
from stigma_hf.reproduction.probe_embeddings import Embedder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_annotated(tmp_path_factory.mktemp("data") / "spans")


@pytest.fixture(scope="module")
def report(data):
    """The table with the embeddings of the recipe `tiny`, fresh weights."""
    return reproduce_table7(data, "tiny", folds=3)


def cell(report, task, features, attribute):
    (found,) = [
        c for c in report["cells"] if (c["task"], c["features"], c["attribute"]) == (task, features, attribute)
    ]
    return found


def test_no_patient_is_on_both_sides_of_a_fold_and_the_seed_deals_them_out():
    patients = np.repeat(np.arange(40), 3)
    folds = patient_folds(patients, 5, seed=1)
    for fitted, scored in folds:
        assert not set(patients[fitted]) & set(patients[scored])
    assert sorted(np.concatenate([scored for _, scored in folds])) == list(range(120))
    same, other = (patient_folds(patients, 5, seed)[0][1] for seed in (1, 2))
    assert np.array_equal(same, folds[0][1]) and not np.array_equal(other, folds[0][1])
    with pytest.raises(UsageError, match="as many patients, found 5 folds, 4 patients"):
        patient_folds(np.array([1, 2, 3, 4, 4]), 5, 0)


def test_majority_is_scored_as_scikit_learn_scores_it():
    target = np.array(["a", "b", "a", "a", "b", "a", "a", "b"])
    folds = patient_folds(np.arange(8), 2, 0)
    expected = []
    for fitted, scored in folds:
        told = DummyClassifier().fit(fitted, target[fitted]).predict(scored)
        expected.append(f1_score(target[scored], told, average="macro"))
    assert probe_majority(target, folds).folds == pytest.approx(expected)


def test_an_interaction_tells_what_neither_part_does():
    random = np.random.default_rng(0)
    first, second = random.choice(["x", "y"], 400), random.choice(["u", "v"], 400)
    target = np.where((first == "x") == (second == "u"), "even", "odd")
    folds = patient_folds(np.arange(400), 4, 0)
    assert probe_columns([first], target, folds).mean < 0.7
    assert probe_columns([first, second], target, folds).mean == 1


def test_vectors_of_any_scale_are_read():
    random = np.random.default_rng(0)
    target = random.choice(["a", "b"], 200)
    vectors = np.column_stack([random.normal(size=200) * 1e4, (target == "a") * 1e-4])
    assert probe_vectors(vectors, target, patient_folds(np.arange(200), 4, 0)).mean == 1


def test_fold_with_one_class_is_left_out_and_said():
    target = np.array(["a"] * 6 + ["b"] * 2)
    folds = [(np.array([0, 1, 2]), np.array([6, 7])), (np.array([2, 3, 6]), np.array([0, 7]))]
    score = probe_majority(target, folds)
    assert score.folds[0] is None and score.mean == score.folds[1]
    assert score.problem == "fold 0: expected at least two classes to fit on, found one"


def test_embedding_is_what_the_heads_read():
    model, tokenizer = tiny_classifier(), tokenizer_of("bert")
    windows = [
        ContextWindow("compliance", "refused", "she refused labs"),
        ContextWindow("adamant", "claims", "the patient claims pain and declines help now"),
        ContextWindow("compliance", "compliant", "compliant with diet"),
    ] * 7
    vectors = Embedder(model, tokenizer, True).embed(windows, batch_size=4)
    for vector, window, expected in zip(vectors, windows, predict_proba(model, windows, tokenizer, 16), strict=True):
        head = model.heads[window.task]
        logits = vector @ head.weight.detach().numpy().T + head.bias.detach().numpy()
        assert np.exp(logits) / np.exp(logits).sum() == pytest.approx(expected, abs=1e-5)


def test_trained_model_is_told_from_an_encoder(tmp_path):
    model = tiny_classifier(labels={"other": ["negative", "positive"]})
    for folder, saved in (("classifier", model), ("encoder", model.encoders["shared"])):
        saved.save_pretrained(tmp_path / folder)
        tokenizer_of("bert").save_pretrained(tmp_path / folder)
    trained, bare = (Embedder.open(str(tmp_path / folder)) for folder in ("classifier", "encoder"))
    assert trained.is_trained and not bare.is_trained
    windows = [ContextWindow("other", "angry", "the patient was angry")]
    assert trained.embed(windows) == pytest.approx(bare.embed(windows), abs=1e-6)
    with pytest.raises(UsageError, match="expected windows of other, found adamant"):
        trained.embed([ContextWindow("adamant", "claims", "he claims")])
    with pytest.raises(UsageError, match="no encoder in a folder of this name"):
        Embedder.open(str(tmp_path / "absent"))


def test_window_without_its_anchor_is_named_by_its_place():
    windows = [ContextWindow("other", "angry", "she is angry"), ContextWindow("other", "angry", f"calm {NOTE_WORD}")]
    with pytest.raises(UsageError, match="item 1") as error:
        Embedder(tiny_classifier(), tokenizer_of("bert"), False).embed(windows)
    assert NOTE_WORD not in str(error.value)


def test_table_has_every_row_but_those_that_read_what_they_tell(report):
    found = {(c["features"], c["attribute"]) for c in report["cells"] if c["task"] == "other"}
    assert {features for features, _ in found} == set(FEATURES)
    assert {attribute for _, attribute in found} == set(ATTRIBUTES)
    assert ("Anchor", "anchor") not in found and ("Label x Speciality", "label") not in found
    assert cell(report, "other", "Label x Speciality", "anchor")["published_mean"] == 0.11
    assert len(found) == len({k for k in read_published_demographics() if k[0] == "other"})


def test_gendered_words_tell_the_sex_until_they_are_replaced(report):
    # Every window begins with "she" or "he".
    with_words, without_words, majority = (
        cell(report, "compliance", features, "sex")["score"]["mean"] for features in (EMBEDDING, NEUTRAL, MAJORITY)
    )
    assert majority < with_words and without_words < with_words - 0.1
    assert (
        report["n_windows_with_gendered_words"]
        == report["n_windows"]
        == {
            "adamant": 220,
            "compliance": 220,
            "other": 220,
        }
    )


def test_races_are_those_of_the_paper_and_unknown_ones_left_out(report):
    (race,) = [a for a in report["attributes"] if (a["task"], a["attribute"]) == ("other", "race")]
    assert race["n_classes"] == 3
    assert race["n_spans"] < report["n_windows"]["other"]


def test_text_has_both_figures_and_no_note(report):
    text = render_table7(report)
    assert "SYNTHETIC" in text and "| Embedding (Gender Neutral) | here |" in text
    assert "0.92\u00b10.02" in text and "an encoder as it is" in text
    assert NOTE_WORD not in text + json.dumps(report)


def test_what_cannot_be_told_is_noted_and_the_rest_measured(tmp_path):
    splits = {split: without(rows, "service") for split, rows in annotated_rows().items()}
    for rows in splits.values():
        for row in rows:
            row["sex"] = "Female"
            row["race"] = row["race"] if row["subject_id"] < 8 else None
    report = reproduce_table7(write_annotated(tmp_path / "spans", splits), folds=2)
    told = " ".join(entry["problem"] for entry in report["problems"])
    assert "other: expected spans with the column service, found none" in told
    assert "other, sex: expected at least two values to tell apart, found one" in told
    assert "other, race: expected 20 spans, and patients, with a known value, found fewer" in told
    assert cell(report, "other", "Label", "anchor")["score"]["mean"] > 0
    assert not any("Speciality" in c["features"] or EMBEDDING in c["features"] for c in report["cells"])


def test_failing_embeddings_cost_only_their_rows(data):
    class Failing:
        tasks = ("other",)

        def embed(self, windows, batch_size=None):
            raise RuntimeError(NOTE_WORD)

    problems = Problems()
    table = measure_demographics(read_labelled_data(data), Failing(), problems, folds=2)
    assert any(c.features == MAJORITY for c in table.cells)
    assert not any(c.features in (EMBEDDING, NEUTRAL) for c in table.cells)
    assert len(problems.found) == 6 and NOTE_WORD not in json.dumps(problems.found)


def test_spans_without_patients_are_refused(tmp_path):
    splits = {split: without(rows, "subject_id") for split, rows in annotated_rows().items()}
    with pytest.raises(UsageError, match="expected spans with a subject_id, to keep patients apart"):
        reproduce_table7(write_annotated(tmp_path / "spans", splits))


def test_command_prints_a_table_that_fits_the_terminal(data, tmp_path):
    result = run(table7, "--data", data, "--out", tmp_path / "out", "--folds", 2, "--split", "train")
    assert result.exit_code == 0, result.output
    assert all(len(line.rstrip()) <= 100 for line in table_lines(result)) and "published" in result.flat
    written = json.loads((tmp_path / "out" / "table7.json").read_text())
    assert list(written["record"]["data"]) == ["train"] and written["model"] is None
    refused = run(table7, "--data", data, "--out", tmp_path / "other", "--split", "dev")
    assert refused.exit_code == 1 and "expected splits among train, validation, test, found 'dev'" in refused.flat


def test_numbers_do_not_depend_on_the_run(data, report):
    assert reproduce_table7(data, "tiny", folds=3)["cells"] == report["cells"]
