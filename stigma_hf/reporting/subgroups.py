"""The figures of a model in each group of spans, and how far the groups are apart."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stigma_hf.evaluation.figures import HEADLINE, figures
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.resampling import LEVEL, Estimate, Resamples, estimate, resampled_figures
from stigma_hf.reporting.settings import MIN_CELL

NOT_RECORDED = "(not recorded)"
"""Name of the group of spans whose data do not say."""


@dataclass(frozen=True)
class Group:
    """One group.

    Attributes:
        group: Its name.
        n_spans: Its spans.
        n_patients: Patients they are of; None if the data does not say.
        headline: Its figures by name.
        gaps: By name, its figure minus that of the reference group; empty for the reference itself.
        absent_labels: Labels that no span of the group has: its macro figures are over fewer labels than those of
            other groups, and are not to be compared with them.
    """

    group: str
    n_spans: int
    n_patients: int | None
    headline: dict[str, Estimate]
    gaps: dict[str, Estimate]
    absent_labels: tuple[str, ...]


@dataclass(frozen=True)
class Grouping:
    """The groups that one column makes.

    Attributes:
        by: The column.
        reference: The group that the others are compared with, the largest; None if every group is too small.
        groups: Those that are large enough, the largest first.
        withheld: Names of groups of which nothing is said because they are too small.
        n_withheld_spans: Spans of these together; None if they are too few to be told, too.
    """

    by: str
    reference: str | None
    groups: tuple[Group, ...]
    withheld: tuple[str, ...]
    n_withheld_spans: int | None

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        return asdict(self)


def compare_groups(
    predictions: Predictions, by: str, draws: Resamples | None = None, min_cell: int = MIN_CELL, level: float = LEVEL
) -> Grouping:
    """Every headline figure by group, with intervals, and its distance from that of the largest group.

    Groups share the draws of patients, so the interval of a gap allows for patients who are in several groups. The
    intervals are not widened for the number of groups: with many, one of twenty gaps of 0 looks like a gap.

    Args:
        predictions: The predictions.
        by: Column to group by.
        draws: Draws over these spans; no intervals when None.
        min_cell: Spans, or patients where they are known, below which nothing is said of a group.
        level: Share of resamples inside an interval.

    Raises:
        UsageError: If the data has no such column.
    """
    column = [NOT_RECORDED if value is None else str(value) for value in predictions.column(by).tolist()]
    names = np.array(column, dtype=object)
    counted = sorted(Counter(column).items(), key=lambda item: (-item[1], item[0]))
    members = {name: np.flatnonzero(names == name) for name, _ in counted}
    shown = [name for name, rows in members.items() if _smallest_count(predictions, rows) >= min_cell]
    withheld = tuple(sorted(set(members) - set(shown)))
    n_withheld = sum(len(members[name]) for name in withheld)
    groups: list[Group] = []
    reference: _Measured | None = None
    for name in shown:
        measured = _Measured.of(predictions, members[name], draws)
        groups.append(measured.as_group(name, reference, level))
        reference = reference or measured
    return Grouping(
        by, shown[0] if shown else None, tuple(groups), withheld, n_withheld if not 0 < n_withheld < min_cell else None
    )


def _smallest_count(predictions: Predictions, rows: np.ndarray) -> int:
    """Spans or patients of some rows, whichever are fewer."""
    n_patients = _patients(predictions, rows)
    return len(rows) if n_patients is None else min(len(rows), n_patients)


def _patients(predictions: Predictions, rows: np.ndarray) -> int | None:
    clusters = predictions.clusters
    return None if clusters is None else len(set(clusters[rows].tolist()) - {None})


@dataclass(frozen=True)
class _Measured:
    """The figures of a group and of its resamples."""

    predictions: Predictions
    values: dict[str, np.ndarray]
    resampled: dict[str, np.ndarray]

    @classmethod
    def of(cls, predictions: Predictions, rows: np.ndarray, draws: Resamples | None) -> "_Measured":
        of_group = predictions.where(rows)
        own = None if draws is None else draws.where(rows)
        resampled = resampled_figures(of_group, own, HEADLINE) if own and own.n_clusters > 1 else {}
        return cls(of_group, figures(of_group, HEADLINE), resampled)

    def as_group(self, name: str, reference: "_Measured | None", level: float) -> Group:
        labels = self.predictions.labels
        support = np.bincount(self.predictions.true, minlength=len(labels))
        return Group(
            name,
            len(self.predictions),
            _patients(self.predictions, np.arange(len(self.predictions))),
            {figure: self._estimate(figure, level) for figure in HEADLINE},
            {} if reference is None else {figure: self._gap(figure, reference, level) for figure in HEADLINE},
            tuple(label for label, count in zip(labels, support, strict=True) if not count),
        )

    def _estimate(self, figure: str, level: float) -> Estimate:
        return estimate(float(self.values[figure][0]), self.resampled.get(figure), level)

    def _gap(self, figure: str, reference: "_Measured", level: float) -> Estimate:
        value = float(self.values[figure][0] - reference.values[figure][0])
        both = figure in self.resampled and figure in reference.resampled
        return estimate(value, self.resampled[figure] - reference.resampled[figure] if both else None, level)
