"""Count the tokens of a vocabulary in token lists."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin

from stigma_hf.baseline.token_lists import Codebook, TokenLists


class VocabularyCounter(TransformerMixin, BaseEstimator):
    """Learns a vocabulary from token lists, and counts its tokens in others.

    The rules apply in this order: the most frequent tokens go, then the rare ones, then the stop words. What is left
    is ordered by frequency, ties by first occurrence.

    Args:
        drop_most_frequent: How many of the most frequent tokens are no features, from 0 on.
        min_count: How often a token must occur in all, from 0 on.
        stop_words: Tokens that are no features.

    Attributes:
        vocabulary_: Token to column.

    Example:
        >>> counter = VocabularyCounter(drop_most_frequent=0, min_count=2, stop_words=[])
        >>> counter.fit_transform([["pain", "pain", "no"], ["no", "fever"]]).toarray().tolist()
        [[2, 1], [0, 1]]
    """

    def __init__(
        self, drop_most_frequent: int = 10, min_count: int = 3, stop_words: Sequence[str] = ("patient", "pt")
    ) -> None:
        self.drop_most_frequent = drop_most_frequent
        self.min_count = min_count
        self.stop_words = stop_words

    def fit(self, documents: Iterable[Sequence[str]], y: object = None) -> Self:
        """Learn the vocabulary.

        Raises:
            ValueError: If no token is left.
        """
        ranked = Counter(token for tokens in documents for token in tokens).most_common()
        kept = [
            token
            for token, count in ranked[self.drop_most_frequent :]
            if count >= self.min_count and token not in self.stop_words
        ]
        if not kept:
            raise ValueError(
                f"expected tokens that occur at least {self.min_count} times after the {self.drop_most_frequent} most "
                f"frequent, found none among {len(ranked)}; train on more spans, or lower min_count"
            )
        self.vocabulary_ = {token: column for column, token in enumerate(kept)}
        self.__dict__.pop("_known", None)
        return self

    def transform(self, documents: Iterable[Sequence[str]]) -> csr_matrix:
        """Counts, shape (number of token lists, size of the vocabulary).

        Raises:
            ValueError: If two tokens share a column or one has a column that there is not, as in a forged file.
        """
        documents = TokenLists.of(documents)
        columns = self._columns(documents.codebook)
        found = columns.take(documents.codes, mode="clip")
        known = TokenLists(documents.codebook, found, documents.ends).keep(found >= 0)
        shape = (len(known), len(self.vocabulary_))
        counts = csr_matrix((np.ones(len(known.codes), dtype=np.int64), known.codes, known.ends), shape)
        counts.sum_duplicates()
        return counts

    def _columns(self, codebook: Codebook) -> np.ndarray:
        """The column of each token of a codebook, -1 for those outside the vocabulary, as for all that come later."""
        known: tuple[Codebook, np.ndarray] | None = getattr(self, "_known", None)
        if known is None or known[0] is not codebook:
            if sorted(self.vocabulary_.values()) != list(range(len(self.vocabulary_))):
                raise ValueError(f"expected a vocabulary with the columns 0 to {len(self.vocabulary_) - 1}, each once")
            codes = codebook.encode(self.vocabulary_)
            columns = np.full(len(codebook) + 1, -1, dtype=np.int32)
            columns[codes] = np.fromiter(self.vocabulary_.values(), dtype=np.int32)
            self._known = known = (codebook, columns)
        return known[1]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_known"}

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """The tokens, in the order of the columns."""
        return np.array(list(self.vocabulary_), dtype=object)
