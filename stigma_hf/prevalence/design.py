"""The labelled spans as what they are: a random sample drawn anchor by anchor."""

import numpy as np
from scipy.sparse import csr_array

from stigma_hf.prevalence.linear import Linear
from stigma_hf.prevalence.spans import UNKNOWN, CorpusSpans, FloatArray, IntArray

_MOST_LEVERAGE = 0.9


class SampleDesign:
    """Which spans are labelled, and how many spans of the corpus each of them stands for.

    Within an anchor every text had the same chance to be drawn, so a labelled span stands for as many spans as the
    anchor has in the corpus per labelled one (Horvitz and Thompson 1952, with the counts that came about).

    Args:
        spans: The spans of a task; every anchor among them has a labelled one.

    Attributes:
        spans: The spans.
        labelled: Places of the labelled spans.
        truth: 1 for the label that people gave each labelled span, shape (labelled, labels).
        weight: Spans that each labelled span stands for.
        n_spans: Spans of each anchor.
        n_labelled: Labelled spans of each anchor.
        n_texts: Different labelled texts of each anchor.
        n_corpus_texts: Different texts of each anchor, at least 1.
        degrees: Degrees of freedom of all labelled spans together.
        is_thin: Whether an anchor has a single labelled text, so that nothing tells how its texts vary.
    """

    def __init__(self, spans: CorpusSpans) -> None:
        self.spans = spans
        self.labelled: IntArray = np.flatnonzero(spans.gold != UNKNOWN)
        self.truth = np.eye(len(spans.labels))[spans.gold[self.labelled]]
        self._anchor = spans.anchor[self.labelled]
        n_anchors = len(spans.anchors)
        self.n_spans = np.bincount(spans.anchor, minlength=n_anchors)
        self.n_labelled = np.bincount(self._anchor, minlength=n_anchors)
        self.weight = (self.n_spans / np.maximum(self.n_labelled, 1))[self._anchor]
        self.n_texts = self._texts_by_anchor(self.labelled)
        self.n_corpus_texts = np.maximum(self._texts_by_anchor(np.arange(len(spans))), 1)
        self.is_thin = self.n_texts < 2
        self._patient = spans.patient[self.labelled]
        self._n_patients = int(spans.patient.max(initial=-1)) + 1
        self._text = np.unique(spans.text[self.labelled], return_inverse=True)[1]
        self._pair = np.unique(self._patient * len(self.labelled) + self._text, return_inverse=True)[1]
        by_patient, by_text = (_degrees(np.bincount(codes, self.weight)) for codes in (self._patient, self._text))
        self.degrees = min(by_patient, by_text)
        self._cluster = self._patient if by_patient <= by_text else self._text
        ones = np.ones(len(spans))
        shape = (self._n_patients, n_anchors)
        self._spans_of_patient = csr_array((ones, (spans.patient, spans.anchor)), shape=shape)

    def anchor_means(self, values: FloatArray) -> FloatArray:
        """Mean over the labelled spans of each anchor, for thin ones over all; shape (anchors, columns)."""
        overall = self.weight @ values / self.weight.sum()
        means = sum_by(self._anchor, values, len(self.n_spans)) / np.maximum(self.n_labelled, 1)[:, None]
        return np.where(self.is_thin[:, None], overall, means)

    def deviations(self, values: FloatArray) -> FloatArray:
        """Distance of each labelled span from the mean of its anchor, as if it had no part in that mean.

        Without the factor, a group with a share p of the spans of an anchor would lose (1 - p) / n of what sets it
        apart, because its own labels moved the mean of the n labelled texts.
        """
        corpus = self.n_corpus_texts
        factor = np.where(self.is_thin, 1.0, self.n_texts / np.maximum(self.n_texts - 1, 1) * (corpus - 1) / corpus)
        return (values - self.anchor_means(values)[self._anchor]) * factor[self._anchor][:, None]

    def leverage(self, weights: FloatArray) -> tuple[FloatArray, float, float]:
        """How much of a weighted mean hangs on each labelled span's patient or text.

        Args:
            weights: Weight of each labelled span in the mean.

        Returns:
            The share of each span's patient, or of its text if that is larger; the number of equal shares that would
            vary as much; and the degrees of freedom of that variance, if all spans vary alike.
        """
        portion = weights / weights.sum()
        by_patient, by_text = (np.bincount(codes, portion) for codes in (self._patient, self._text))
        n_effective = min(1 / np.square(held).sum() for held in (by_patient, by_text))
        degrees = min(map(_degrees, (by_patient, by_text)))
        return np.maximum(by_patient[self._patient], by_text[self._text]), float(n_effective), degrees

    def linear(
        self, value: FloatArray, places: IntArray, corpus: FloatArray, sample: FloatArray, weights: FloatArray
    ) -> Linear:
        """An estimate from the contributions of the corpus and of the labelled spans.

        What an anchor's labelled spans contribute on average is spread over all its spans, because their number was
        fixed by the design; only the rest varies with the draw.

        Args:
            value: The estimate, shape (shares,).
            places: Places of spans in the corpus that contribute.
            corpus: What they contribute, shape (places, shares).
            sample: What each labelled span contributes for every span it stands for, shape (labelled, shares).
            weights: Weight of each labelled span in the estimate, to tell how many it rests on.
        """
        leverage, *sizes = self.leverage(weights)
        # A mean moves towards its own observations; dividing makes up for it, as the jackknife does.
        sample = sample / (1 - np.minimum(leverage, _MOST_LEVERAGE))[:, None]
        means = np.where(self.is_thin[:, None], 0.0, self.anchor_means(sample))
        varying = self.weight[:, None] * (sample - means[self._anchor])
        labelled = sum_by(self._patient, varying, self._n_patients)
        patients = sum_by(self.spans.patient[places], corpus, self._n_patients) + labelled
        patients += self._spans_of_patient @ means
        # Without repeats both are the same, and cancel.
        texts, pairs = sum_by(self._text, varying), sum_by(self._pair, varying)
        return Linear(value, patients, labelled, texts, pairs, np.zeros((0, len(value))), *sizes)

    def expected_spread(self, portion: FloatArray, places: IntArray, deviations: FloatArray) -> FloatArray:
        """Rows whose squares add up to the variance of a mean whose labels vary as those of their anchors do.

        There is one row per patient, or per text if texts repeat so much that they matter more.

        Args:
            portion: Portion of each span in the mean, shape (places,).
            places: Places of these spans in the corpus.
            deviations: Distance of each labelled span from the mean of its anchor, shape (labelled, shares).
        """
        squares = np.bincount(self.spans.anchor[places], np.square(portion), len(self.n_spans))
        factor = np.sqrt(squares[self._anchor] * self.weight / self.n_labelled[self._anchor])
        return sum_by(self._cluster, factor[:, None] * deviations)

    def _texts_by_anchor(self, places: IntArray) -> IntArray:
        """How many different texts each anchor has among some spans."""
        _, first = np.unique(self.spans.text[places], return_index=True)
        return np.bincount(self.spans.anchor[places[first]], minlength=len(self.spans.anchors))


def _degrees(held: np.ndarray) -> float:
    """Degrees of freedom of the variance of a mean in which observations hold these weights."""
    return float(np.square(held).sum() ** 2 / (held**4).sum() - 1)


def sum_by(codes: IntArray, values: FloatArray, size: int = 0) -> FloatArray:
    """Sum of the rows of each code, shape (codes, columns)."""
    size = max(size, int(codes.max(initial=-1)) + 1)
    return np.stack([np.bincount(codes, column, size) for column in values.T], axis=1)
