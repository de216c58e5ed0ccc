"""Every figure by its name, on the spans as they are or on thousands of resamples at once."""

from collections.abc import Collection

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.evaluation import confusion
from stigma_hf.evaluation.calibration import brier_scores, calibration_errors, log_losses
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.ranking import one_versus_rest

_FROM_CONFUSION = ("macro_f1", "macro_f1_all_labels", "accuracy")
_FROM_CONFUSION_PER_LABEL = ("precision", "recall", "f1")
_FROM_RANKING = ("macro_roc_auc", "macro_average_precision")
_FROM_RANKING_PER_LABEL = ("roc_auc", "average_precision")
_FROM_PROBABILITIES = ("brier", "log_loss", "calibration_error")

HEADLINE = (*_FROM_CONFUSION, *_FROM_RANKING, *_FROM_PROBABILITIES)
"""Figures of a task: one number each."""

PER_LABEL = (*_FROM_CONFUSION_PER_LABEL, *_FROM_RANKING_PER_LABEL)
"""Figures of a label: one number for each label, in label order."""

LABELS_ONLY = (*_FROM_CONFUSION, *_FROM_CONFUSION_PER_LABEL)
"""Figures that need no probabilities."""

LOWER_IS_BETTER = _FROM_PROBABILITIES
"""Figures of which less is better; of all others more is."""


def figures(
    predictions: Predictions,
    names: Collection[str] = (*HEADLINE, *PER_LABEL),
    weights: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Figures of some predictions.

    Each equals what scikit-learn gives for the same sample weights. `macro_f1` is over the labels among the true or
    the predicted ones and `macro_f1_all_labels` over all; precision, recall and F1 with nothing to divide by are 0.
    ROC AUC and average precision set one label against the rest and are not defined for a label that is absent; the
    macro figures are their means over the labels that have one. The calibration error of a resample is on average
    larger than that of the spans themselves, so intervals of it lean upwards.

    Args:
        predictions: The predictions.
        names: Which figures, among `HEADLINE` and `PER_LABEL`.
        weights: How often each span counts, shape (resamples, spans); once each when None.

    Returns:
        Name to values, shape (resamples,) or (resamples, labels), with one resample when there are no weights; NaN
        where a figure is not defined.

    Raises:
        UsageError: If a name is unknown.
    """
    if unknown := sorted(set(names) - set(HEADLINE) - set(PER_LABEL)):
        raise UsageError(f"expected figures among {', '.join((*HEADLINE, *PER_LABEL))}, found {', '.join(unknown)}")
    if weights is None:
        weights = np.ones((1, len(predictions)))
    found: dict[str, np.ndarray] = {}
    if not set(names).isdisjoint((*_FROM_CONFUSION, *_FROM_CONFUSION_PER_LABEL)):
        found |= _confusion_figures(predictions, weights)
    if not set(names).isdisjoint((*_FROM_RANKING, *_FROM_RANKING_PER_LABEL)):
        found |= _ranking_figures(predictions, weights)
    if not set(names).isdisjoint(_FROM_PROBABILITIES):
        found |= _probability_figures(predictions, weights)
    return {name: found[name] for name in names}


def _confusion_figures(predictions: Predictions, weights: np.ndarray) -> dict[str, np.ndarray]:
    counts = confusion.confusion_matrix(predictions.true, predictions.predicted, len(predictions.labels), weights)
    return {
        "macro_f1": confusion.macro_f1(counts),
        "macro_f1_all_labels": confusion.macro_f1(counts, all_labels=True),
        "accuracy": confusion.accuracy(counts),
        "precision": confusion.precision(counts),
        "recall": confusion.recall(counts),
        "f1": confusion.f1(counts),
    }


def _ranking_figures(predictions: Predictions, weights: np.ndarray) -> dict[str, np.ndarray]:
    of_labels = [
        one_versus_rest(predictions.probabilities[:, place], predictions.true == place, weights)
        for place in range(len(predictions.labels))
    ]
    roc_auc = np.stack([of_label.roc_auc for of_label in of_labels], axis=1)
    average_precision = np.stack([of_label.average_precision for of_label in of_labels], axis=1)
    return {
        "roc_auc": roc_auc,
        "average_precision": average_precision,
        "macro_roc_auc": _mean_of_defined(roc_auc),
        "macro_average_precision": _mean_of_defined(average_precision),
    }


def _probability_figures(predictions: Predictions, weights: np.ndarray) -> dict[str, np.ndarray]:
    with np.errstate(invalid="ignore"):
        total = weights.sum(axis=1)
        return {
            "brier": weights @ brier_scores(predictions) / total,
            "log_loss": weights @ log_losses(predictions) / total,
            "calibration_error": calibration_errors(predictions, weights),
        }


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN; NaN where nothing is left."""
    is_defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(is_defined, values, 0).sum(axis=-1) / is_defined.sum(axis=-1)
