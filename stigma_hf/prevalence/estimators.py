"""Three ways to the share of each label: counting, adjusted counting, and prediction-powered inference."""

from functools import cached_property

import numpy as np

from stigma_hf.prevalence.design import SampleDesign, sum_by
from stigma_hf.prevalence.linear import Linear
from stigma_hf.prevalence.spans import CorpusSpans, FloatArray, IntArray

_WORST_CONDITION = 100.0
_ROUNDING = 1e-12


def counted(spans: CorpusSpans, weights: FloatArray) -> FloatArray:
    """Share of each label among the predictions: what counting gives, biased wherever the model errs unevenly.

    Args:
        spans: The spans of a task.
        weights: Weight of each span, 0 outside the group asked about.
    """
    return np.bincount(spans.predicted, weights, len(spans.labels)) / weights.sum()


class AdjustedCount:
    """Adjusted classify-and-count: the counts, put through the inverse of the confusion matrix.

    The matrix is that of all labelled spans of the task, weighted by the design. For a group this takes for granted
    that the model errs the same way in every group once the true label is given (Forman 2008; with two labels, Rogan
    and Gladen 1978).

    Args:
        design: The labelled sample.

    Attributes:
        problem: Why the matrix cannot be inverted; empty if it can.
    """

    def __init__(self, design: SampleDesign) -> None:
        spans = self._spans = design.spans
        self._design = design
        guessed = np.eye(len(spans.labels))[spans.predicted[design.labelled]]
        self._true_share = design.weight @ design.truth / len(spans)
        self.problem = ""
        missing = [label for label, share in zip(spans.labels, self._true_share, strict=True) if not share]
        if missing:
            self.problem = f"no labelled span is {', '.join(missing)}"
            return
        joint = guessed.T @ (design.weight[:, None] * design.truth) / len(spans)
        confusion = joint / self._true_share
        if np.linalg.cond(confusion) > _WORST_CONDITION:
            self.problem = "the model hardly tells the labels apart"
            return
        self._inverse = np.linalg.inv(confusion)
        self._error = guessed - design.truth @ confusion.T

    def mean(self, weights: FloatArray) -> Linear:
        """Share of each label, weighted as for `counted`."""
        design, spans = self._design, self._spans
        places = np.flatnonzero(weights)
        shares = self._inverse @ counted(spans, weights)
        corpus = self._inverse.T[spans.predicted[places]] - shares
        corpus *= (weights[places] / weights.sum())[:, None]
        # A group with more of a label is hurt more by errors in that label's column.
        relative = design.truth @ (shares / self._true_share) / len(spans)
        sample = -(self._error @ self._inverse.T) * relative[:, None]
        return design.linear(shares, places, corpus, sample, design.weight)


class PredictionPowered:
    """Prediction-powered inference on a stratified sample: mean prediction, corrected by what labels say it is off.

    Predictions are first moved, anchor by anchor, so that their mean agrees with the labels; what is left within the
    group asked about is then measured on its own labelled spans. Whatever errors the model makes, in whichever group,
    are therefore corrected in the long run; good predictions only make intervals shorter.

    Args:
        design: The labelled sample.
        power: How far predictions are trusted, from 0 (labels alone) to 1; what gives the least variance if not given
            (the lambda of PPI++). One number for all labels, so that shares add up to 1.

    Source: Angelopoulos et al. 2023 (Science 382, Prediction-powered inference); Angelopoulos, Duchi and Zrnic 2023
        (PPI++, arXiv 2311.01453); Horvitz-Thompson weights as in Datta and Polson 2025 (arXiv 2508.10149).
    """

    def __init__(self, design: SampleDesign, power: float | None = None) -> None:
        self._design = design
        self.power = self._best_power() if power is None else power

    @cached_property
    def _moved(self) -> FloatArray:
        """Predictions whose mean agrees with the labels of each anchor, shape (spans, labels)."""
        spans, design = self._design.spans, self._design
        return self.power * spans.probabilities + design.anchor_means(self._off)[spans.anchor]

    @cached_property
    def _off(self) -> FloatArray:
        """How far predictions are off, shape (labelled, labels)."""
        return self._design.truth - self.power * self._design.spans.probabilities[self._design.labelled]

    def mean(self, weights: FloatArray, within: IntArray | None = None) -> Linear:
        """Share of each label.

        Args:
            weights: Weight of each span, 0 outside the group asked about; some labelled span has one.
            within: Numbers of cells in which the weights have fixed sums, as standardising over anchors makes them.
        """
        design = self._design
        places = np.flatnonzero(weights)
        portion = weights[places] / weights.sum()
        moved = self._moved[places]
        mean = portion @ moved
        labelled_weights = design.weight * weights[design.labelled]
        deviations = design.deviations(self._off)
        left = labelled_weights @ deviations / labelled_weights.sum()
        if within is None:
            corpus = portion[:, None] * (moved - mean)
        else:
            cells = within[places]
            totals = np.bincount(cells, portion)[:, None]
            centres = sum_by(cells, portion[:, None] * moved) / np.where(totals > 0, totals, 1)
            corpus = portion[:, None] * (moved - centres[cells])
        sample = (weights[design.labelled] / labelled_weights.sum())[:, None] * (deviations - left)
        estimate = design.linear(mean + left, places, corpus, sample, labelled_weights)
        return estimate.moderated(design.expected_spread(portion, places, deviations), design.degrees)

    def _best_power(self) -> float:
        """The power with the least variance, all labels together; the error of a mean is linear in it."""
        everything = np.ones(len(self._design.spans))
        without, full = (PredictionPowered(self._design, power).mean(everything).patients for power in (0.0, 1.0))
        slope = full - without
        spread = np.square(slope).sum()
        if spread <= _ROUNDING * np.square(without).sum():
            # Predictions that depend on the anchor alone add nothing to the labels of the anchor.
            return 0.0
        return float(np.clip(-(without * slope).sum() / spread, 0, 1))
