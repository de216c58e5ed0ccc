"""Which tokens of a window are the anchor's."""

from collections.abc import Sequence

_LONE_SPACES = ("\u2581", "\u0120")
"""Pieces that are only a tokenizer's mark of a space."""


def tokens_of_span(offsets: Sequence[tuple[int, int]], pieces: Sequence[str], span: tuple[int, int]) -> list[int]:
    """The places of the tokens that overlap a span of the text.

    Overlap, and not containment, is what is right for tokens that carry the space before a word. A piece that is only
    the mark of a space never belongs to a word, though at the start of a text it claims the word's first character.

    Args:
        offsets: Half-open character offsets of each token, empty for special tokens.
        pieces: The tokens as text.
        span: Half-open offsets into the text.

    Example:
        >>> tokens_of_span([(0, 0), (0, 3), (3, 9), (9, 11), (0, 0)], ["<s>", "she", "Ġrefus", "ed", "</s>"], (4, 11))
        [2, 3]
    """
    begin, stop = span
    return [
        place
        for place, (start, end) in enumerate(offsets)
        if begin < end and start < stop and start < end and pieces[place] not in _LONE_SPACES
    ]


def runs_of(anchor_ids: Sequence[int], input_ids: Sequence[int]) -> list[range]:
    """Where the word pieces of an anchor stand in a row, as the released toolkit looks for them.

    This also finds an anchor at the beginning of a longer word, and overlapping runs.

    Example:
        >>> runs_of([7, 8], [1, 7, 8, 9, 7, 8, 2])
        [range(1, 3), range(4, 6)]
    """
    width = len(anchor_ids)
    wanted = list(anchor_ids)
    last = len(input_ids) - width
    return [range(i, i + width) for i in range(last + 1) if width and input_ids[i : i + width] == wanted]


def nearest(occurrences: Sequence[Sequence[int]], place: int) -> Sequence[int]:
    """The occurrence that begins nearest to a place; the first of two equally near.

    Example:
        >>> nearest([range(1, 3), range(4, 6)], 3)
        range(4, 6)
    """
    return min(occurrences, key=lambda tokens: abs(tokens[0] - place))
