"""Macro F1 of each task, from the logits of a `Trainer`'s evaluation."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sklearn.metrics import accuracy_score, f1_score
from transformers import EvalPrediction


def score_tasks(
    logits: np.ndarray, labels: np.ndarray, task_labels: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Macro F1 and accuracy of each task that has spans.

    As in the released toolkit, macro F1 is over the labels that occur among the true or the predicted ones.

    Args:
        logits: What `AnchorPooledClassifier` answers, shape (spans, labels of all tasks together): the columns of
            other tasks than a span's own hold the lowest number there is, which is how its task is known.
        labels: Place of each span's label among those of its task, shape (spans,).
        task_labels: Labels of each task, in the order of the model's configuration.
    """
    first_column = np.cumsum([0, *(len(names) for names in task_labels.values())])
    own_columns = logits > np.finfo(logits.dtype).min
    task_ids = np.searchsorted(first_column, own_columns.argmax(axis=1), side="right") - 1
    predicted = logits.argmax(axis=1) - first_column[task_ids]
    scores = {}
    for place, task in enumerate(task_labels):
        own = task_ids == place
        if own.any():
            scores[task] = {
                "macro_f1": float(f1_score(labels[own], predicted[own], average="macro", zero_division=0)),
                "accuracy": float(accuracy_score(labels[own], predicted[own])),
            }
    return scores


def metrics_of(task_labels: Mapping[str, Sequence[str]]) -> Callable[[EvalPrediction], dict[str, float]]:
    """The `compute_metrics` of a Trainer: `macro_f1`, the mean over the tasks, and `macro_f1_TASK` of each.

    Args:
        task_labels: Labels of each task, in the order of the model's configuration.
    """

    def compute(prediction: EvalPrediction) -> dict[str, float]:
        scores = score_tasks(prediction.predictions, prediction.label_ids, task_labels)
        of_tasks = {f"macro_f1_{task}": score["macro_f1"] for task, score in scores.items()}
        return {"macro_f1": float(np.mean(list(of_tasks.values()))), **of_tasks}

    return compute
