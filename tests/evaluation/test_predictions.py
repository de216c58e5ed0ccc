import json

import numpy as np
import pyarrow.parquet
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from prediction_samples import LABELS, random_predictions

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.predicting import predict_spans
from stigma_hf.evaluation.prediction_files import load_predictions, save_predictions
from stigma_hf.evaluation.predictions import COLUMNS, Predictions


class Config:
    labels = {"adamant": ["difficult", "disbelief"], "other": ["negative", "positive"]}
    tie_order = {"other": ["positive", "negative"]}


class CountingClassifier:
    """Says how many letters a context has, as the share of its first label."""

    config = Config()

    def predict_proba(self, windows, tokenizer, batch_size):
        self.asked = [*getattr(self, "asked", []), ([window.task for window in windows], batch_size)]
        if any(not window.context for window in windows):
            raise ValueError("item 0: expected the anchor in its context, found none of its tokens")
        return [np.array([len(window.context) / 100, 1 - len(window.context) / 100]) for window in windows]


def span(task, label, letters=30, **others):
    return {"task": task, "anchor": "angry", "context": "a" * letters, "label": label, **others}


def test_spans_are_predicted_task_by_task_in_their_order():
    spans = [span("other", "negative", 80), span("adamant", "disbelief", 30), span("other", "positive", 20)]
    classifier = CountingClassifier()
    split = predict_spans(classifier, spans, batch_size=7)
    assert list(split.tasks) == ["adamant", "other"]
    assert split.problems == {}
    assert split.tasks["other"].probabilities.tolist() == [[0.8, pytest.approx(0.2)], [0.2, 0.8]]
    assert split.tasks["other"].predicted_labels.tolist() == ["negative", "positive"]
    assert split.tasks["other"].is_right.tolist() == [True, True]
    assert split.tasks["adamant"].true_labels.tolist() == ["disbelief"]
    assert classifier.asked == [(["adamant"], 7), (["other", "other"], 7)]


def test_a_tie_goes_by_the_order_of_the_model():
    split = predict_spans(CountingClassifier(), [span("other", "negative", 50), span("adamant", "disbelief", 50)])
    assert split.tasks["other"].predicted_labels.tolist() == ["positive"]
    assert split.tasks["adamant"].predicted_labels.tolist() == ["difficult"]


def test_a_data_set_and_plain_rows_give_the_same_with_ids_and_metadata_and_no_text():
    rows = [span("other", "negative", note_id="n1", subject_id=7, clean_start=3, sex=None, age=50, mood="x")]
    rows += [span("other", "positive", note_id="n2", subject_id=8, clean_start=4, sex="Male", age=60, mood="y")]
    names = ["difficult", "disbelief", "negative", "positive"]
    features = {key: Value("int64" if type(rows[1][key]) is int else "string") for key in rows[1]}
    data = Dataset.from_list(rows, features=Features(features | {"label": ClassLabel(names=names)}))
    of_rows, of_data = (predict_spans(CountingClassifier(), spans).tasks["other"] for spans in (rows, data))
    assert (
        set(of_rows.columns)
        == set(of_data.columns)
        == {"note_id", "subject_id", "clean_start", "anchor", "sex", "age"}
    )
    for name, column in of_rows.columns.items():
        assert column.tolist() == of_data.columns[name].tolist()
    assert of_rows.true.tolist() == of_data.true.tolist() == [0, 1]
    assert of_data.clusters.tolist() == [7, 8]
    assert of_data.column("sex").tolist() == [None, "Male"]


def test_tasks_that_cannot_be_evaluated_are_told_and_the_rest_computed():
    spans = [span("adamant", "exclude"), span("other", "negative"), span("mood", "sad")]
    split = predict_spans(CountingClassifier(), spans)
    assert list(split.tasks) == ["other"]
    assert (
        "expected labels among those of the model, difficult, disbelief, found 'exclude'" in split.problems["adamant"]
    )
    assert "expected a task among those of the model, adamant, other" in split.problems["mood"]
    split = predict_spans(CountingClassifier(), spans[:1], tasks=["other"])
    assert "expected spans of this task in the split, found none" in split.problems["other"]


def test_a_task_that_the_model_fails_on_is_told_and_the_rest_computed():
    split = predict_spans(CountingClassifier(), [span("adamant", "disbelief", letters=0), span("other", "negative")])
    assert list(split.tasks) == ["other"]
    assert "adamant: the model cannot label these spans: item 0: expected the anchor" in split.problems["adamant"]


def test_an_empty_split_has_no_predictions_and_says_so_for_every_task():
    split = predict_spans(CountingClassifier(), [])
    assert split.tasks == {}
    assert set(split.problems) == {"adamant", "other"}


