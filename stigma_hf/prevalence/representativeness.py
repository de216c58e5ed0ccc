"""Does the labelled sample look like one drawn at random, anchor by anchor, from this corpus?"""

import numpy as np
from scipy import stats

from stigma_hf.prevalence.design import SampleDesign, sum_by
from stigma_hf.prevalence.spans import FloatArray

_ROUNDING = 1e-9
_LEAST_EXPECTED = 5


def imbalance(design: SampleDesign, values: FloatArray) -> float:
    """Probability that a random sample of each anchor would differ from the corpus as much as this one does.

    It is small if the labelled spans come from elsewhere, from some patients only, or were picked for what they say.

    Args:
        design: The labelled sample and the spans it was drawn from.
        values: Shares or facts, 0 to 1, that are known of every span, labelled or not; shape (spans, values).

    Returns:
        The smallest p-value over the values, times their number.
    """
    spans, labelled = design.spans, design.labelled
    n_anchors, n_spans = len(spans.anchors), np.maximum(design.n_spans, 1)[:, None]
    means = sum_by(spans.anchor, values, n_anchors) / n_spans
    variances = sum_by(spans.anchor, np.square(values - means[spans.anchor]), n_anchors) / n_spans
    difference = design.weight @ (values[labelled] - means[spans.anchor[labelled]])
    # Texts are drawn, with all their repeats: the variance of a mean of unequal parts, none where all are drawn.
    _, first, sizes = np.unique(spans.text[labelled], return_index=True, return_counts=True)
    squares = np.bincount(spans.anchor[labelled][first], np.square(sizes), n_anchors)
    portion = squares / np.maximum(np.square(design.n_labelled), 1) * (1 - design.n_texts / design.n_corpus_texts)
    error = np.sqrt(np.square(design.n_spans) * portion @ variances)
    # The normal approximation needs enough of what is compared among the labelled spans, and enough without it.
    expected = design.n_labelled @ means
    is_usual = np.minimum(expected, len(labelled) - expected) >= _LEAST_EXPECTED
    # Predictions that depend on the anchor alone differ by rounding only.
    scores = np.divide(np.abs(difference), error, out=np.zeros_like(error), where=error > _ROUNDING * len(spans))
    return min(1.0, float(2 * stats.norm.sf(scores[is_usual].max(initial=0)) * max(1, is_usual.sum())))
