import json
import subprocess
import sys
from pathlib import Path

import evaluate
import numpy as np
import pytest
from datasets import ClassLabel, Dataset
from prediction_samples import LABELS, random_predictions
from sklearn.metrics import f1_score

import stigma_hf
from stigma_hf.errors import UsageError
from stigma_hf.evaluation.evaluator import StigmaClassificationEvaluator, register_evaluator
from stigma_hf.evaluation.modules import stigma_classification
from stigma_hf.evaluation.modules.stigma_classification import StigmaClassification
from stigma_hf.evaluation.scores import score

HERE = Path(__file__).parent
PREDICTIONS = random_predictions(0, n_spans=120)


def inputs(predictions=PREDICTIONS, **others):
    return {"predictions": predictions.probabilities, "references": predictions.true_labels.tolist(), **others}


def metric(*args, **kwargs):
    return StigmaClassification(*args, keep_in_memory=True, **{"task": "other", **kwargs})


def test_a_metric_gives_the_scores_of_the_library_with_intervals_over_patients():
    found = metric("probabilities").compute(**inputs(), clusters=PREDICTIONS.clusters, resamples=50, seed=3)
    expected = score(PREDICTIONS, 50, seed=3)
    for name, estimate in expected.headline.items():
        assert found[name] == pytest.approx(estimate.value, abs=1e-12)
        assert found["intervals"][name] == pytest.approx([estimate.low, estimate.high], abs=1e-12)
    for label in LABELS:
        assert found["per_label"][label]["roc_auc"] == pytest.approx(expected.per_label[label]["roc_auc"].value)
        assert found["per_label"][label]["support"] == expected.support[label]
    assert found["confusion_matrix"] == expected.confusion
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_labels_may_be_text_or_places_and_give_what_needs_no_probabilities():
    as_text = metric().compute(
        predictions=PREDICTIONS.predicted_labels.tolist(), references=PREDICTIONS.true_labels.tolist()
    )
    as_places = metric().compute(predictions=PREDICTIONS.predicted, references=PREDICTIONS.true)
    assert as_text == as_places
    assert as_text["macro_f1"] == pytest.approx(f1_score(PREDICTIONS.true, PREDICTIONS.predicted, average="macro"))
    assert "brier" not in as_text
    assert set(as_text["per_label"]["neutral"]) == {"precision", "recall", "f1", "support"}


def test_the_module_loaded_by_its_path_gives_what_the_class_gives(tmp_path, monkeypatch):
    monkeypatch.setattr("evaluate.config.HF_MODULES_CACHE", str(tmp_path))
    monkeypatch.setattr("datasets.config.HF_MODULES_CACHE", str(tmp_path))
    path = stigma_classification.__file__
    loaded = evaluate.load(path, "probabilities", task="other", keep_in_memory=True)
    assert type(loaded).__module__ != StigmaClassification.__module__
    assert loaded.name == "stigma_classification"
    assert loaded.compute(**inputs()) == metric("probabilities").compute(**inputs())
    assert evaluate.load(path, keep_in_memory=True).compute(predictions=["negative"], references=["negative"])


def test_batches_add_up_to_the_whole():
    in_batches = metric("probabilities", clustered=True)
    patients = [str(patient) for patient in PREDICTIONS.clusters]
    for rows in np.array_split(np.arange(120), 7):
        part = PREDICTIONS.where(rows)
        in_batches.add_batch(**inputs(part, clusters=[patients[row] for row in rows]))
    whole = metric("probabilities").compute(**inputs(), clusters=patients, resamples=20)
    assert in_batches.compute(resamples=20) == whole


def test_metrics_of_several_kinds_combine():
    combined = evaluate.combine({"other": metric(), "all": metric(task=None)}, force_prefix=True)
    combined.add_batch(predictions=["negative", "neutral"], references=["negative", "negative"])
    found = combined.compute()
    assert found["other_accuracy"] == found["all_accuracy"] == 0.5


def test_without_a_task_labels_are_those_of_all_tasks_and_only_those_that_occur_are_told():
    names = ["difficult", "disbelief", "exclude", "negative", "neutral", "positive"]
    found = metric(task=None).compute(predictions=[names.index("negative"), 4], references=["negative", "negative"])
    assert found["labels"] == ["negative", "neutral"]
    assert found["confusion_matrix"] == [[1, 1], [0, 0]]
    assert found["macro_f1"] == pytest.approx(1 / 3)
    assert "macro_f1_all_labels" not in found


def test_ties_go_by_the_order_given():
    tied = {"predictions": [[0.5, 0.5]], "references": ["positive"]}
    two = metric("probabilities", labels=["negative", "positive"])
    assert two.compute(**tied)["accuracy"] == 0
    assert two.compute(**tied, tie_order=["positive", "negative"])["accuracy"] == 1


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="expected task among adamant, compliance, other, or labels, found 'mood'"):
        metric(task="mood")
    with pytest.raises(UsageError, match="expected the configuration labels or probabilities, found 'logits'"):
        metric("logits")
    with pytest.raises(ValueError, match="Invalid string class label difficult"):
        metric().compute(predictions=["difficult"], references=["negative"])
    with pytest.raises(UsageError, match="cluster of each of 2 spans, found 1; load the metric with clustered=True"):
        metric().compute(predictions=[0, 1], references=[0, 1], clusters=[7])
    with pytest.raises(UsageError, match="expected probabilities from 0 to 1 that sum to 1"):
        metric("probabilities").compute(predictions=[[2.0, 0, 0, 0]], references=[1])


