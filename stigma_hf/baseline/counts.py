"""Majority per anchor: how often each anchor got each label, smoothed."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


class AnchorCounts:
    """Label counts per anchor of one task.

    Args:
        labels: Labels of the task, in the order of every probability vector.
        counts: Anchor to the number of training spans per label, each of shape (len(labels),).
        alpha: Laplace smoothing, added to every count; above 0.

    Raises:
        ValueError: If a row of counts does not have one number from 0 on per label, or alpha is not above 0.
    """

    def __init__(self, labels: Sequence[str], counts: Mapping[str, Sequence[int]], alpha: float = 1.0) -> None:
        if alpha <= 0:
            raise ValueError(f"expected alpha above 0, found {alpha}")
        for anchor, row in counts.items():
            if len(row) != len(labels) or any(count < 0 for count in row):
                raise ValueError(f"expected {len(labels)} counts from 0 on for {anchor!r}, found {list(row)}")
        self.labels = tuple(labels)
        self.counts = {anchor: [int(count) for count in row] for anchor, row in counts.items()}
        self.alpha = alpha

    def predict_proba(self, anchors: Sequence[str]) -> np.ndarray:
        """Smoothed share of each label among the training spans of each anchor; uniform for an unknown anchor.

        Returns:
            Probabilities, shape (len(anchors), len(labels)).
        """
        unseen = [0] * len(self.labels)
        rows = [self.counts.get(anchor.lower(), unseen) for anchor in anchors]
        smoothed = np.asarray(rows, dtype=np.float64).reshape(len(anchors), len(self.labels)) + self.alpha
        return smoothed / smoothed.sum(axis=1, keepdims=True)


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
