"""Predictions, labels and metadata in the forms that files have."""

import json

import pytest

from stigma_hf.errors import UsageError
from stigma_hf.prevalence.corpus_files import read_corpus
from stigma_hf.result_files import PREDICT_COLUMNS, ResultWriter

NEGATIVE = {"negative": 0.7, "neutral": 0.2, "positive": 0.1}


def span(note_id="007", start=4, **changes):
    row = {
        "note_id": note_id,
        "task": "compliance",
        "anchor": "refused",
        "start": start,
        "end": start + 7,
        "word": "Refused",
        "label": "negative",
        "score": 0.7,
        "probabilities": NEGATIVE,
        "context": "she refused labs",
        "model": "m",
    }
    return row | changes


OTHER = span(
    "007",
    30,
    task="other",
    anchor="angry",
    label="exclude",
    probabilities={"exclude": 1.0, "negative": 0.0, "neutral": 0.0, "positive": 0.0},
    context="not angry",
)


@pytest.fixture
def write(tmp_path):
    def write(name, rows):
        path = tmp_path / name
        if path.suffix == ".jsonl" and set(rows[0]) != set(PREDICT_COLUMNS):
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            with ResultWriter(path, tuple(rows[0]), overwrite=True) as file:
                for row in rows:
                    file.write(row)
        return path

    return write


def label(note_id="007", start=4, label="neutral", **changes):
    return {"note_id": note_id, "task": "compliance", "anchor": "refused", "start": start, "end": start + 7} | {
        "label": label,
        **changes,
    }


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_predictions_of_every_form_give_the_same_spans(write, ending):
    predictions = write(f"predictions.{ending}", [span(), OTHER, span("008", 4, label="neutral")])
    corpus = read_corpus(predictions, write("labels.csv", [label()]))
    compliance, other = corpus.tasks
    assert compliance.labels == ("negative", "neutral", "positive")
    assert compliance.probabilities.tolist() == [[0.7, 0.2, 0.1]] * 2
    assert compliance.predicted.tolist() == [0, 1]
    # One text in two notes: the label of the one counts for both.
    assert compliance.gold.tolist() == [1, 1]
    assert compliance.note.tolist() == [0, 1]
    assert other.gold.tolist() == [-1]
    assert corpus.remarks == (
        "no subject_id: notes count as patients, and intervals are too narrow if patients have several",
    )


def test_labels_are_found_by_place_in_the_note(write):
    predictions = write("predictions.jsonl", [span(), span(start=20, context="he refused")])
    corpus = read_corpus(predictions, write("labels.jsonl", [label(start=20)]))
    assert corpus.tasks[0].gold.tolist() == [-1, 1]


def test_an_annotations_file_is_found_by_place_in_the_cleaned_note(write):
    rows = [span(clean_start=3, clean_end=10), span(start=20, clean_start=4, clean_end=11, context="he refused")]
    predictions = write("predictions.jsonl", rows)
    annotations = {
        "encounter_note_id": "007",
        "keyword_category": "compliance",
        "keyword": "refused",
        "start": 4,
        "end": 11,
        "label": "Positive ",
    }
    corpus = read_corpus(predictions, write("annotations.csv", [annotations]))
    assert corpus.tasks[0].gold.tolist() == [-1, 2]


def test_the_file_of_sample_is_found_by_the_words_around(write):
    predictions = write("predictions.jsonl", [span(), span(start=20, context="(refused)")])
    filled = label(context_left="(", context_anchor="refused", context_right=")")
    del filled["start"], filled["end"]
    corpus = read_corpus(predictions, write("sample.csv", [filled]))
    assert corpus.tasks[0].gold.tolist() == [-1, 1]


def test_files_that_tell_spans_apart_in_other_ways_are_refused(write):
    predictions = write("predictions.jsonl", [span()])
    annotations = {"encounter_note_id": "007", "keyword_category": "compliance", "keyword": "refused", "start": 4}
    labels = write("annotations.csv", [annotations | {"end": 11, "label": "neutral"}])
    with pytest.raises(UsageError, match="expected columns in both that tell the spans of a note apart"):
        read_corpus(predictions, labels)


def test_labels_of_other_notes_are_refused(write):
    with pytest.raises(UsageError, match="none of 1 is there, compared by note_id, task, anchor, start, end"):
        read_corpus(write("p.jsonl", [span()]), write("labels.csv", [label("999")]))


def test_labels_that_cannot_be_used_are_counted(write):
    rows = [label(), label("008"), label("999"), label("009", label=""), label("008", label="positive")]
    predictions = write("p.jsonl", [span(), span("008", context="b"), span("009", context="c")])
    corpus = read_corpus(predictions, write("labels.csv", rows))
    assert corpus.tasks[0].gold.tolist() == [1, -1, -1]
    assert corpus.remarks[1:] == (
        "1 of 5 sampled spans have no label; they are taken to be like the others",
        "1 spans were given two labels; neither is used",
        "1 of 3 labelled spans are not in the predictions; they are not used",
    )


