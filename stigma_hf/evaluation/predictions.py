"""What a model answered on labelled spans of one task, beside the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from stigma_hf.decoding import rank_labels
from stigma_hf.errors import UsageError

IDS = ("note_id", "subject_id", "hadm_id", "anchor", "clean_start", "clean_end")
METADATA = (
    "sex",
    "race",
    "age",
    "language",
    "marital_status",
    "insurance",
    "admission_type",
    "service",
    "unit",
)
COLUMNS = (*IDS, *METADATA)
"""The columns of a spans data set that predictions keep: no text of notes is among them."""

_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers of one model on some labelled spans of one task; `of` makes them from labels and probabilities.

    Attributes:
        task: Task of all these spans.
        labels: Label order.
        true: Place of the true label in `labels`, shape (spans,).
        probabilities: In label order, shape (spans, labels), float64.
        predicted: Place of the label that decoding gives, ties included, shape (spans,).
        columns: Further facts of each span, by name, among `COLUMNS`; arrays of shape (spans,), None for what is
            missing. Those that the data does not have are left out.

    Raises:
        UsageError: If shapes disagree, a label is none of them, or a row is no probability distribution.
    """

    task: str
    labels: tuple[str, ...]
    true: np.ndarray
    probabilities: np.ndarray
    predicted: np.ndarray
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = len(self.true), len(self.labels)
        if self.probabilities.shape != shape:
            raise UsageError(f"{self.task}: expected probabilities of shape {shape}, found {self.probabilities.shape}")
        for name, column in {"predicted": self.predicted, **self.columns}.items():
            if len(column) != shape[0]:
                raise UsageError(f"{self.task}: expected {shape[0]} values of {name}, found {len(column)}")
        for name, places in (("true", self.true), ("predicted", self.predicted)):
            if ((places < 0) | (places >= shape[1])).any():
                raise UsageError(f"{self.task}: expected {name} labels as places from 0 to {shape[1] - 1}")
        sums = self.probabilities.sum(axis=1)
        is_distribution = (self.probabilities >= 0).all(axis=1) & (abs(sums - 1) < _SUM_TOLERANCE)
        if not is_distribution.all():
            raise UsageError(
                f"{self.task}: expected probabilities from 0 to 1 that sum to 1, found {(~is_distribution).sum()} of "
                f"{shape[0]} rows that do not, the first at row {int(np.argmin(is_distribution))}"
            )

    @classmethod
    def of(
        cls,
        task: str,
        labels: Sequence[str],
        true: Sequence[str],
        probabilities: Sequence[Sequence[float]] | np.ndarray,
        tie_order: Sequence[str] = (),
        columns: Mapping[str, Sequence[Any] | np.ndarray] | None = None,
    ) -> "Predictions":
        """The predictions of a model that gave these probabilities.

        Args:
            task: The task.
            labels: Label order of the probabilities.
            true: True labels as text.
            probabilities: Shape (spans, labels).
            tie_order: The order in which labels win ties, as in `stigma_hf.decoding`.
            columns: Further facts of each span, by name.

        Raises:
            UsageError: If a true label is none of the labels, or shapes disagree.

        Example:
            >>> answers = Predictions.of("other", ["negative", "positive"], ["negative"], [[0.3, 0.7]])
            >>> answers.predicted_labels.tolist(), answers.is_right.tolist()
            (['positive'], [False])
        """
        if unknown := sorted(set(true) - set(labels)):
            raise UsageError(
                f"{task}: expected true labels among {', '.join(labels)}, found {', '.join(map(repr, unknown))}; data "
                "and model must be of one label set"
            )
        places = {label: place for place, label in enumerate(labels)}
        rows = np.asarray(probabilities, dtype=np.float64).reshape(-1, len(labels))
        best = [rank_labels(dict(zip(labels, row, strict=True)), tie_order)[0] for row in rows.tolist()]
        return cls(
            task,
            tuple(labels),
            np.array([places[label] for label in true], dtype=np.int64),
            rows,
            np.array([places[label] for label in best], dtype=np.int64),
            {name: as_column(values) for name, values in (columns or {}).items()},
        )

    def __len__(self) -> int:
        return len(self.true)

    @property
    def true_labels(self) -> np.ndarray:
        """True labels as text."""
        return np.array(self.labels, dtype=object)[self.true]

    @property
    def predicted_labels(self) -> np.ndarray:
        """Predicted labels as text."""
        return np.array(self.labels, dtype=object)[self.predicted]

    @property
    def is_right(self) -> np.ndarray:
        """Whether the predicted label is the true one."""
        return self.predicted == self.true

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted label."""
        return self.probabilities[np.arange(len(self)), self.predicted]

    @property
    def clusters(self) -> np.ndarray | None:
        """The patient of each span; None if the data does not say, and spans then count as independent."""
        return self.columns.get("subject_id")

    def column(self, name: str) -> np.ndarray:
        """A column by name.

        Raises:
            UsageError: If the data has no such column; the message lists those it has.
        """
        if name not in self.columns:
            found = ", ".join(self.columns) or "none"
            raise UsageError(f"{self.task}: expected spans with the column {name!r}, found {found}")
        return self.columns[name]

    def where(self, rows: np.ndarray) -> "Predictions":
        """Those of some rows: a mask of shape (spans,), or row numbers."""
        return replace(
            self,
            true=self.true[rows],
            probabilities=self.probabilities[rows],
            predicted=self.predicted[rows],
            columns={name: column[rows] for name, column in self.columns.items()},
        )


def as_column(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Values as an array: whole numbers as int64 where none is missing, anything else as objects."""
    listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if listed and all(type(value) is int for value in listed):
        return np.array(listed, dtype=np.int64)
    column = np.empty(len(listed), dtype=object)
    column[:] = listed
    return column
