"""Bootstrap that draws patients and not spans, since the spans of one patient are alike."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.figures import figures
from stigma_hf.evaluation.predictions import Predictions

RESAMPLES = 2000
"""Resamples unless told otherwise: enough for two stable digits of a 95 % interval."""

LEVEL = 0.95
"""Share of resamples inside an interval unless told otherwise."""

_WEIGHTS_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class Resamples:
    """Draws of clusters with replacement, to be shared by all figures, groups and models on the same spans.

    Attributes:
        counts: How often each cluster was drawn, shape (resamples, clusters).
        cluster_of: Place of each span's cluster, shape (spans,).
    """

    counts: np.ndarray
    cluster_of: np.ndarray

    @classmethod
    def draw(
        cls, clusters: Sequence[int | str] | np.ndarray | int, resamples: int = RESAMPLES, seed: int = 0
    ) -> "Resamples":
        """Draw as many clusters as there are, again and again.

        Args:
            clusters: The cluster of each span, usually its `subject_id`; a number of spans, each its own cluster. The
                draw depends on which clusters there are and not on the order of the spans.
            resamples: How often, from 1 on.
            seed: Seed of the draw.

        Raises:
            UsageError: If resamples is less than 1 or a cluster is missing.
        """
        if resamples < 1:
            raise UsageError(f"expected resamples to be a whole number from 1 on, found {resamples}")
        of_spans = np.arange(clusters) if isinstance(clusters, int) else np.asarray(clusters)
        if of_spans.dtype == object and (missing := sum(cluster is None for cluster in of_spans)):
            raise UsageError(f"expected a subject_id for every span, found none for {missing} of {len(of_spans)}")
        names, cluster_of = np.unique(of_spans, return_inverse=True)
        random = np.random.default_rng(seed)
        # No cluster of many is drawn thousands of times, so two bytes hold how often.
        counts = np.empty((resamples, len(names)), dtype=np.int16)
        for row in counts:
            row[:] = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names)) if row.size else 0
        return cls(counts, cluster_of)

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def n_clusters(self) -> int:
        """Number of clusters that spans are of."""
        return len(np.unique(self.cluster_of))

    def where(self, rows: np.ndarray) -> "Resamples":
        """The same draws for some of the spans: a mask of shape (spans,), or row numbers."""
        return replace(self, cluster_of=self.cluster_of[rows])

    def weights(self) -> Iterator[np.ndarray]:
        """How often each span counts, a few resamples at a time, shape (some resamples, spans)."""
        step = max(1, _WEIGHTS_AT_ONCE // max(1, len(self.cluster_of)))
        for begin in range(0, len(self.counts), step):
            yield self.counts[begin : begin + step, self.cluster_of].astype(np.float64)


def resampled_figures(predictions: Predictions, resamples: Resamples, names: Collection[str]) -> dict[str, np.ndarray]:
    """Figures of every resample, as `stigma_hf.evaluation.figures.figures` gives them.

    Args:
        predictions: The predictions.
        resamples: Draws over these spans.
        names: Which figures.

    Returns:
        Name to values, shape (resamples,) or (resamples, labels).

    Raises:
        UsageError: If the draws are over another number of spans.
    """
    if len(resamples.cluster_of) != len(predictions):
        raise UsageError(
            f"{predictions.task}: expected resamples of {len(predictions)} spans, found {len(resamples.cluster_of)}"
        )
    parts = [figures(predictions, names, weights) for weights in resamples.weights()]
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: The figure on the spans as they are; None where it is not defined.
        low: Lower end of the interval; None if there is none.
        high: Upper end.
        n_undefined: Resamples on which the figure is not defined; the interval is over the others.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n_undefined: int = 0


def percentile_interval(values: np.ndarray, level: float = LEVEL) -> tuple[float | None, float | None]:
    """The middle share of resampled values, those that are not NaN; None twice if there are none.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13; patients as the unit: Davison and
    Hinkley 1997, Bootstrap Methods and their Application, section 3.8.
    """
    if not 0 < level < 1:
        raise UsageError(f"expected a level between 0 and 1, found {level}")
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None, None
    low, high = np.percentile(defined, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)


def estimate(value: float, values: np.ndarray | None = None, level: float = LEVEL) -> Estimate:
    """A figure and its resampled values as an estimate, NaN as None.

    Args:
        value: The figure.
        values: The figure of each resample, shape (resamples,); no interval when None.
        level: Share of resamples inside the interval.
    """
    if np.isnan(value):
        return Estimate(None)
    if values is None:
        return Estimate(float(value))
    return Estimate(float(value), *percentile_interval(values, level), int(np.isnan(values).sum()))