SPLIT_AT = (50, 120)
"""Spans of the first of two processes: some, and then all of them, which leaves the second none."""

SECOND_PROCESS = """
import sys
sys.path.insert(0, sys.argv[1])
from test_evaluate_library import shards
print(*shards(1, sys.argv[2]))
"""


def shards(process_id, cache_dir):
    """What one of two processes computes, the first having the spans up to a place and the second those after it."""
    for split_at in SPLIT_AT:
        rows = np.arange(split_at) if process_id == 0 else np.arange(split_at, len(PREDICTIONS))
        part = PREDICTIONS.where(rows)
        of_process = StigmaClassification(
            "probabilities",
            "other",
            clustered=True,
            num_process=2,
            process_id=process_id,
            experiment_id=f"{split_at} spans first",
            cache_dir=cache_dir,
        )
        of_process.add_batch(**inputs(part, clusters=[str(patient) for patient in part.clusters]))
        yield of_process.compute(resamples=20)


def test_two_processes_give_what_one_gives(tmp_path):
    command = [sys.executable, "-c", SECOND_PROCESS, str(HERE), str(tmp_path)]
    second = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    both = list(shards(0, str(tmp_path)))
    output, errors = second.communicate(timeout=100)
    assert (second.returncode, output.split()) == (0, ["None", "None"]), errors
    patients = [str(patient) for patient in PREDICTIONS.clusters]
    assert both == [metric("probabilities").compute(**inputs(), clusters=patients, resamples=20)] * 2
    assert list(tmp_path.rglob("*.arrow")) == []


def data_set():
    rows = [
        ("adamant", "claims", "she claims pain", "disbelief", 1),
        ("adamant", "claims", "he claims so", "exclude", 2),
        ("other", "pleasant", "a pleasant man", "positive", 1),
        ("other", "angry", "was angry", "negative", 3),
    ]
    columns = dict(zip(("task", "anchor", "context", "label", "subject_id"), zip(*rows, strict=True), strict=True))
    names = sorted({label for *_, label, _ in rows})
    return Dataset.from_dict({name: list(column) for name, column in columns.items()}).cast_column(
        "label", ClassLabel(names=names)
    )


def test_a_pipeline_is_evaluated_task_by_task_by_the_evaluator_of_its_name(pipe):
    register_evaluator()
    evaluator = evaluate.evaluator("stigma-classification")
    assert isinstance(evaluator, StigmaClassificationEvaluator)
    found = evaluator.compute(pipe, data_set(), strategy="bootstrap", n_resamples=20)
    names = data_set().features["label"]
    right = [answer["label"] == names.int2str(row["label"]) for row in data_set() for answer in pipe(row)]
    assert right[:2] == [True, False]
    assert found["adamant"]["accuracy"] == 0.5
    assert found["other"]["accuracy"] == sum(right[2:]) / 2
    assert found["adamant"]["labels"] == ["difficult", "disbelief", "exclude"]
    assert found["adamant"]["intervals"]["accuracy"] == [0, 1]
    assert "expected spans of this task in the split" in found["problems"]["compliance"]
    assert found["samples_per_second"] > 0


def test_a_model_its_folder_and_nothing_are_evaluated_as_pipelines_are(pipe, tmp_path):
    evaluator = StigmaClassificationEvaluator()
    pipe.save_pretrained(tmp_path)
    expected = evaluator.compute(pipe, data_set())["adamant"]
    for model in (pipe.model, str(tmp_path), tmp_path, None):
        assert evaluator.compute(model, data_set(), tasks=["adamant"])["adamant"] == expected


def test_another_metric_of_the_library_is_computed_on_places_of_labels(pipe):
    found = StigmaClassificationEvaluator().compute(pipe, data_set(), metric=metric(task="adamant"), tasks=["adamant"])
    assert found["adamant"]["accuracy"] == 0.5
    assert "brier" not in found["adamant"]


def test_evaluate_is_imported_only_where_it_is_used():
    code = (
        "import sys, pkgutil, importlib, stigma_hf.evaluation as e\n"
        "for m in pkgutil.iter_modules(e.__path__):\n"
        "    if m.name not in ('evaluator', 'modules'): importlib.import_module('stigma_hf.evaluation.' + m.name)\n"
        "print(*(m for m in ('evaluate', 'torch', 'transformers', 'datasets', 'sklearn') if m in sys.modules))"
    )
    root = Path(stigma_hf.__file__).parents[1]
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert answer.stdout.strip() == ""
