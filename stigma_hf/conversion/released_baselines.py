"""The parameters of the released baselines, and what follows from them by plain arithmetic."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stigma_hf.baseline.anchors import negated_anchor, remove_anchor
from stigma_hf.baseline.phrases import PhraseLearner
from stigma_hf.baseline.tokenization import ClinicalTokenizer
from stigma_hf.context_window import ContextWindow


@dataclass(frozen=True)
class LabelShares:
    """Majority overall.

    Attributes:
        targets: Labels in the order of the release.
        shares: Share of each label among the training spans.
    """

    targets: tuple[str, ...]
    shares: np.ndarray

    def probabilities(self, window: ContextWindow) -> np.ndarray:
        """The shares, whatever the window."""
        return self.shares


@dataclass(frozen=True)
class AnchorTable:
    """Majority per anchor.

    Attributes:
        targets: Labels in the order of the release.
        anchors: Anchors, with a negation right before them where there was one.
        counts: Training spans per anchor and label, shape (anchors, labels).
        alpha: What is added to every count.
        smoothed: The released probabilities, shape (labels, anchors).
    """

    targets: tuple[str, ...]
    anchors: tuple[str, ...]
    counts: np.ndarray
    alpha: float
    smoothed: np.ndarray

    def probabilities(self, window: ContextWindow) -> np.ndarray:
        """The column of the window's anchor; equal shares for one that no training span had."""
        anchor = negated_anchor(window.anchor, window.context)
        if anchor not in self.anchors:
            return np.full(len(self.targets), 1 / len(self.targets))
        return self.smoothed[:, self.anchors.index(anchor)]


@dataclass(frozen=True)
class Regression:
    """Logistic regression on TF-IDF.

    Attributes:
        targets: Labels in the order of the release.
        keeps_anchor: Whether the anchor stays in the text.
        tokenizer: Cuts the text.
        phrases: Joins phrases.
        vocabulary: Tokens that are features, in the order of the columns.
        idf: Inverse document frequency of each feature, shape (features,).
        norm: What rows of features are divided by, `l1` or `l2`; None for nothing.
        coefficients: Shape (labels, features).
        intercepts: Shape (labels,).
        chosen_c: Inverse strength of the regularisation that was chosen.
    """

    targets: tuple[str, ...]
    keeps_anchor: bool
    tokenizer: ClinicalTokenizer
    phrases: PhraseLearner
    vocabulary: tuple[str, ...]
    idf: np.ndarray
    norm: str | None
    coefficients: np.ndarray
    intercepts: np.ndarray
    chosen_c: float

    def probabilities(self, window: ContextWindow) -> np.ndarray:
        """The softmax of the scores of the window's features."""
        text = window.context if self.keeps_anchor else remove_anchor(window.context, window.anchor)
        tokens = self.tokenizer.tokenize(text)
        for phrases in self.phrases.phrases_:
            tokens = join_pairs(tokens, {(left, right) for left, right, _ in phrases})
        counts = Counter(tokens)
        features = np.array([counts[token] for token in self.vocabulary]) * self.idf
        size = {"l1": np.abs(features).sum(), "l2": np.sqrt((features**2).sum()), None: 1.0}[self.norm]
        scores = self.coefficients @ (features / size if size else features) + self.intercepts
        odds = np.exp(scores - scores.max())
        return odds / odds.sum()


ReleasedBaseline = LabelShares | AnchorTable | Regression
"""One released classifier of one task. `targets` is the order of every parameter of it."""


def join_pairs(tokens: Sequence[str], pairs: set[tuple[str, str]]) -> list[str]:
    """Tokens with some neighbours joined by a blank, from left to right.

    Example:
        >>> join_pairs(["no", "chest", "pain"], {("chest", "pain"), ("no", "pain")})
        ['no', 'chest pain']
    """
    joined: list[str] = []
    place = 0
    while place < len(tokens):
        is_pair = tuple(tokens[place : place + 2]) in pairs
        joined.append(" ".join(tokens[place : place + 2]) if is_pair else tokens[place])
        place += 2 if is_pair else 1
    return joined
