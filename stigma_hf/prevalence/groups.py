"""What is said of one group of patients: shares, bounds for notes and patients, ratios to a reference group."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stigma_hf.prevalence.at_least_one import at_least_one, most_harmful
from stigma_hf.prevalence.comparison import standardise
from stigma_hf.prevalence.design import SampleDesign
from stigma_hf.prevalence.estimators import AdjustedCount, PredictionPowered, counted
from stigma_hf.prevalence.intervals import RARE, Interval, ratio_intervals, share_intervals
from stigma_hf.prevalence.linear import Linear
from stigma_hf.prevalence.report import Bounds, GroupReport, LabelShare, RateRatio
from stigma_hf.prevalence.spans import BoolArray, FloatArray, IntArray, count_distinct

HARMFUL_TOGETHER = "harmful"
"""Name of the harmful labels of a task together, where there are several."""


class GroupEstimator:
    """The methods fitted to one task, ready to be asked about groups.

    Args:
        design: The labelled sample and the spans it was drawn from.
        harmful: Labels that put a patient in a bad light.
        min_cell: Patients, or labelled spans, below which a group is left out.
        confidence: Confidence of the intervals.
    """

    def __init__(self, design: SampleDesign, harmful: Sequence[str], min_cell: int, confidence: float) -> None:
        self.design, self.spans = design, design.spans
        self.method, self.adjusted = PredictionPowered(design), AdjustedCount(design)
        self._min_cell, self._confidence = min_cell, confidence
        self._harmful = np.array([float(label in harmful) for label in self.spans.labels])
        # Columns of what is reported: every label, and harmful ones together where there are several.
        together = self._harmful.sum() > 1
        self._names = (*self.spans.labels, HARMFUL_TOGETHER) if together else self.spans.labels
        self._columns = np.column_stack([np.eye(len(self.spans.labels)), self._harmful][: 1 + together])

    def report(self, by: str, group: str, is_in: BoolArray, share_sampled: float) -> GroupReport:
        """Shares and bounds of one group.

        Args:
            by: Name of the grouping.
            group: Name of the group.
            is_in: Which spans are the group's.
            share_sampled: Share of its spans whose anchor was sampled; the spans here are those.
        """
        n_patients = count_distinct(self.spans.patient[is_in])
        if n_patients < self._min_cell:
            return GroupReport(by, group, None, None, None, remarks=(f"fewer than {self._min_cell} patients",))
        members = is_in.astype(float)
        labelled = is_in[self.design.labelled]
        report = GroupReport(by, group, int(is_in.sum()), n_patients, int(labelled.sum()))
        counts = counted(self.spans, members) @ self._columns
        if labelled.sum() < self._min_cell:
            shares = tuple(
                LabelShare(*pair, None, None, None) for pair in zip(self._names, counts.tolist(), strict=True)
            )
            return replace(report, shares=shares, remarks=(f"fewer than {self._min_cell} labelled spans",))
        estimate = self.method.mean(members)
        corrected, is_mended = self._intervals(estimate, labelled)
        adjusted: list[Interval | None] = [None] * len(self._names)
        if not self.adjusted.problem:
            adjusted[:] = self._intervals(self.adjusted.mean(members), np.ones_like(labelled))[0]
        shares = tuple(
            LabelShare(name, float(count), by_matrix, interval, _whole(interval, share_sampled))
            for name, count, by_matrix, interval in zip(self._names, counts, adjusted, corrected, strict=True)
        )
        return replace(
            report,
            n_effective=estimate.n_effective,
            shares=shares,
            notes=self._bounds(self.spans.note, members),
            patients=self._bounds(self.spans.patient, members),
            remarks=("a share below 0 was set to 0 and the others scaled down",) if is_mended else (),
        )

    def compare(self, report: GroupReport, codes: IntArray, group: int, reference: int, name: str) -> GroupReport:
        """A report with the ratios to a reference group.

        Args:
            report: The report of the group.
            codes: Group of each span.
            group: Number of the group.
            reference: Number of the reference group.
            name: Name of the reference group.
        """
        weights = standardise(self.design, codes, group, reference)
        report = replace(report, reference=name, share_of_standard=weights.share_kept)
        sides = (weights.above, weights.below)
        labelled = [side[self.design.labelled] > 0 for side in sides]
        if min(map(np.count_nonzero, labelled)) < self._min_cell:
            remark = f"fewer than {self._min_cell} labelled spans to compare with {name}"
            return replace(report, remarks=(*report.remarks, remark))
        above, below = (_mended(self.method.mean(side, self.spans.anchor))[0].times(self._columns) for side in sides)
        n_rarer = np.minimum(*map(self._n_rarer, labelled))
        intervals = ratio_intervals(above, below, self._confidence)
        over, under = (counted(self.spans, side) @ self._columns for side in sides)
        ratios = (
            RateRatio(label, float(a / b) if b else None, interval if n >= RARE else None)
            for label, a, b, interval, n in zip(self._names, over, under, intervals, n_rarer, strict=True)
        )
        return replace(report, ratios=tuple(ratios))

    def _truth(self, labelled: BoolArray) -> FloatArray:
        """1 for what some labelled spans are, shape (spans, columns of the report)."""
        return self.design.truth[labelled] @ self._columns

    def _n_rarer(self, labelled: BoolArray) -> FloatArray:
        """How many of some labelled spans have each label, or lack it, whichever are fewer."""
        truth = self._truth(labelled)
        return np.minimum(truth.sum(axis=0), (1 - truth).sum(axis=0))

    def _intervals(self, estimate: Linear, labelled: BoolArray) -> tuple[list[Interval], bool]:
        """Intervals of shares, and whether one had to be moved into the range of shares.

        Args:
            estimate: Share of each label.
            labelled: Which labelled spans it rests on.
        """
        mended, is_mended = _mended(estimate)
        truth, weight = self._truth(labelled), self.design.weight[labelled]
        labelled_share = weight @ truth / weight.sum()
        columns = mended.times(self._columns)
        return share_intervals(columns, self._confidence, self._n_rarer(labelled), labelled_share), is_mended

    def _bounds(self, unit: IntArray, members: FloatArray) -> Bounds | None:
        """Bounds of the notes or patients with a harmful span; None if nothing is harmful or labels are too few."""
        chosen = most_harmful(self.spans, unit, members, self._harmful)
        is_harmful = self.design.truth[chosen[self.design.labelled] > 0] @ self._harmful
        if min(is_harmful.sum(), (1 - is_harmful).sum()) < RARE:
            return None
        least, largest = at_least_one(self.method, self.spans.patient, chosen, members, self._harmful)
        (lower,), (upper,) = (share_intervals(bound, self._confidence) for bound in (least, largest))
        return Bounds(int(chosen.sum()), lower.value, upper.value, lower.low, upper.high)


def _mended(estimate: Linear) -> tuple[Linear, bool]:
    """Shares moved into their range: none below 0, together 1; and whether they had to be."""
    if (estimate.value >= 0).all():
        return estimate, False
    value = estimate.value.clip(min=0)
    return replace(estimate, value=value / value.sum()), True


def _whole(interval: Interval, share_sampled: float) -> tuple[float, float] | None:
    """Limits if the spans of anchors never sampled have the label all, or not at all."""
    if share_sampled == 1:
        return None
    return interval.low * share_sampled, interval.high * share_sampled + 1 - share_sampled
