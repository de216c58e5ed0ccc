"""Baselines that are label counts: of all training spans together, or of each anchor, smoothed."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from stigma_hf.baseline.anchors import negated_anchor
from stigma_hf.context_window import ContextWindow


class AnchorCounts:
    """Label counts per anchor of one task.

    Args:
        labels: Labels of the task, in the order of every probability vector.
        counts: Anchor to the number of training spans per label, each of shape (len(labels),).
        alpha: Laplace smoothing, added to every count; above 0.
        ignore_case: Whether an anchor is looked up in lower case.

    Raises:
        ValueError: If a row of counts does not have one number from 0 on per label, or alpha is not above 0.
    """

    def __init__(
        self,
        labels: Sequence[str],
        counts: Mapping[str, Sequence[int]],
        alpha: float = 1.0,
        ignore_case: bool = True,
    ) -> None:
        if alpha <= 0:
            raise ValueError(f"expected alpha above 0, found {alpha}")
        if not isinstance(counts, Mapping):
            raise ValueError(f"expected counts per anchor, found {type(counts).__name__}")
        for anchor, row in counts.items():
            if not _is_row(row, len(labels)):
                raise ValueError(f"expected {len(labels)} counts from 0 on for {anchor!r}, found {row}")
        self.labels = tuple(labels)
        self.counts = {anchor: [int(count) for count in row] for anchor, row in counts.items()}
        self.alpha = alpha
        self.ignore_case = ignore_case

    def predict_proba(self, anchors: Sequence[str]) -> np.ndarray:
        """Smoothed share of each label among the training spans of each anchor; uniform for an unknown anchor.

        Returns:
            Probabilities, shape (len(anchors), len(labels)).
        """
        unseen = [0] * len(self.labels)
        rows = [self.counts.get(anchor.lower() if self.ignore_case else anchor, unseen) for anchor in anchors]
        smoothed = np.asarray(rows, dtype=np.float64).reshape(len(anchors), len(self.labels)) + self.alpha
        return smoothed / smoothed.sum(axis=1, keepdims=True)


class MajorityPerAnchor:
    """Majority per anchor of one task, for context windows.

    Args:
        counts: The label counts of each anchor.
        negated: Whether a negation right before an anchor makes another anchor, `not compliant`, that has counts of
            its own, as in the published baseline: such an anchor that was never seen is uniform.
    """

    def __init__(self, counts: AnchorCounts, negated: bool) -> None:
        self.counts = counts
        self.negated = negated

    def predict_proba(self, windows: Sequence[ContextWindow]) -> np.ndarray:
        """Probabilities of the windows, shape (len(windows), number of labels)."""
        return self.counts.predict_proba([anchor_key(window, self.negated) for window in windows])


class MajorityOverall:
    """The share of each label among all training spans of one task, whatever the window.

    Args:
        labels: Labels of the task, in the order of every probability vector.
        counts: Number of training spans per label, shape (len(labels),).

    Raises:
        ValueError: If the counts are not one number from 0 on per label, with one above 0.
    """

    def __init__(self, labels: Sequence[str], counts: Sequence[int]) -> None:
        if not _is_row(counts, len(labels)) or not any(counts):
            raise ValueError(f"expected {len(labels)} counts from 0 on, one of them above 0, found {counts}")
        self.counts = [int(count) for count in counts]

    def predict_proba(self, windows: Sequence[ContextWindow]) -> np.ndarray:
        """Probabilities of the windows, shape (len(windows), number of labels)."""
        shares = np.asarray(self.counts, dtype=np.float64) / sum(self.counts)
        return np.tile(shares, (len(windows), 1))


def anchor_key(window: ContextWindow, negated: bool) -> str:
    """What the spans of a window's anchor are counted under."""
    return negated_anchor(window.anchor, window.context) if negated else window.anchor


def _is_row(row: object, n_labels: int) -> bool:
    """Whether something is one number from 0 on per label."""
    if not isinstance(row, Sequence) or len(row) != n_labels:
        return False
    return all(isinstance(count, int | np.integer) and count >= 0 for count in row)


def read_published_counts(
    path: str | Path, dataset: str, labels: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, list[int]]]:
    """Label counts per task and anchor, as printed in Figure 1 of Harrigian et al. 2023.

    Args:
        path: `anchor_label_counts.csv`, with the columns dataset, task, anchor, label, count.
        dataset: Rows to keep: `mimic` or `jhm`.
        labels: Label order per task.

    Returns:
        Task to anchor to counts in label order; anchors that were never annotated are left out.
    """
    table: dict[str, dict[str, list[int]]] = {task: {} for task in labels}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["dataset"] == dataset:
                counts = table[row["task"]].setdefault(row["anchor"], [0] * len(labels[row["task"]]))
                counts[labels[row["task"]].index(row["label"])] = int(row["count"])
    return {task: {anchor: row for anchor, row in rows.items() if any(row)} for task, rows in table.items()}
