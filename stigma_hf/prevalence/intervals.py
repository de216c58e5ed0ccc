"""Confidence intervals for shares, and for ratios between them."""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from stigma_hf.prevalence.linear import Linear, pooled_degrees
from stigma_hf.prevalence.spans import FloatArray

RARE = 5
"""Labelled spans with a label, or without it, below which the normal approximation is not trusted on its own."""


MOST_LOG_ERROR = 1.0
"""Standard error of the logarithm of a ratio above which no interval is given."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes:
        value: The estimate.
        low: Lower limit.
        high: Upper limit.
    """

    value: float
    low: float
    high: float


def share_intervals(
    estimate: Linear, confidence: float, n_rarer: FloatArray | None = None, labelled_share: FloatArray | None = None
) -> list[Interval]:
    """Intervals of shares: by the logit, so that they stay between 0 and 1.

    Where fewer than RARE labelled spans have a label, or lack it, errors are too lopsided for that. The interval then
    also covers the exact binomial one of the labelled spans, counted at their effective number (after Korn and
    Graubard 1998), which is wide and never empty.

    Args:
        estimate: The shares; a value above 1 counts as 1.
        confidence: Such as 0.95.
        n_rarer: Labelled spans that have each label or lack it, whichever are fewer; none are RARE if not given.
        labelled_share: Weighted share of each label among the labelled spans.
    """
    tail = (1 - confidence) / 2
    value, error = estimate.value.clip(0, 1), np.sqrt(estimate.variance)
    reach = stats.t.ppf(1 - tail, estimate.degrees_of_freedom) * error
    is_inside = (value > 0) & (value < 1)
    inside = np.where(is_inside, value, 0.5)
    width = reach / (inside * (1 - inside))
    low = np.where(is_inside, expit(logit(inside) - width), (value - reach).clip(0, 1))
    high = np.where(is_inside, expit(logit(inside) + width), (value + reach).clip(0, 1))
    if n_rarer is not None and labelled_share is not None:
        n = estimate.n_effective
        count = labelled_share * n
        # At the ends the exact limits are 0 and 1, where the distribution is not defined.
        exact_low = np.nan_to_num(stats.beta.ppf(tail, count, n - count + 1), nan=0.0)
        exact_high = np.nan_to_num(stats.beta.ppf(1 - tail, count + 1, n - count), nan=1.0)
        low = np.where(n_rarer < RARE, np.minimum(low, exact_low), low)
        high = np.where(n_rarer < RARE, np.maximum(high, exact_high), high)
    return [Interval(*map(float, limits)) for limits in zip(value, low, high, strict=True)]


def ratio_intervals(above: Linear, below: Linear, confidence: float) -> list[Interval | None]:
    """Intervals of the ratios between two sets of shares, symmetric on the log scale.

    Errors that both have in common, because both use the same labels, cancel: they are subtracted patient by patient.
    None stands where a share is not above 0, or the standard error of the logarithm is above MOST_LOG_ERROR: the data
    then say hardly anything about the ratio, and the approximation does not hold.
    """
    is_good = (above.value > 0) & (below.value > 0)
    tops, bottoms = np.where(is_good, above.value, 1.0), np.where(is_good, below.value, 1.0)
    upper, lower = above.times(1 / tops), below.times(1 / bottoms)
    difference = Linear(
        np.log(tops / bottoms),
        upper.patients - lower.patients,
        upper.labelled - lower.labelled,
        upper.texts - lower.texts,
        upper.pairs - lower.pairs,
        np.concatenate([upper.borrowed, lower.borrowed]),
        0.0,
        0.0,
    )
    degrees = pooled_degrees((upper.variance, upper.degrees_of_freedom), (lower.variance, lower.degrees_of_freedom))
    error = np.sqrt(difference.variance)
    is_good &= error <= MOST_LOG_ERROR
    reach = stats.t.ppf((1 + confidence) / 2, degrees) * np.where(is_good, error, 0)
    limits = np.exp(np.stack([difference.value, difference.value - reach, difference.value + reach], axis=1))
    return [Interval(*map(float, row)) if good else None for row, good in zip(limits, is_good, strict=True)]