def test_labels_of_no_task_are_refused_without_showing_text(write):
    with pytest.raises(UsageError, match="expected gold labels among negative, neutral, positive, found 'agrees'"):
        read_corpus(write("p.jsonl", [span()]), write("labels.csv", [label(label="agrees")]))


def test_patients_and_groups_come_from_the_metadata_of_notes(write):
    predictions = write("p.jsonl", [span(), span("008", context="b"), span("009", context="c")])
    metadata = write(
        "metadata.csv",
        [{"note_id": note, "subject_id": "1", "sex": sex} for note, sex in (("007", "F"), ("008", "M"), ("007", "F"))]
        + [{"note_id": "009", "subject_id": "2", "sex": ""}],
    )
    (spans,) = read_corpus(predictions, write("l.csv", [label()]), metadata=metadata, groups=["sex"]).tasks
    assert spans.patient.tolist() == [0, 0, 1]
    assert spans.groups["sex"].names == ("F", "M")
    assert spans.groups["sex"].codes.tolist() == [0, 1, -1]


def test_groups_come_from_the_metadata_of_patients(write):
    predictions = write("p.jsonl", [span(subject_id=1), span("008", subject_id=2, context="b")])
    metadata = write("metadata.csv", [{"subject_id": "2", "race": "x"}, {"subject_id": "1", "race": "y"}])
    (spans,) = read_corpus(predictions, write("l.csv", [label()]), metadata=metadata, groups=["race"]).tasks
    assert [spans.groups["race"].names[code] for code in spans.groups["race"].codes] == ["y", "x"]


def test_metadata_that_contradict_themselves_are_refused(write):
    metadata = write("metadata.csv", [{"note_id": "007", "sex": "F"}, {"note_id": "007", "sex": "M"}])
    with pytest.raises(UsageError, match="expected one value of sex per note_id, found several for some"):
        read_corpus(write("p.jsonl", [span()]), write("l.csv", [label()]), metadata=metadata, groups=["sex"])


def test_notes_without_a_patient_are_refused(write):
    metadata = write("metadata.csv", [{"note_id": "008", "subject_id": "1"}])
    with pytest.raises(UsageError, match="expected a subject_id for every span, 1 have none"):
        read_corpus(write("p.jsonl", [span()]), write("l.csv", [label()]), metadata=metadata)


def test_groups_that_no_file_has_are_refused(write):
    with pytest.raises(UsageError, match="expected the columns sex, found note_id, .*name a file that has them with"):
        read_corpus(write("p.jsonl", [span()]), write("l.csv", [label()]), groups=["sex"])


def test_predictions_without_probabilities_or_context_are_taken_as_they_are(write):
    rows = [
        {name: value for name, value in span(start=start).items() if name not in ("probabilities", "context")}
        for start in (4, 20)
    ]
    corpus = read_corpus(write("p.csv", rows), write("l.csv", [label()]))
    assert corpus.tasks[0].probabilities.tolist() == [[1, 0, 0]] * 2
    assert corpus.tasks[0].gold.tolist() == [1, -1]
    assert [remark.split(":")[0] for remark in corpus.remarks[1:]] == [
        "the predictions have no context",
        "the predictions have no probabilities",
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([span(), span("008", model="n")], "expected the predictions of one model, found those of 2"),
        ([span(), span()], "expected every span once, 1 stand there again"),
        ([span(task="mood")], "expected tasks among adamant, compliance, other, found 'mood'"),
        ([span(label="sad")], "expected predicted labels among negative, neutral, positive, found 'sad'"),
        ([span(probabilities={"negative": 1.0})], "expected probabilities of negative, neutral, positive for task"),
        ([span(probabilities=dict.fromkeys(NEGATIVE, 0.9))], "add up to 1, 1 of 1 spans have others"),
        ([{"note_id": "1", "text": "secret"}], "expected the columns task, anchor, label, found note_id, text"),
    ],
)
def test_predictions_that_cannot_be_are_refused(write, rows, message):
    with pytest.raises(UsageError, match=message):
        read_corpus(write("p.jsonl", rows), write("l.csv", [label()]))


def test_files_that_are_something_else_are_refused_without_their_text(write, tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"note_id": "secret refused"')
    labels = write("l.csv", [label()])
    with pytest.raises(UsageError, match="expected jsonl content, as its ending says") as error:
        read_corpus(broken, labels)
    assert "secret" not in str(error.value) + str(error.value.__cause__)
    with pytest.raises(UsageError, match="p.txt: expected a file that ends in .jsonl, .csv, .parquet"):
        read_corpus(tmp_path / "p.txt", labels)
    with pytest.raises(UsageError, match=r"none.csv: cannot be read"):
        read_corpus(tmp_path / "none.csv", labels)
    for bad in ("secret", ["secret"], {"negative": "secret"}):
        with pytest.raises(UsageError, match="expected probabilities as an object of label to number") as error:
            read_corpus(write("p.csv", [span() | {"probabilities": json.dumps(bad)}]), labels)
        assert "secret" not in str(error.value)
