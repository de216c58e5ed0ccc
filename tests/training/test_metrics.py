import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score
from transformers import EvalPrediction

from stigma_hf.training.metrics import metrics_of, score_tasks

TASKS = {"a": ["x", "y"], "b": ["x", "y", "z"]}
LOWEST = np.finfo(np.float32).min


def logits(task, scores):
    row = np.full(5, LOWEST, dtype=np.float32)
    row[{"a": slice(0, 2), "b": slice(2, 5)}[task]] = scores
    return row


def test_scores_are_those_of_scikit_learn_task_by_task():
    random = np.random.default_rng(0)
    tasks = ["a" if i % 3 else "b" for i in range(50)]
    rows = np.stack([logits(task, random.normal(-5, 9, len(TASKS[task]))) for task in tasks])
    labels = np.array([random.integers(len(TASKS[task])) for task in tasks])
    scores = score_tasks(rows, labels, TASKS)
    for task, columns in (("a", slice(0, 2)), ("b", slice(2, 5))):
        own = np.array([t == task for t in tasks])
        predicted = rows[own][:, columns].argmax(axis=1)
        assert scores[task]["macro_f1"] == pytest.approx(f1_score(labels[own], predicted, average="macro"))
        assert scores[task]["accuracy"] == pytest.approx(accuracy_score(labels[own], predicted))


def test_a_label_that_is_neither_true_nor_predicted_does_not_count():
    rows = np.stack([logits("b", [1, 0, -1]), logits("b", [0, 1, -1])])
    assert score_tasks(rows, np.array([0, 1]), TASKS) == {"b": {"macro_f1": 1.0, "accuracy": 1.0}}


def test_the_first_of_equally_probable_labels_is_predicted():
    rows = np.stack([logits("b", [0, 0, 0])])
    assert score_tasks(rows, np.array([0]), TASKS)["b"]["accuracy"] == 1


def test_macro_f1_of_a_model_is_the_mean_over_its_tasks():
    rows = np.stack([logits("a", [1, 0]), logits("b", [0, 1, 0]), logits("b", [1, 0, 0])])
    metrics = metrics_of(TASKS)(EvalPrediction(rows, np.array([0, 1, 2])))
    assert metrics == {
        "macro_f1": pytest.approx((1 + 1 / 3) / 2),
        "macro_f1_a": 1.0,
        "macro_f1_b": pytest.approx(1 / 3),
    }
