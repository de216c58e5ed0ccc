"""All figures of a model on one task, with intervals, ready for a report."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stigma_hf.evaluation.confusion import confusion_matrix
from stigma_hf.evaluation.figures import HEADLINE, PER_LABEL, figures
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.resampling import LEVEL, RESAMPLES, Estimate, Resamples, estimate, resampled_figures


@dataclass(frozen=True)
class Intervals:
    """How the intervals of some scores were made.

    Attributes:
        method: In a few words.
        level: Share of resamples inside.
        resamples: Their number; 0 if there are no intervals.
        n_clusters: Patients, or spans where no patient is known, that were drawn from.
    """

    method: str
    level: float
    resamples: int
    n_clusters: int


@dataclass(frozen=True)
class TaskScores:
    """The figures of a model on the spans of one task.

    Attributes:
        task: The task.
        labels: Label order.
        n_spans: Spans.
        n_patients: Patients they are of; None if the data does not say.
        headline: Figures of the task by name.
        per_label: Label to its figures by name.
        support: Label to the spans that have it.
        n_predicted: Label to the spans that are given it.
        confusion: How often each true label (row) was predicted as each label (column).
        intervals: How the intervals were made.
        cautions: What a reader should know, in sentences: figures that are not defined, and why.
    """

    task: str
    labels: tuple[str, ...]
    n_spans: int
    n_patients: int | None
    headline: dict[str, Estimate]
    per_label: dict[str, dict[str, Estimate]]
    support: dict[str, int]
    n_predicted: dict[str, int]
    confusion: list[list[int]]
    intervals: Intervals
    cautions: list[str]

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON holds it: None where a figure is not defined, never NaN."""
        return asdict(self) | {"labels": list(self.labels)}


def score(
    predictions: Predictions,
    resamples: Resamples | int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
    names: Collection[str] = (*HEADLINE, *PER_LABEL),
) -> TaskScores:
    """Every figure of some predictions, with percentile intervals of a bootstrap that draws patients.

    Args:
        predictions: The predictions; none at all is fine, every figure is then None.
        resamples: Number of resamples, 0 for no intervals; or draws that are shared with other models or groups.
        seed: Seed of the draw, if resamples is a number.
        level: Share of resamples inside an interval.
        names: Which figures, among `HEADLINE` and `PER_LABEL`.

    Raises:
        UsageError: If a figure is unknown, or a patient is missing where others are known.
    """
    labels = predictions.labels
    clusters = predictions.clusters
    n_clusters = len(predictions) if clusters is None else len(set(clusters.tolist()))
    drawn = resamples if isinstance(resamples, Resamples) else _draw(predictions, resamples, seed)
    values = figures(predictions, names)
    resampled = resampled_figures(predictions, drawn, names) if drawn and n_clusters > 1 else {}

    def estimated(name: str, label: int | None = None) -> Estimate:
        # Figures per label have a column for each label.
        value, of_resamples = values[name][0], resampled.get(name)
        if label is not None:
            value = value[label]
            of_resamples = None if of_resamples is None else of_resamples[:, label]
        return estimate(value, of_resamples, level)

    matrix = confusion_matrix(predictions.true, predictions.predicted, len(labels)).astype(int)
    unit = "spans" if clusters is None else "patients"
    return TaskScores(
        task=predictions.task,
        labels=labels,
        n_spans=len(predictions),
        n_patients=None if clusters is None else n_clusters,
        headline={name: estimated(name) for name in names if name in HEADLINE},
        per_label={
            label: {name: estimated(name, place) for name in names if name in PER_LABEL}
            for place, label in enumerate(labels)
        },
        support=dict(zip(labels, matrix.sum(axis=1).tolist(), strict=True)),
        n_predicted=dict(zip(labels, matrix.sum(axis=0).tolist(), strict=True)),
        confusion=matrix.tolist(),
        intervals=Intervals(f"percentile bootstrap over {unit}", level, len(drawn) if drawn else 0, n_clusters),
        cautions=_cautions(predictions, matrix, n_clusters, bool(drawn)),
    )


def draw_patients(predictions: Predictions, resamples: int = RESAMPLES, seed: int = 0) -> Resamples:
    """Draws over the patients of some predictions, or over their spans if no patient is known.

    Args:
        predictions: The predictions; those of other models on the same spans can share the draws.
        resamples: Number of resamples, from 1 on.
        seed: Seed of the draw.
    """
    clusters = predictions.clusters
    return Resamples.draw(len(predictions) if clusters is None else clusters, resamples, seed)


def _draw(predictions: Predictions, resamples: int, seed: int) -> Resamples | None:
    return draw_patients(predictions, resamples, seed) if resamples and len(predictions) else None


def _cautions(predictions: Predictions, matrix: np.ndarray, n_clusters: int, wants_intervals: bool) -> list[str]:
    if not len(predictions):
        return ["there are no spans: no figure is defined"]
    support = dict(zip(predictions.labels, matrix.sum(axis=1).tolist(), strict=True))
    found = [label for label, count in support.items() if count]
    cautions = []
    if len(found) == 1:
        cautions.append(f"every span is {found[0]}: no ROC AUC is defined, and other figures say little")
    elif absent := [label for label, count in support.items() if not count]:
        cautions.append(f"no span is {' or '.join(absent)}: ROC AUC and average precision are not defined for it")
    if wants_intervals and n_clusters == 1:
        cautions.append("all spans are of one patient: there are no intervals")
    if wants_intervals and predictions.clusters is None:
        cautions.append("no subject_id: intervals take spans for independent and are too narrow if patients repeat")
    return cautions
