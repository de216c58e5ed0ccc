"""From context windows to token ids and anchor masks."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.anchor_mask import nearest, runs_of, tokens_of_span
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.encoder_kinds import longest_input

logger = logging.getLogger(__name__)

_FEWEST_TOKENS = 20
"""A vocabulary with fewer is that of a tokenizer whose files are missing: transformers then makes an empty one."""


@dataclass(frozen=True, slots=True)
class EncodedWindow:
    """A window as an encoder reads it.

    Attributes:
        input_ids: Token ids, special tokens included.
        anchor_tokens: Places of the tokens that `anchor` pooling averages; empty for other poolings.
        special_tokens: Places of the special tokens.
    """

    input_ids: list[int]
    anchor_tokens: list[int]
    special_tokens: list[int]


class WindowTokenizer:
    """Encodes windows for a model, always with the anchor in sight.

    Args:
        tokenizer: A fast tokenizer.
        config: The model's configuration.

    Raises:
        ValueError: If the tokenizer cannot be used, or is not that of the encoder.
    """

    def __init__(self, tokenizer: Any, config: AnchorPooledConfig) -> None:
        check_tokenizer(tokenizer)
        known = config.encoder_config.vocab_size
        if len(tokenizer) > known:
            raise ValueError(
                f"expected the tokenizer of the encoder, which knows {known:,} tokens, found one of "
                f"{len(tokenizer):,}; load both from one folder"
            )
        self._tokenizer = tokenizer
        self._config = config
        self.max_length_tokens = max_length_tokens(tokenizer, config)
        self._pieces_of = lru_cache(maxsize=1024)(self._word_pieces)

    def encode(self, windows: Sequence[ContextWindow], places: Sequence[int] | None = None) -> list[EncodedWindow]:
        """The windows as token ids and masks, in order.

        A window that is too long loses tokens on both sides of its anchor; how many windows did is logged.

        Args:
            windows: What to encode.
            places: What to call each window in an error; its place among the windows when None.

        Raises:
            ValueError: If a window has no tokens to pool, or its anchor does not fit; the message names the item.
        """
        encoded = []
        shortened = 0
        for i, (window, row) in enumerate(zip(windows, self._rows(windows), strict=True)):
            try:
                encoded.append(self._encode(window, row))
            except ValueError as error:
                raise ValueError(f"item {places[i] if places else i} (task {window.task}): {error}") from error
            shortened += len(encoded[-1].input_ids) < len(row.ids)
        if shortened:
            logger.warning(
                "%d of %d windows were longer than %d tokens and were cut on both sides of the anchor",
                shortened,
                len(windows),
                self.max_length_tokens,
            )
        return encoded

    def _rows(self, windows: Sequence[ContextWindow]) -> Iterator[Any]:
        """The tokenizer's own record of each window: ids, offsets, tokens, special_tokens_mask."""
        if not windows:
            return iter(())
        texts = [window.context for window in windows]
        # The records hold offsets and masks anyway; asking for them would have them copied into lists.
        unasked = {"return_attention_mask": False, "return_token_type_ids": False}
        return iter(self._tokenizer(texts, truncation=False, verbose=False, **unasked).encodings)

    def _encode(self, window: ContextWindow, row: Any) -> EncodedWindow:
        ids = row.ids
        special = [place for place, is_special in enumerate(row.special_tokens_mask) if is_special]
        occurrences = self._occurrences(window, row) if self._config.pooling == "anchor" else []
        anchor = sorted({place for occurrence in occurrences for place in occurrence})
        if self._config.pooling == "anchor" and not anchor:
            raise ValueError(
                f"expected the anchor {window.anchor!r} in its context, found none of its tokens; check that anchor "
                "and context belong together"
            )
        if len(special) == len(ids) and (self._config.pooling == "mean" or not ids):
            raise ValueError("expected a context with words to pool, found an empty one")
        if len(ids) <= self.max_length_tokens:
            return EncodedWindow(ids, anchor, special)
        kept = self._kept_tokens(len(ids), special, self._middle_of(window, row, occurrences))
        place_of = {old: new for new, old in enumerate(kept)}
        return EncodedWindow(
            [ids[place] for place in kept],
            [place_of[place] for place in anchor if place in place_of],
            [place_of[place] for place in special],
        )

    def _occurrences(self, window: ContextWindow, row: Any) -> Sequence[Sequence[int]]:
        """The tokens of each occurrence of the anchor that the configuration asks for."""
        if self._config.occurrences in ("matched", "all"):
            spans = {window.matched()} | set(window.occurrences() if self._config.occurrences == "all" else ())
            found = [tokens_of_span(row.offsets, row.tokens, span) for span in spans if span]
            return sorted(tokens for tokens in found if tokens)
        runs = runs_of(self._pieces_of(window.anchor), row.ids)
        if runs and self._config.occurrences == "middle-word-pieces":
            return [nearest(runs, len(row.ids) // 2)]
        return runs

    def _matched_tokens(self, window: ContextWindow, row: Any) -> list[int]:
        """The tokens of the occurrence that the window was cut around; none if the anchor does not occur."""
        matched = window.matched()
        return tokens_of_span(row.offsets, row.tokens, matched) if matched else []

    def _middle_of(self, window: ContextWindow, row: Any, occurrences: Sequence[Sequence[int]]) -> Sequence[int]:
        """The tokens that must stay when a window is cut: the pooled occurrence nearest to the matched one."""
        matched = self._matched_tokens(window, row)
        return nearest(occurrences, matched[0] if matched else len(row.ids) // 2) if occurrences else matched

    def _word_pieces(self, anchor: str) -> list[int]:
        return list(self._tokenizer(anchor, add_special_tokens=False)["input_ids"])

    def _kept_tokens(self, length: int, special: Sequence[int], middle: Sequence[int]) -> list[int]:
        """The tokens of a window that is too long which stay: special ones, some in the middle, and those around them.

        Without any in the middle those at the beginning stay.
        """
        words = sorted(set(range(length)) - set(special))
        room = self.max_length_tokens - len(special)
        begin, end = (words.index(middle[0]), words.index(middle[-1]) + 1) if middle else (0, 0)
        if room < max(1, end - begin):
            raise ValueError(
                f"expected an anchor that fits in {self.max_length_tokens} tokens, found {end - begin} of its own and "
                f"{len(special)} special ones; raise max_length_tokens"
            )
        first = max(0, min(begin - (room - (end - begin)) // 2, len(words) - room))
        return sorted([*special, *words[first : first + room]])


def check_tokenizer(tokenizer: Any) -> None:
    """Refuse a tokenizer that cannot encode windows.

    Raises:
        ValueError: If it is none, cannot tell where in the text a token comes from, has no vocabulary, or cannot pad.
    """
    if tokenizer is None:
        raise ValueError("expected the tokenizer of the model, found none; save it to the model's folder")
    if not getattr(tokenizer, "is_fast", False):
        kind = type(tokenizer).__name__
        raise ValueError(f"expected a fast tokenizer, which knows the offsets of its tokens, found {kind}")
    if len(tokenizer) < _FEWEST_TOKENS:
        raise ValueError(
            f"expected a tokenizer with a vocabulary, found one of {len(tokenizer)} tokens; its files are missing, as "
            "tokenizer.json: save the tokenizer to the model's folder"
        )
    if tokenizer.pad_token_id is None:
        raise ValueError("expected a tokenizer with a padding token, found one without; set its pad_token")


def max_length_tokens(tokenizer: Any, config: AnchorPooledConfig) -> int:
    """The longest window that configuration, tokenizer and encoder allow, in tokens, special ones included."""
    limits = [config.max_length_tokens, tokenizer.model_max_length, longest_input(config.encoder_config)]
    return int(min(limit for limit in limits if limit is not None))


def pad(rows: Sequence[EncodedWindow], pad_id: int) -> dict[str, np.ndarray]:
    """The arrays of a batch, each of shape (rows, tokens of the longest), padded on the right.

    Returns:
        `input_ids`, `attention_mask`, `anchor_mask` and `special_tokens_mask`, all int64.
    """
    shape = (len(rows), max(len(row.input_ids) for row in rows))
    batch = {
        name: np.zeros(shape, dtype=np.int64) for name in ("attention_mask", "anchor_mask", "special_tokens_mask")
    }
    ids = np.full(shape, pad_id, dtype=np.int64)
    for i, row in enumerate(rows):
        length = len(row.input_ids)
        ids[i, :length] = row.input_ids
        batch["attention_mask"][i, :length] = 1
        batch["anchor_mask"][i, row.anchor_tokens] = 1
        batch["special_tokens_mask"][i, row.special_tokens] = 1
    return {"input_ids": ids, **batch}
