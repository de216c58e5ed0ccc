"""How well the probability of a label ranks the spans that have it before those that do not."""

from typing import NamedTuple

import numpy as np


class RankingFigures(NamedTuple):
    """One label against the rest, for each set of weights.

    Attributes:
        roc_auc: Area under the ROC curve, ties counted half, shape (resamples,); NaN unless both the label and
            another one occur.
        average_precision: Mean precision over the recall steps, without interpolation, shape (resamples,); NaN unless
            the label occurs.
    """

    roc_auc: np.ndarray
    average_precision: np.ndarray


def one_versus_rest(scores: np.ndarray, has_label: np.ndarray, weights: np.ndarray) -> RankingFigures:
    """The ranking figures of a label, equal to those of scikit-learn with sample weights.

    Args:
        scores: Probability of the label, shape (spans,).
        has_label: Whether it is the true one, shape (spans,).
        weights: How often each span counts, shape (resamples, spans).
    """
    if not len(scores):
        nothing = np.full(len(weights), np.nan)
        return RankingFigures(nothing, nothing)
    best_first = np.argsort(-scores, kind="stable")
    ranked = scores[best_first]
    # Spans with the same score cannot be told apart, so each group of ties is one step of the curves.
    steps = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    weights = weights[:, best_first]
    positives = np.add.reduceat(weights * has_label[best_first], steps, axis=1)
    negatives = np.add.reduceat(weights, steps, axis=1) - positives
    found, false_alarms = positives.cumsum(axis=1), negatives.cumsum(axis=1)
    n_positive, n_negative = found[:, -1], false_alarms[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        below = n_negative[:, None] - false_alarms + negatives / 2
        roc_auc = (positives * below).sum(axis=1) / (n_positive * n_negative)
        precision = np.where(positives > 0, found / (found + false_alarms), 0)
        average_precision = (positives * precision).sum(axis=1) / n_positive
    return RankingFigures(roc_auc, average_precision)
