"""From the spans of a corpus and the labels of a sample to a report."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.prevalence.design import SampleDesign
from stigma_hf.prevalence.groups import GroupEstimator
from stigma_hf.prevalence.report import ALL, GroupReport, PrevalenceReport, TaskReport
from stigma_hf.prevalence.representativeness import imbalance
from stigma_hf.prevalence.spans import HARMFUL, UNKNOWN, BoolArray, CorpusSpans

logger = logging.getLogger(__name__)

MIN_CELL = 20
"""Patients, or labelled spans, below which a group is left out."""

_SUSPICIOUS = 0.001


def estimate_prevalence(
    tasks: Iterable[CorpusSpans],
    *,
    min_cell: int = MIN_CELL,
    confidence: float = 0.95,
    references: Mapping[str, str] | None = None,
    harmful: Mapping[str, Sequence[str]] = HARMFUL,
) -> PrevalenceReport:
    """How often each label stands in a corpus and in groups of its patients, corrected by a labelled sample.

    Counting predictions is biased wherever a model errs, and the sample alone is not a picture of the corpus, because
    it was drawn anchor by anchor. Here each labelled span stands for as many as its anchor has per labelled one, the
    predictions of all spans are corrected by it, and intervals take spans of one patient as dependent.
    docs/prevalence.md has the method, what it takes for granted, and how it does in simulations.

    Args:
        tasks: The spans of each task, with the labels of the sample.
        min_cell: Patients, or labelled spans, below which a group is left out.
        confidence: Confidence of the intervals.
        references: Name of a grouping to the group the others are compared with; the largest if not given.
        harmful: Task to those of its labels that put a patient in a bad light.

    Raises:
        UsageError: If a number or a reference cannot be; what cannot be estimated is left out with a remark instead.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> anchor, patient = rng.choice(["declined", "refused"], 4000, p=[0.9, 0.1]), rng.integers(0, 1500, 4000)
        >>> truth = np.where(rng.random(4000) < np.where(anchor == "refused", 0.9, 0.3), "negative", "neutral")
        >>> said = np.where(rng.random(4000) < 0.8, truth, "negative")
        >>> sample = np.r_[np.flatnonzero(anchor == "declined")[:100], np.flatnonzero(anchor == "refused")[:100]]
        >>> gold = np.full(4000, None, dtype=object)
        >>> gold[sample] = truth[sample]
        >>> spans = CorpusSpans.from_columns(
        ...     "compliance", ["negative", "neutral"], anchors=anchor, patients=patient, predicted=said, gold=gold
        ... )
        >>> share = estimate_prevalence([spans]).task("compliance").group().share("negative")
        >>> round(float(np.mean(truth == "negative")), 2), round(share.counted, 2), round(share.corrected.value, 2)
        (0.36, 0.49, 0.38)
    """
    if min_cell < 1 or not 0 < confidence < 1:
        raise UsageError(f"expected min_cell from 1 on, confidence between 0 and 1, found {min_cell} and {confidence}")
    reports = []
    for spans in tasks:
        report = _task_report(spans, min_cell, confidence, references or {}, harmful.get(spans.task, ()))
        logger.info("%s: %d spans, %d remarks", spans.task, len(spans), len(report.remarks))
        reports.append(report)
    return PrevalenceReport(confidence, min_cell, tuple(reports))


def _task_report(
    spans: CorpusSpans, min_cell: int, confidence: float, references: Mapping[str, str], harmful: Sequence[str]
) -> TaskReport:
    labelled = np.bincount(spans.anchor[spans.gold != UNKNOWN], minlength=len(spans.anchors))
    if not labelled.any():
        return TaskReport(spans.task, None, {}, ("no labelled span, nothing can be corrected",), ())
    is_sampled = (labelled > 0)[spans.anchor]
    design = SampleDesign(spans if is_sampled.all() else spans.restricted(is_sampled))
    estimator = GroupEstimator(design, harmful, min_cell, confidence)
    groups = [estimator.report(ALL, ALL, np.ones(len(design.spans), bool), float(is_sampled.mean()))]
    for by in spans.groups:
        groups += _grouping(estimator, spans, is_sampled, by, references.get(by))
    counts = np.bincount(spans.anchor, minlength=len(spans.anchors))
    unsampled = {
        anchor: int(count) if count >= min_cell else None
        for anchor, count, n in zip(spans.anchors, counts, labelled, strict=True)
        if count and not n
    }
    remarks = (
        *_method_remarks(estimator),
        *_design_remarks(design, unsampled, float(is_sampled.mean())),
        *_group_remarks(spans),
    )
    return TaskReport(spans.task, estimator.method.power, unsampled, remarks, tuple(groups))


def _grouping(
    estimator: GroupEstimator, spans: CorpusSpans, is_sampled: BoolArray, by: str, reference: str | None
) -> Iterator[GroupReport]:
    """The groups of one grouping by name, compared with the reference."""
    names, everywhere = spans.groups[by]
    codes = everywhere[is_sampled]
    if reference is not None and reference not in names:
        raise UsageError(f"expected the reference of {by} among {', '.join(sorted(names))}, found {reference!r}")
    sizes, sampled = (np.bincount(known[known >= 0], minlength=len(names)) for known in (everywhere, codes))
    against = names.index(reference) if reference is not None else int(sizes.argmax()) if names else UNKNOWN
    reports = [
        estimator.report(by, name, codes == number, sampled[number] / sizes[number])
        for number, name in enumerate(names)
    ]
    for number in sorted(range(len(names)), key=names.__getitem__):
        report = reports[number]
        if number != against and report.n_effective and reports[against].n_effective:
            report = estimator.compare(report, codes, number, against, names[against])
        yield report


def _method_remarks(estimator: GroupEstimator) -> Iterator[str]:
    if estimator.adjusted.problem:
        yield f"no adjusted count: {estimator.adjusted.problem}"


def _design_remarks(design: SampleDesign, unsampled: Mapping[str, int | None], share: float) -> Iterator[str]:
    """What the sample cannot tell, and whether it looks like one drawn from this corpus."""
    if unsampled:
        yield (
            f"never sampled: {', '.join(unsampled)} ({1 - share:.1%} of the spans); shares are those of the other "
            "anchors, the limits for all anchors are wider"
        )
    thin = [
        anchor
        for anchor, is_thin, n, n_labelled in zip(
            design.spans.anchors, design.is_thin, design.n_spans, design.n_labelled, strict=True
        )
        if is_thin and n > n_labelled
    ]
    if thin:
        yield f"one labelled text only: {', '.join(thin)}; how they vary is taken from the other anchors"
    known = {"predictions": design.spans.probabilities}
    known |= {by: np.eye(len(names) + 1)[codes] for by, (names, codes) in design.spans.groups.items()}
    for what, values in known.items():
        if (p := imbalance(design, values)) < _SUSPICIOUS:
            yield (
                f"{what} of the labelled spans differ from those of the corpus at equal anchors (p = {p:.1g}): they "
                "do not look like a random sample of it, and corrected figures can be relied on only if they are one"
            )


def _group_remarks(spans: CorpusSpans) -> Iterator[str]:
    for by, (_, codes) in spans.groups.items():
        if missing := np.count_nonzero(codes == UNKNOWN):
            yield f"{by} is not known for {missing:,} spans; they are in no group of it"
