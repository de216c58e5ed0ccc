"""Remember what every chunk of text between blanks is cut into: few chunks of a note are new."""

from collections.abc import Callable, Sequence
from itertools import repeat
from threading import Lock

import numpy as np

from stigma_hf.baseline.negation import is_negation
from stigma_hf.baseline.token_lists import Codebook, TokenLists

DEPENDS = 0
"""Row of the chunks whose tokens depend on their neighbours; it is empty."""


class ChunkMemory:
    """The tokens of every chunk seen so far, as rows of a ragged table of codes.

    Args:
        cut: Gives the tokens of a chunk, or None if they depend on its neighbours.

    Attributes:
        codebook: What the codes mean.
    """

    def __init__(self, cut: Callable[[str], list[str] | None]) -> None:
        self.codebook = Codebook()
        self._cut = cut
        self._rows: dict[str, int] = {}
        self._codes = np.zeros(0, dtype=np.int32)
        self._ends = np.zeros(2, dtype=np.int64)
        self._negates = np.zeros(0, dtype=bool)
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, chunks: Sequence[str]) -> np.ndarray:
        """The row of each chunk, new ones cut and added; the chunks are all different."""
        rows = list(map(self._rows.get, chunks, repeat(-1)))
        if -1 in rows:
            with self._lock:
                self._learn([chunk for chunk in chunks if chunk not in self._rows])
            rows = [self._rows[chunk] for chunk in chunks]
        return np.array(rows, dtype=np.int64)

    def _learn(self, chunks: Sequence[str]) -> None:
        found = [self._cut(chunk) for chunk in chunks]
        new = TokenLists.of((tokens for tokens in found if tokens is not None), self.codebook)
        row = len(self._ends) - 1
        # Another thread may read: rows come last, when what they point to is there.
        self._codes = np.concatenate([self._codes, new.codes])
        self._ends = np.concatenate([self._ends, self._ends[-1] + new.ends[1:]])
        for chunk, tokens in zip(chunks, found, strict=True):
            self._rows[chunk] = DEPENDS if tokens is None else row
            row += tokens is not None

    def expand(self, rows: np.ndarray, chunks: np.ndarray, ends: np.ndarray) -> TokenLists:
        """The tokens of many texts.

        Args:
            rows: The rows of some chunks.
            chunks: The chunks of all texts, text after text, each by its place among the rows.
            ends: Where the chunks of each text end, after a 0.
        """
        starts = self._ends[rows]
        lengths = (self._ends[rows + 1] - starts).take(chunks)
        before = np.zeros(len(chunks) + 1, dtype=np.int64)
        np.cumsum(lengths, out=before[1:])
        places = np.arange(before[-1])
        places += np.repeat(starts.take(chunks) - before[:-1], lengths)
        return TokenLists(self.codebook, self._codes.take(places), before[ends])

    def negates(self) -> np.ndarray:
        """Whether each token of the codebook is a negation, shape (size of the codebook,)."""
        if new := self.codebook.tokens[len(self._negates) :]:
            self._negates = np.concatenate([self._negates, np.array([is_negation(token) for token in new])])
        return self._negates
