"""Join tokens that occur together far more often than by chance into phrases."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin

from stigma_hf.baseline.token_lists import Codebook, TokenLists


class PhraseLearner(TransformerMixin, BaseEstimator):
    """Learns which neighbours make a phrase, and joins them; each pass may join phrases of the pass before.

    The score of a pair is `(times together - min_count) * vocabulary size / (times left * times right)`.

    Args:
        passes: How often phrases are learned on top of each other, from 0 on.
        min_count: How often a pair is together without any gain, from 0 on.
        threshold: Score above which a pair is a phrase, from 0 on.

    Attributes:
        phrases_: Per pass, `[left, right, score]` of each phrase, best first.

    Example:
        >>> learner = PhraseLearner(passes=1, min_count=1, threshold=0.4).fit([["chest", "pain"], ["chest", "pain"]])
        >>> list(learner.transform([["no", "chest", "pain"]]))
        [['no', 'chest pain']]
    """

    def __init__(self, passes: int = 2, min_count: int = 5, threshold: float = 10.0) -> None:
        self.passes = passes
        self.min_count = min_count
        self.threshold = threshold

    def fit(self, documents: Iterable[Sequence[str]], y: object = None) -> Self:
        """Learn phrases from token lists.

        Raises:
            ValueError: If a setting is below 0.
        """
        for name in ("passes", "min_count", "threshold"):
            if getattr(self, name) < 0:
                raise ValueError(f"expected {name} from 0 on, found {getattr(self, name)}")
        self.__dict__.pop("_passes", None)
        self.phrases_: list[list[tuple[str, str, float]]] = []
        documents = TokenLists.of(documents)
        for _ in range(self.passes):
            self.phrases_.append(self._learn(list(documents)))
            documents = _Phrases(self.phrases_[-1], documents.codebook).join(documents)
        return self

    def transform(self, documents: Iterable[Sequence[str]]) -> TokenLists:
        """Token lists with the learned phrases joined by a blank, from left to right."""
        documents = TokenLists.of(documents)
        passes: list[_Phrases] = getattr(self, "_passes", [])
        if not passes or passes[0].codebook is not documents.codebook:
            self._passes = passes = [_Phrases(phrases, documents.codebook) for phrases in self.phrases_]
        for phrases in passes:
            documents = phrases.join(documents)
        return documents

    def _learn(self, documents: Sequence[Sequence[str]]) -> list[tuple[str, str, float]]:
        counts = Counter(token for tokens in documents for token in tokens)
        pairs = Counter(pair for tokens in documents for pair in pairwise(tokens))
        # Ties keep the order of the vocabulary: the more frequent first, then the earlier.
        ranks = {token: rank for rank, (token, _) in enumerate(counts.most_common())}
        scored = []
        for left, right in sorted(pairs, key=lambda pair: (ranks[pair[0]], ranks[pair[1]])):
            gain = (pairs[left, right] - self.min_count) * len(counts)
            score = gain / (counts[left] * counts[right])
            if score > self.threshold:
                scored.append((left, right, score))
        return sorted(scored, key=lambda phrase: -phrase[2])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_passes"}


class _Phrases:
    """The phrases of one pass, in the codes of a codebook."""

    def __init__(self, phrases: Sequence[Sequence[Any]], codebook: Codebook) -> None:
        self.codebook = codebook
        lefts = codebook.encode(left for left, _, _ in phrases)
        rights = codebook.encode(right for _, right, _ in phrases)
        joined = codebook.encode(f"{left} {right}" for left, right, _ in phrases)
        size = len(codebook)
        # By left and right code, one more than the code of the phrase; 0 is none.
        self._joined = csr_matrix((joined + 1, (lefts, rights)), (size, size))
        # Codes that are given out later are in no phrase: they all share the last flag, False.
        self._is_left = np.zeros(size + 1, dtype=bool)
        self._is_left[lefts] = True
        self._is_right = np.zeros(size + 1, dtype=bool)
        self._is_right[rights] = True

    def join(self, documents: TokenLists) -> TokenLists:
        """Token lists with pairs joined, from left to right; a token is in one phrase at most."""
        codes = documents.codes
        is_left = self._is_left.take(codes[:-1], mode="clip")
        is_right = self._is_right.take(codes[1:], mode="clip")
        places = np.flatnonzero(is_left & is_right & ~documents.starts()[1:])
        if not len(places):
            return documents
        joined = np.asarray(self._joined[codes[places], codes[places + 1]]).ravel()
        places, joined = places[joined > 0], joined[joined > 0] - 1
        # Where pairs overlap in a row, every other one is joined, from the first on.
        is_first = np.diff(places, prepend=-2) != 1
        turns = np.arange(len(places))
        is_joined = (turns - np.maximum.accumulate(np.where(is_first, turns, 0))) % 2 == 0
        places = places[is_joined]
        codes = codes.copy()
        codes[places] = joined[is_joined]
        is_kept = np.ones(len(codes), dtype=bool)
        is_kept[places + 1] = False
        return TokenLists(documents.codebook, codes, documents.ends).keep(is_kept)
