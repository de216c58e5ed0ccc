"""Macro F1 of the two majority baselines, from tables of how often each anchor got each label.

A table has the shape (..., anchors, labels), so thousands of ways to split the same spans are scored at once. Laplace
smoothing adds the same to every label, so the predictions are those of `AnchorCounts`: the most frequent label of the
anchor, the first of the table on a tie, and so the first label for an anchor that was never trained on. `TaskSpans`
puts the rarest label first, as the released baseline does; given the released anchors, negation included, the scores
here are its scores.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from stigma_hf.decoding import rarest_first
from stigma_hf.errors import UsageError
from stigma_hf.mimic.splits import cross_validation

FOLDS = 5


class Majority(StrEnum):
    """A majority baseline, by its name in Table 1 of Harrigian et al. 2023."""

    OVERALL = "Majority Overall"
    PER_ANCHOR = "Majority Per Anchor"


@dataclass(frozen=True)
class MajorityScores:
    """Macro F1 on the test spans.

    Attributes:
        one_split: Trained on all training spans.
        folds: Trained on the training spans of each fold of the published cross-validation.
    """

    one_split: float
    folds: tuple[float, ...]

    @property
    def fold_mean(self) -> float:
        """Mean over the folds, the figure of Table 1."""
        return float(np.mean(self.folds))

    @property
    def fold_sd(self) -> float:
        """Standard deviation over the folds."""
        return float(np.std(self.folds))


def predict_majority(majority: Majority, train: np.ndarray) -> np.ndarray:
    """The label that a baseline gives each anchor, as its place among the labels of the table.

    Args:
        majority: Which baseline.
        train: Training spans per anchor and label, shape (..., anchors, labels).

    Returns:
        Labels, shape (..., anchors).
    """
    if majority is Majority.PER_ANCHOR:
        return np.argmax(train, axis=-1)
    overall = train.sum(axis=-2).argmax(axis=-1)
    return np.broadcast_to(overall[..., None], train.shape[:-1])


def macro_f1(predicted: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Unweighted mean of the F1 of every label, as scikit-learn computes it with fixed labels and `zero_division=0`.

    Args:
        predicted: Label given to each anchor, shape (..., anchors).
        test: Test spans per anchor and true label, shape (..., anchors, labels).

    Returns:
        Macro F1, shape (...); a label that is neither true nor predicted anywhere counts as 0.
    """
    given = predicted[..., None] == np.arange(test.shape[-1])
    n_right = (given * test).sum(axis=-2)
    n_given_and_true = (given * test.sum(axis=-1, keepdims=True)).sum(axis=-2) + test.sum(axis=-2)
    f1 = np.zeros(n_right.shape)
    np.divide(2 * n_right, n_given_and_true, out=f1, where=n_given_and_true > 0)
    return np.mean(f1, axis=-1)


def score_majority(majority: Majority, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Macro F1 of a baseline that learned from one table and is tested on another, both (..., anchors, labels)."""
    return macro_f1(predict_majority(majority, train), test)


class TaskSpans:
    """Annotated spans of one task in the order of the data set, as numbers.

    Args:
        labels: Labels of the task.
        spans: Split name to its spans, each an anchor and a label.

    Attributes:
        labels: Labels of the task in the order of every table, the one with the fewest spans first.

    Raises:
        UsageError: If a label is not one of the task, there are fewer training spans than folds, or none to test on.
    """

    def __init__(self, labels: Sequence[str], spans: dict[str, list[tuple[str, str]]]) -> None:
        if unknown := sorted({label for rows in spans.values() for _, label in rows} - set(labels)):
            raise UsageError(f"expected labels among {', '.join(labels)}, found {unknown[0]!r}")
        n_train, n_test = len(spans["train"]), len(spans["test"])
        if n_train < FOLDS or not n_test:
            raise UsageError(f"expected {FOLDS} training spans or more and test spans, found {n_train} and {n_test}")
        self.labels = rarest_first(labels, Counter(label for rows in spans.values() for _, label in rows))
        self.anchors = sorted({anchor for rows in spans.values() for anchor, _ in rows})
        places = {anchor: place for place, anchor in enumerate(self.anchors)}
        self._cells = {
            split: np.array([places[a] * len(labels) + self.labels.index(b) for a, b in rows], dtype=np.int64)
            for split, rows in spans.items()
        }

    def table(self, split: str, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Spans of a split, or of some of its rows, per anchor and label, shape (anchors, labels)."""
        shape = len(self.anchors), len(self.labels)
        return np.bincount(self._cells[split][rows], minlength=shape[0] * shape[1]).reshape(shape)

    def score(self, majority: Majority) -> MajorityScores:
        """Macro F1 of a baseline under the split as it is and under the published cross-validation."""
        test = self.table("test")
        folds = cross_validation(len(self._cells["train"]), len(self._cells["validation"]), FOLDS)
        trained_on = np.stack([self.table("train"), *(self.table("train", rows) for rows, _ in folds)])
        one_split, *of_folds = score_majority(majority, trained_on, test).tolist()
        return MajorityScores(one_split, tuple(of_folds))
