"""Token lists of many texts as one array, so that whole batches are handled at once."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from threading import Lock
from typing import Any, Self, overload

import numpy as np


class Codebook:
    """Numbers tokens from 0 on, in the order in which they are first met.

    Attributes:
        tokens: The tokens, each at its code.
    """

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self._codes: dict[str, int] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, tokens: Iterable[str]) -> np.ndarray:
        """The code of each token, new ones numbered."""
        tokens = list(tokens)
        codes = list(map(self._codes.get, tokens, repeat(-1)))
        if -1 in codes:
            with self._lock:
                codes = [self._add(token) for token in tokens]
        return np.array(codes, dtype=np.int32)

    def _add(self, token: str) -> int:
        code = self._codes.setdefault(token, len(self.tokens))
        if code == len(self.tokens):
            self.tokens.append(token)
        return code


class TokenLists(Sequence[list[str]]):
    """Token lists that read as lists of text, and are one array underneath.

    Args:
        codebook: What the codes mean.
        codes: Codes of all tokens, list after list, shape (number of tokens,).
        ends: Where each list ends, after a 0, shape (number of lists + 1,).

    Example:
        >>> TokenLists.of([["no", "pain"], []])[0]
        ['no', 'pain']
    """

    def __init__(self, codebook: Codebook, codes: np.ndarray, ends: np.ndarray) -> None:
        self.codebook = codebook
        self.codes = codes
        self.ends = ends

    @classmethod
    def of(cls, documents: Iterable[Sequence[str]], codebook: Codebook | None = None) -> "TokenLists":
        """The token lists, in a new codebook unless one is given; as they are if they are of this kind already."""
        if isinstance(documents, TokenLists):
            return documents
        codebook = Codebook() if codebook is None else codebook
        documents = list(documents)
        ends = np.zeros(len(documents) + 1, dtype=np.int64)
        np.cumsum([len(tokens) for tokens in documents], out=ends[1:])
        return cls(codebook, codebook.encode(token for tokens in documents for token in tokens), ends)

    def __len__(self) -> int:
        return len(self.ends) - 1

    @overload
    def __getitem__(self, index: int) -> list[str]: ...
    @overload
    def __getitem__(self, index: slice) -> "TokenLists": ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            begin, end, step = index.indices(len(self))
            if step != 1:
                return TokenLists.of([self[place] for place in range(begin, end, step)], self.codebook)
            ends = self.ends[begin : max(begin, end) + 1]
            return TokenLists(self.codebook, self.codes[ends[0] : ends[-1]], ends - ends[0])
        place = range(len(self))[index]
        tokens = self.codebook.tokens
        return [tokens[code] for code in self.codes[self.ends[place] : self.ends[place + 1]].tolist()]

    def __iter__(self) -> Iterator[list[str]]:
        return map(self.__getitem__, range(len(self)))

    def starts(self) -> np.ndarray:
        """Whether each token is the first of its list, shape (number of tokens,)."""
        starts = np.zeros(len(self.codes) + 1, dtype=bool)
        starts[self.ends] = True
        return starts[:-1]

    def keep(self, is_kept: np.ndarray) -> Self:
        """Without the tokens that are not kept, shape of `is_kept` (number of tokens,)."""
        before = np.zeros(len(self.codes) + 1, dtype=np.int64)
        np.cumsum(is_kept, out=before[1:])
        # `compress` is several times faster than indexing by flags.
        return type(self)(self.codebook, self.codes.compress(is_kept), before[self.ends])
