"""What an estimate of prevalence says: per task, for the corpus and for each group."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stigma_hf.prevalence.intervals import Interval

ALL = "all"
"""Stands for the whole corpus where groups have their names."""

METHODS = {
    "counted": "share of the predictions; biased, for comparison only",
    "adjusted": "adjusted classify-and-count, one weighted confusion matrix per task",
    "corrected": "prediction-powered inference on the sample stratified by anchor",
}


@dataclass(frozen=True)
class LabelShare:
    """How often a label stands among the spans of a group.

    Attributes:
        label: The label, or `harmful` for several together.
        counted: Share of the predictions with it.
        adjusted: The same by adjusted classify-and-count; None if it cannot be computed.
        corrected: The same by prediction-powered inference, the estimate to use; None if labels are too few.
        whole: Limits for all spans, those of anchors that were never sampled counted as all or none; None if every
            anchor was sampled.
    """

    label: str
    counted: float
    adjusted: Interval | None
    corrected: Interval | None
    whole: tuple[float, float] | None


@dataclass(frozen=True)
class Bounds:
    """Between which shares that of the notes (or patients) with a harmful span lies, among those with any span.

    Attributes:
        n: Notes or patients with a span of the task.
        least: The least share the data allow.
        largest: The largest.
        low: Lower confidence limit of the least.
        high: Upper confidence limit of the largest.
    """

    n: int
    least: float
    largest: float
    low: float
    high: float


@dataclass(frozen=True)
class RateRatio:
    """Share of a label in a group over that in the reference group, both at the corpus's mix of anchors.

    Attributes:
        label: The label, or `harmful`.
        counted: The ratio of the predictions, for comparison; None if the reference has none.
        corrected: The ratio of the corrected shares; None if labels are too few for it.
    """

    label: str
    counted: float | None
    corrected: Interval | None


@dataclass(frozen=True)
class GroupReport:
    """A group, or the whole corpus. Counts are None where they are too small to be shown.

    Attributes:
        by: Name of the grouping, `all` for the corpus.
        group: Name of the group, `all` for the corpus.
        n_spans: Its spans with an anchor that was sampled.
        n_patients: Patients they stand with.
        n_labelled: Those of them that people labelled, repeats of labelled texts included.
        n_effective: How many equally weighted patients these labels are worth.
        shares: One per label; empty for small groups.
        notes: Notes with at least one harmful span.
        patients: Patients with at least one harmful span.
        reference: Group that the ratios compare with; None for the corpus and for the reference itself.
        share_of_standard: Share of the corpus whose anchors both groups use, which is what the ratios are about.
        ratios: One per label, or none.
        remarks: What was left out, and why.
    """

    by: str
    group: str
    n_spans: int | None
    n_patients: int | None
    n_labelled: int | None
    n_effective: float | None = None
    shares: tuple[LabelShare, ...] = ()
    notes: Bounds | None = None
    patients: Bounds | None = None
    reference: str | None = None
    share_of_standard: float | None = None
    ratios: tuple[RateRatio, ...] = ()
    remarks: tuple[str, ...] = ()

    def share(self, label: str) -> LabelShare:
        """The share of a label."""
        return next(share for share in self.shares if share.label == label)

    def ratio(self, label: str) -> RateRatio:
        """The ratio of a label."""
        return next(ratio for ratio in self.ratios if ratio.label == label)


@dataclass(frozen=True)
class TaskReport:
    """One task.

    Attributes:
        task: Task id.
        power: How far predictions were trusted, from 0 to 1; None without labels.
        unsampled_anchors: Anchors of the corpus without a label, with their spans; None for small counts.
        remarks: What to know before the figures are used.
        groups: The corpus first, then the groups.
    """

    task: str
    power: float | None
    unsampled_anchors: Mapping[str, int | None]
    remarks: tuple[str, ...]
    groups: tuple[GroupReport, ...]

    def group(self, by: str = ALL, group: str = ALL) -> GroupReport:
        """What is said of one group, of the corpus if none is named."""
        return next(entry for entry in self.groups if (entry.by, entry.group) == (by, group))


@dataclass(frozen=True)
class PrevalenceReport:
    """All tasks.

    Attributes:
        confidence: Confidence of the intervals.
        min_cell: Patients, or labelled spans, below which a group is left out.
        tasks: One report per task.
        remarks: What to know about the files.
    """

    confidence: float
    min_cell: int
    tasks: tuple[TaskReport, ...]
    remarks: tuple[str, ...] = ()

    def task(self, task: str) -> TaskReport:
        """The report of one task."""
        return next(report for report in self.tasks if report.task == task)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        return {"methods": METHODS, **asdict(self)}

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat row per task, group, measure, label and method, in ROW_COLUMNS."""
        for task in self.tasks:
            for group in task.groups:
                head = {"task": task.task} | {name: getattr(group, name) for name in _GROUP_COLUMNS}
                measured = list(_measures(group)) or [("left out", None, None, None, None, None)]
                for row in measured:
                    yield head | dict(zip(_MEASURE_COLUMNS, row, strict=True))


_GROUP_COLUMNS = ("by", "group", "n_spans", "n_patients", "n_labelled", "n_effective", "reference")
_MEASURE_COLUMNS = ("measure", "label", "method", "value", "low", "high")
ROW_COLUMNS = ("task", *_GROUP_COLUMNS, *_MEASURE_COLUMNS)
"""Columns of a report as a table."""

Row = tuple[str, str | None, str | None, float | None, float | None, float | None]


def _measures(group: GroupReport) -> Iterator[Row]:
    for share in group.shares:
        yield "share", share.label, "counted", share.counted, None, None
        yield from _interval("share", share.label, "adjusted", share.adjusted)
        yield from _interval("share", share.label, "corrected", share.corrected)
        if share.whole:
            yield "share, unsampled anchors included", share.label, "corrected", None, *share.whole
    for unit, bounds in (("notes", group.notes), ("patients", group.patients)):
        if bounds:
            yield f"{unit} with a harmful span, at least", "harmful", "corrected", bounds.least, bounds.low, None
            yield f"{unit} with a harmful span, at most", "harmful", "corrected", bounds.largest, None, bounds.high
    for ratio in group.ratios:
        yield "rate ratio", ratio.label, "counted", ratio.counted, None, None
        yield from _interval("rate ratio", ratio.label, "corrected", ratio.corrected)


def _interval(measure: str, label: str, method: str, interval: Interval | None) -> Iterator[Row]:
    if interval:
        yield measure, label, method, interval.value, interval.low, interval.high
