"""Whether probabilities mean what they say: proper scores, calibration error and the curve behind it."""

from dataclasses import dataclass

import numpy as np

from stigma_hf.evaluation.predictions import Predictions

BINS = 10
"""Bins of equal width from 0 to 1, each without its lower and with its upper end."""

_SMALLEST = np.finfo(np.float64).eps


def brier_scores(predictions: Predictions) -> np.ndarray:
    """Squared distance of each span's probabilities from the truth, summed over the labels: 0 is best, 2 is worst.

    Returns:
        Shape (spans,); their mean is the multi-class Brier score in its original form.
    """
    truth = np.eye(len(predictions.labels))[predictions.true]
    return ((predictions.probabilities - truth) ** 2).sum(axis=1)


def log_losses(predictions: Predictions) -> np.ndarray:
    """Minus the logarithm of each true label's probability, shape (spans,).

    Probabilities are kept off 0 and 1 by the precision of a double, as in scikit-learn.
    """
    of_truth = predictions.probabilities[np.arange(len(predictions)), predictions.true]
    return -np.log(np.clip(of_truth, _SMALLEST, 1 - _SMALLEST))


def bins_of(probabilities: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The bin of each probability, from 0 on, shape as given."""
    edges = np.arange(bins + 1) / bins
    return np.clip(np.searchsorted(edges, probabilities, side="left") - 1, 0, bins - 1)


def calibration_errors(predictions: Predictions, weights: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Expected calibration error: how far accuracy is from confidence, bin by bin, weighted by the spans in a bin.

    Confidence is the probability of the predicted label. The error is never below 0 and, on few spans, above 0 for a
    perfectly calibrated model too.

    Args:
        predictions: The predictions.
        weights: How often each span counts, shape (resamples, spans).
        bins: Number of bins of equal width.

    Returns:
        Shape (resamples,); NaN where no span counts.

    Source: Guo et al. 2017 (ICML), On Calibration of Modern Neural Networks, section 2.
    """
    gaps = np.zeros((len(predictions), bins))
    confidence = predictions.confidence
    gaps[np.arange(len(predictions)), bins_of(confidence, bins)] = predictions.is_right - confidence
    with np.errstate(invalid="ignore"):
        return abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)


@dataclass(frozen=True)
class CalibrationBin:
    """The spans whose probability falls in one bin.

    Attributes:
        low: Lower end of the bin, exclusive but for 0.
        high: Upper end, inclusive.
        n_spans: Spans in it.
        mean_probability: What the model says, on average; None without spans.
        share: How often it is so; None without spans.
    """

    low: float
    high: float
    n_spans: int
    mean_probability: float | None
    share: float | None


def calibration_curve(predictions: Predictions, label: str | None = None, bins: int = BINS) -> list[CalibrationBin]:
    """What the model says beside how often it is so, in bins.

    Args:
        predictions: The predictions.
        label: For the probability of this label and how often it is the true one; for the confidence in the
            predicted label and how often that is right when None, which is what `calibration_errors` sums up.
        bins: Number of bins of equal width.
    """
    if label is None:
        said, is_so = predictions.confidence, predictions.is_right
    else:
        place = predictions.labels.index(label)
        said, is_so = predictions.probabilities[:, place], predictions.true == place
    bin_of = bins_of(said, bins)
    curve = []
    for place in range(bins):
        inside = bin_of == place
        n_spans = int(inside.sum())
        means = (float(said[inside].mean()), float(is_so[inside].mean())) if n_spans else (None, None)
        curve.append(CalibrationBin(place / bins, (place + 1) / bins, n_spans, *means))
    return curve