def test_rows_without_labels_are_refused():
    with pytest.raises(UsageError, match="all labelled, found 1 of 2 without a label"):
        predict_spans(CountingClassifier(), [span("other", "negative"), span("other", None)])
    data = Dataset.from_list([span("other", -1)]).cast_column("label", ClassLabel(names=["negative"]))
    with pytest.raises(UsageError, match="found 1 of 1 without a label"):
        predict_spans(CountingClassifier(), data)
    with pytest.raises(UsageError, match="expected spans with task, anchor, context and label"):
        predict_spans(CountingClassifier(), Dataset.from_dict({"task": ["other"], "anchor": ["angry"]}))


def test_the_embedded_model_is_predicted_as_its_pipeline_predicts(pipe):
    spans = [
        {"task": "adamant", "anchor": "claims", "context": "she claims pain", "label": "exclude"},
        {"task": "other", "anchor": "angry", "context": "was angry", "label": "negative"},
    ]
    split = predict_spans(pipe, spans)
    assert set(split.problems) == {"compliance"}
    for row in spans:
        (answer,) = pipe(row)
        predictions = split.tasks[row["task"]]
        assert predictions.predicted_labels.tolist() == [answer["label"]]
        assert predictions.probabilities[0].tolist() == pytest.approx(list(answer["probabilities"].values()))
        assert predictions.labels == tuple(answer["probabilities"])


@pytest.mark.parametrize(
    ("true", "probabilities", "message"),
    [
        (["mad"], [[1, 0, 0, 0]], "expected true labels among exclude, .* found 'mad'"),
        (["negative"], [[0.5, 0.6, 0, 0]], "found 1 of 1 rows that do not, the first at row 0"),
        (["negative"], [[float("nan"), 1, 0, 0]], "expected probabilities from 0 to 1 that sum to 1"),
        (["negative"], [[1, 0, 0, 0], [1, 0, 0, 0]], r"expected probabilities of shape \(1, 4\), found \(2, 4\)"),
    ],
)
def test_answers_that_are_none_are_refused(true, probabilities, message):
    with pytest.raises(UsageError, match=message):
        Predictions.of("other", LABELS, true, probabilities)


def test_columns_of_another_length_and_absent_ones_are_refused():
    with pytest.raises(UsageError, match="expected 1 values of sex, found 2"):
        Predictions.of("other", LABELS, ["negative"], [[1, 0, 0, 0]], columns={"sex": ["Male", "Female"]})
    predictions = random_predictions(0, n_spans=3)
    with pytest.raises(UsageError, match="with the column 'race', found note_id, subject_id"):
        predictions.column("race")


def test_some_rows_keep_all_that_belongs_to_them():
    predictions = random_predictions(0, n_spans=40)
    some = predictions.where(predictions.column("anchor") == "angry")
    assert 0 < len(some) < 40
    assert set(some.column("anchor")) == {"angry"}
    places = [int(note.split()[1]) for note in some.column("note_id")]
    assert some.probabilities.tolist() == predictions.probabilities[places].tolist()
    assert some.true.tolist() == predictions.true[places].tolist()
    assert len(predictions.where(np.zeros(40, dtype=bool))) == 0


def test_saved_predictions_come_back_as_they_were(tmp_path):
    path = tmp_path / "predictions.parquet"
    first = random_predictions(1, n_spans=30)
    second = Predictions.of("adamant", ["difficult", "disbelief"], ["disbelief"], [[0.5, 0.5]], ["disbelief"])
    save_predictions([first, second], path)
    loaded = load_predictions(path)
    assert list(loaded) == ["other", "adamant"]
    for expected, found in zip((first, second), loaded.values(), strict=True):
        assert found.labels == expected.labels
        for name in ("true", "predicted", "probabilities"):
            assert getattr(found, name).tolist() == getattr(expected, name).tolist()
        for name, column in expected.columns.items():
            assert found.columns[name].tolist() == column.tolist()
    assert loaded["other"].clusters.dtype == np.int64
    assert path.stat().st_mode & 0o077 == 0


def test_a_saved_file_holds_the_known_columns_and_nothing_else(tmp_path):
    predictions = Predictions.of(
        "other", LABELS, ["negative"], [[1, 0, 0, 0]], columns={"context": ["was angry"], "sex": ["Male"]}
    )
    save_predictions([predictions], tmp_path / "p.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "p.parquet")
    assert table.column_names == ["task", "true", "predicted", "probabilities", "sex"]
    assert b"angry" not in (tmp_path / "p.parquet").read_bytes()
    assert json.loads(table.schema.metadata[b"stigma_hf_labels"]) == {"other": list(LABELS)}
    assert "context" not in COLUMNS


def test_files_that_hold_no_predictions_are_refused(tmp_path):
    path = tmp_path / "p.parquet"
    with pytest.raises(UsageError, match="expected a Parquet file of predictions"):
        load_predictions(path)
    Dataset.from_dict({"task": ["other"]}).to_parquet(path)
    with pytest.raises(UsageError, match="found one that records no label order"):
        load_predictions(path)
    with pytest.raises(UsageError, match="predictions of each task once, found other, other"):
        save_predictions([random_predictions(0), random_predictions(1)], path)
    with pytest.raises(UsageError, match="cannot be written"):
        save_predictions([], tmp_path / "absent" / "p.parquet")
