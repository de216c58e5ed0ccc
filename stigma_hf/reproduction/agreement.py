"""How far annotators agree: overlap, Cohen's kappa, Krippendorff's alpha, with intervals that draw patients."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from stigma_hf.evaluation.confusion import accuracy, confusion_matrix
from stigma_hf.evaluation.resampling import LEVEL, RESAMPLES, Estimate, Resamples, estimate
from stigma_hf.reporting.settings import MIN_CELL
from stigma_hf.reproduction.agreement_data import RatedSpan, RatedSpans, annotators_of
from stigma_hf.tasks import RESOURCES, load_tasks

RESEARCH_ASSISTANTS = ("annotator_2", "annotator_3")
"""The released columns of those whom Figure 2 calls R1 and R2; `annotator_1` is the clinician, C1."""


@dataclass(frozen=True)
class PairAgreement:
    """Two annotators on the spans of a task that both labelled.

    Attributes:
        first: One annotator.
        second: The other.
        n_spans: Spans that both labelled; None if too few to say more.
        n_patients: Patients they are of; None likewise.
        overlap: Share of them with the same label.
        kappa: Cohen's kappa; its value is None where both always gave one and the same label.
    """

    first: str
    second: str
    n_spans: int | None
    n_patients: int | None
    overlap: Estimate
    kappa: Estimate


@dataclass(frozen=True)
class TaskAgreement:
    """The annotators of a task.

    Attributes:
        task: Task id.
        labels: Its labels.
        n_spans: Annotated spans.
        n_shared: Those that two annotators or more labelled; None if too few to say more.
        n_invalid: Labels that are none of the task's; they are left out.
        alpha: Krippendorff's alpha of all annotators together.
        pairs: Each pair of annotators.
    """

    task: str
    labels: tuple[str, ...]
    n_spans: int
    n_shared: int | None
    n_invalid: int
    alpha: Estimate
    pairs: list[PairAgreement]

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        return asdict(self) | {"labels": list(self.labels)}


def measure_agreement(
    data: RatedSpans,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
    min_cell: int = MIN_CELL,
) -> list[TaskAgreement]:
    """The agreement of the annotators of each task that has spans.

    Args:
        data: The annotated spans.
        resamples: Resamples of the patients, 0 for no intervals.
        seed: Seed of the draw.
        level: Share of resamples inside an interval.
        min_cell: Spans, or patients, below which nothing is said of a pair or a task.
    """
    found = []
    for task in load_tasks().values():
        spans = data.of_task(task.id)
        if not spans:
            continue
        ratings = {name: _places(spans, name, task.labels) for name in annotators_of(spans)}
        given = {name: np.array([name in span.ratings for span in spans]) for name in ratings}
        draws = Resamples.draw([span.patient for span in spans], resamples, seed) if resamples else None
        counts = np.zeros((len(spans), len(task.labels)))
        for places in ratings.values():
            counts[np.flatnonzero(places >= 0), places[places >= 0]] += 1
        shared = counts.sum(axis=1) > 1
        is_enough = _is_enough(spans, shared, min_cell)
        pairs = [
            _pair(spans, first, second, ratings, len(task.labels), draws, level, min_cell)
            for first, second in combinations(data.annotators, 2)
            if first in ratings and second in ratings
        ]
        found.append(
            TaskAgreement(
                task.id,
                task.labels,
                len(spans),
                int(shared.sum()) if is_enough else None,
                int(sum((given[name] & (ratings[name] < 0)).sum() for name in ratings)),
                _alpha(counts, draws, level) if is_enough else Estimate(None),
                pairs,
            )
        )
    return found


def _places(spans: Sequence[RatedSpan], annotator: str, labels: Sequence[str]) -> np.ndarray:
    """Place of the label that an annotator gave each span, -1 for none or one that the task does not have."""
    place_of = {label: place for place, label in enumerate(labels)}
    return np.array([place_of.get(span.ratings.get(annotator, ""), -1) for span in spans], dtype=np.int64)


def _is_enough(spans: Sequence[RatedSpan], rows: np.ndarray, min_cell: int) -> bool:
    return min(int(rows.sum()), _n_patients(spans, rows)) >= min_cell


def _n_patients(spans: Sequence[RatedSpan], rows: np.ndarray) -> int:
    return len({span.patient for span, is_counted in zip(spans, rows.tolist(), strict=True) if is_counted})


def _pair(
    spans: Sequence[RatedSpan],
    first: str,
    second: str,
    ratings: dict[str, np.ndarray],
    n_labels: int,
    draws: Resamples | None,
    level: float,
    min_cell: int,
) -> PairAgreement:
    both = (ratings[first] >= 0) & (ratings[second] >= 0)
    if not _is_enough(spans, both, min_cell):
        return PairAgreement(first, second, None, None, Estimate(None), Estimate(None))
    given = ratings[first][both], ratings[second][both]
    counts = confusion_matrix(*given, n_labels)
    resampled = None
    if draws:
        resampled = np.concatenate([confusion_matrix(*given, n_labels, w) for w in draws.where(both).weights()])
    return PairAgreement(
        first,
        second,
        int(both.sum()),
        _n_patients(spans, both),
        estimate(float(accuracy(counts)), None if resampled is None else accuracy(resampled), level),
        estimate(float(cohen_kappa(counts)), None if resampled is None else cohen_kappa(resampled), level),
    )


def _alpha(counts: np.ndarray, draws: Resamples | None, level: float) -> Estimate:
    resampled = None
    if draws:
        resampled = np.concatenate([krippendorff_alpha(counts, weights) for weights in draws.weights()])
    return estimate(float(krippendorff_alpha(counts)[0]), resampled, level)


def cohen_kappa(confusion: np.ndarray) -> np.ndarray:
    """Cohen's kappa of confusion matrices, equal to `sklearn.metrics.cohen_kappa_score`, many at once.

    Args:
        confusion: How often the labels of one annotator met those of the other, shape (..., labels, labels).

    Returns:
        Shape (...); NaN where both gave one and the same label throughout, or nothing.
    """
    total = confusion.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = (confusion.sum(axis=-1) * confusion.sum(axis=-2)).sum(axis=-1) / total**2
        kappa: np.ndarray = (accuracy(confusion) - expected) / np.where(expected < 1, 1 - expected, np.nan)
    return kappa


def krippendorff_alpha(counts: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Krippendorff's alpha for nominal data, with any number of annotators who may have left spans out.

    Spans that fewer than two annotators labelled say nothing about agreement and are left out.

    Args:
        counts: How many annotators gave each span each label, shape (spans, labels).
        weights: How often each span counts, shape (resamples, spans); once each when None.

    Returns:
        Shape (resamples,), of length 1 without weights; NaN where all labels given are the same, or none is.

    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability (University of Pennsylvania), equation for
    nominal data: one minus observed over expected disagreement in the matrix of coincidences.

    Example:
        >>> krippendorff_alpha(np.array([[2, 0], [1, 1], [0, 2], [0, 1]])).round(3).tolist()
        [0.444]
    """
    n_given = counts.sum(axis=1)
    is_paired = n_given > 1
    counts, n_given = counts[is_paired], n_given[is_paired]
    weights = np.ones((1, len(counts))) if weights is None else weights[:, is_paired]
    coinciding = weights @ ((counts * (counts - 1)).sum(axis=1) / (n_given - 1))
    of_labels = weights @ counts
    total = of_labels.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = 1 - coinciding / total
        expected = 1 - (of_labels * (of_labels - 1)).sum(axis=1) / (total * (total - 1))
        alpha: np.ndarray = 1 - observed / np.where(expected > 0, expected, np.nan)
    return alpha


def read_published_agreement() -> list[dict[str, Any]]:
    """Figure 2 of Harrigian et al. 2023: `dataset, task, pair, overlap, cohen_kappa` of each pair of annotators."""
    lines = (RESOURCES / "published" / "agreement.csv").read_text(encoding="utf-8").splitlines()
    return [row | {name: float(row[name]) for name in ("overlap", "cohen_kappa")} for row in csv.DictReader(lines)]
