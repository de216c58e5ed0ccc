"""Tokens of a text as the published baselines see them."""

import string
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self, get_args

import numpy as np
import pyarrow as pa

from stigma_hf.baseline.chunk_memory import DEPENDS, ChunkMemory
from stigma_hf.baseline.negation import join_all_negations, join_negations
from stigma_hf.baseline.segmentation import segmenter
from stigma_hf.baseline.stateless import StatelessTransformer
from stigma_hf.baseline.token_lists import TokenLists

Treatment = Literal["drop", "replace", "keep"]

NUMBER = "<NUM>"
PUNCTUATION = "<PUNC>"
_MAX_REMEMBERED_CHUNKS = 200_000


class ClinicalTokenizer(StatelessTransformer):
    """Turns texts into lists of tokens; a scikit-learn transformer that learns nothing.

    Pieces come from `stigma_hf.baseline.segmentation`. A negation (`not`, or what ends in `n't`) is joined to the
    token after it: `not compliant` gives `not_compliant`. What a chunk of text between blanks gives is remembered,
    since few chunks are new; the memory is never saved.

    Args:
        numbers: What becomes of tokens with a digit: `drop`, `replace` by `<NUM>`, or `keep`.
        punctuation: What becomes of tokens of ASCII punctuation alone: `drop`, `replace` by `<PUNC>`, or `keep`.
        join_negations: Whether a negation is joined to the token after it; one at the end is dropped then.
        lowercase: Whether tokens are lower-cased.

    Example:
        >>> ClinicalTokenizer().tokenize("Pt did NOT refuse 2 meds.")
        ['pt', 'did', 'not_refuse', 'meds']
    """

    def __init__(
        self,
        numbers: Treatment = "drop",
        punctuation: Treatment = "drop",
        join_negations: bool = True,
        lowercase: bool = True,
    ) -> None:
        self.numbers = numbers
        self.punctuation = punctuation
        self.join_negations = join_negations
        self.lowercase = lowercase

    def fit(self, texts: Iterable[str], y: object = None) -> Self:
        """Check the settings; there is nothing to learn.

        Raises:
            ValueError: If a setting is none of its choices.
        """
        for name in ("numbers", "punctuation"):
            if getattr(self, name) not in get_args(Treatment):
                choices = ", ".join(get_args(Treatment))
                raise ValueError(f"expected {name} among {choices}, found {getattr(self, name)!r}")
        return self

    def tokenize(self, text: str) -> list[str]:
        """The tokens of one text."""
        tokens = self._finish(segmenter().pieces(text))
        return join_negations(tokens) if self.join_negations else tokens

    def transform(self, texts: Iterable[str]) -> TokenLists:
        """The tokens of each text, as `tokenize` gives them."""
        texts = list(texts)
        memory = self._memory()
        try:
            joined = pa.array(texts, pa.large_string())
        except UnicodeEncodeError:
            # Half a surrogate pair is no text to Arrow.
            return TokenLists.of(map(self.tokenize, texts), memory.codebook)
        chunks, ends = _cut_at_blanks(joined)
        encoded = chunks.dictionary_encode()
        rows, places = memory.rows(encoded.dictionary.to_pylist()), encoded.indices.to_numpy()
        tokens = memory.expand(rows, places, ends)
        if (rows == DEPENDS).any():
            tokens = self._replace_dependent(texts, tokens, np.flatnonzero(rows[places] == DEPENDS), ends)
        return join_all_negations(tokens, memory.negates()) if self.join_negations else tokens

    def _memory(self) -> ChunkMemory:
        memory: ChunkMemory | None = getattr(self, "_chunks", None)
        if memory is None or len(memory) > _MAX_REMEMBERED_CHUNKS:
            self._chunks = memory = ChunkMemory(self._cut_chunk)
        return memory

    def _finish(self, pieces: Sequence[str]) -> list[str]:
        """Pieces as tokens: cased, without white space, punctuation and numbers dropped or replaced."""
        tokens = []
        for piece in pieces:
            token = piece.lower() if self.lowercase else piece
            if not token.strip(string.punctuation):
                treatment, stand_in = self.punctuation, PUNCTUATION
            elif any(map(str.isdigit, token)):
                treatment, stand_in = self.numbers, NUMBER
            else:
                treatment, stand_in = "keep", ""
            if treatment == "drop" or token.isspace():
                continue
            tokens.append(stand_in if treatment == "replace" else token)
        return tokens

    def _cut_chunk(self, chunk: str) -> list[str] | None:
        """The tokens of a chunk wherever it stands; None if they depend on the chunks around it."""
        tokens: list[str] = []
        for part in chunk.split():
            pieces = segmenter().chunk_pieces(part)
            if pieces is None:
                return None
            tokens += self._finish(pieces)
        return tokens

    def _replace_dependent(
        self, texts: Sequence[str], tokens: TokenLists, dependent: np.ndarray, chunk_ends: np.ndarray
    ) -> TokenLists:
        """Cut the texts with a chunk that depends on its neighbours as a whole."""
        places = np.unique(np.searchsorted(chunk_ends, dependent, side="right") - 1)
        is_kept = np.ones(len(tokens.codes), dtype=bool)
        for place in places:
            is_kept[tokens.ends[place] : tokens.ends[place + 1]] = False
        others = tokens.keep(is_kept)
        whole = TokenLists.of((self._finish(segmenter().pieces(texts[i])) for i in places), tokens.codebook)
        lengths = np.zeros(len(texts), dtype=np.int64)
        lengths[places] = np.diff(whole.ends)
        codes = np.insert(others.codes, np.repeat(others.ends[:-1], lengths), whole.codes)
        return TokenLists(tokens.codebook, codes, others.ends + np.concatenate([[0], np.cumsum(lengths)]))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_chunks"}


def _cut_at_blanks(texts: pa.LargeStringArray) -> tuple[pa.LargeStringArray, np.ndarray]:
    """The chunks of all texts, each with the blank that ends it, and where those of each text end, after a 0."""
    _, offsets, characters = texts.buffers()
    text_starts = np.frombuffer(offsets, dtype=np.int64)[: len(texts) + 1]
    is_start = np.zeros(text_starts[-1] + 1, dtype=bool)
    is_start[1:] = np.frombuffer(characters or b"", dtype=np.uint8)[: text_starts[-1]] == ord(" ")
    is_start[text_starts] = True
    starts = np.flatnonzero(is_start)
    chunks = pa.LargeStringArray.from_buffers(len(starts) - 1, pa.py_buffer(starts), characters)
    return chunks, np.searchsorted(starts, text_starts)
