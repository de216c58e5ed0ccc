"""Estimates that are sums over patients, and so carry their own uncertainty.

Near its target every estimate here is a sum of contributions of spans (its influence function). Those of one patient
are added up before they are squared, so labels that depend on each other within a patient count as they should.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from stigma_hf.prevalence.spans import FloatArray

BORROWED_DEGREES = 10.0
"""Degrees of freedom, at most, that a variance borrowed from all groups counts for."""


@dataclass(frozen=True)
class Linear:
    """Shares with what each patient contributes to their error.

    Attributes:
        value: The shares, shape (shares,).
        patients: Contribution of each patient, shape (patients, shares).
        labelled: The part of it that comes from the labelled spans, same shape.
        texts: The part that comes from the labelled spans by text, shape (texts, shares).
        pairs: The same by patient and text, shape (pairs, shares).
        borrowed: What stands in for labelled spans that are too few to tell how they vary, shape (rows, shares).
        n_effective: How many equally weighted patients the labelled spans are worth (Kish).
        label_degrees: Degrees of freedom of the part that comes from the labelled spans.
    """

    value: FloatArray
    patients: FloatArray
    labelled: FloatArray
    texts: FloatArray
    pairs: FloatArray
    borrowed: FloatArray
    n_effective: float
    label_degrees: float

    def times(self, factor: FloatArray) -> Self:
        """Each share times a number, or shares added up by a matrix of shape (shares, new shares)."""
        arrays = ("value", "patients", "labelled", "texts", "pairs", "borrowed")
        parts = {
            name: getattr(self, name) @ factor if factor.ndim == 2 else getattr(self, name) * factor for name in arrays
        }
        return replace(self, **parts)

    def moderated(self, borrowed: FloatArray, degrees: float) -> Self:
        """The same with part of the variance of its labelled spans borrowed from those of all groups.

        The labelled spans of a small group are too few to tell how much they vary. Their own variance counts by its
        degrees of freedom, the borrowed one by at most BORROWED_DEGREES (as Smyth 2004 moderates variances of genes),
        so large groups keep their own, as does the corpus.

        Args:
            borrowed: Rows whose squares add up to the variance that labelled spans would have if they varied as those
                of their anchors do in all groups together.
            degrees: Degrees of freedom of all labelled spans together; there are no more to be had.
        """
        added = min(BORROWED_DEGREES, max(degrees - self.label_degrees, 0.0))
        own = self.label_degrees / (self.label_degrees + added) if added else 1.0
        kept = np.sqrt(own)
        return replace(
            self,
            patients=self.patients - (1 - kept) * self.labelled,
            labelled=kept * self.labelled,
            texts=kept * self.texts,
            pairs=kept * self.pairs,
            borrowed=np.sqrt(1 - own) * borrowed,
            label_degrees=self.label_degrees + added,
        )

    @property
    def variance(self) -> FloatArray:
        """Variance of each share, clustered by patient and, among labelled spans, by text as well.

        A text that repeats with several patients has one label, given once. Its spans are therefore not independent
        even between patients (Cameron, Gelbach and Miller 2011: add the variance by text, take away what is in both).
        """
        n = len(self.patients)
        by_patient = np.square(self.patients).sum(axis=0) * (n / max(n - 1, 1))
        between = np.square(self.texts).sum(axis=0) - np.square(self.pairs).sum(axis=0)
        return by_patient + np.maximum(between, 0) + np.square(self.borrowed).sum(axis=0)

    @property
    def degrees_of_freedom(self) -> FloatArray:
        """Degrees of freedom of the variance (Satterthwaite): few where few labelled patients carry most weight."""
        n = len(self.patients)
        from_corpus = np.square(self.patients - self.labelled).sum(axis=0)
        from_labels = np.square(self.labelled).sum(axis=0) + np.square(self.borrowed).sum(axis=0)
        return pooled_degrees((from_corpus, n - 1), (from_labels, self.label_degrees))


def pooled_degrees(*parts: tuple[FloatArray, FloatArray | float]) -> FloatArray:
    """Degrees of freedom of a sum of variances, each with its own, by Satterthwaite's formula; at least 1."""
    total = sum(variance for variance, _ in parts)
    squares = sum(np.square(variance) / np.maximum(degrees, 1) for variance, degrees in parts)
    return np.divide(np.square(total), squares, out=np.ones_like(total), where=squares > 0).clip(min=1)
