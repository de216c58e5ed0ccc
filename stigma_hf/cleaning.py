"""Rewrite a note into the cleaned form of the released toolkit and keep the way back to the original.

The published annotations and models live in cleaned notes: typing marks and HTML entities rewritten, everything
transliterated to ASCII, lower-cased, white space collapsed. A `CleanNote` holds a note halfway, rewritten but with
case and white space as they were, because every later stage can work on that *buffer* and few need the final text.
All offsets are half-open and count characters.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, cached_property
from operator import attrgetter
from typing import NamedTuple, Protocol

import numpy as np
from unidecode import unidecode

BLANKS = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x14"
"""ASCII characters that the released cleaning turns into white space."""

FOLD = bytes(0x20 if chr(i) in BLANKS else ord(chr(i).lower()) if i < 128 else i for i in range(256))
"""Translation table of a buffer: lower case, every blank a space."""

_IS_BLANK = bytes(chr(i) in BLANKS for i in range(256))

# A note from an Excel export may say "### invalid font number 7". The released cleaning removes it, whichever of these
# stood for the single spaces inside it, and as one step of several: outside of it they are ordinary blanks.
_GAP = "(?:\xa0 ?|&#x20;|[ \x1c\x1d\x14])"
NOT_PLAIN = r"&(?:gt|lt|amp|#x20);|###|[\x00-\x08\x0e-\x13\x15-\x1b]"
"""Pattern found in every ASCII note that is not plain: it has something to rewrite, or controls that are no blanks."""

_CONSTRUCT = re.compile(rf"&(?:gt|lt|amp|#x20);|###{_GAP}invalid{_GAP}font{_GAP}number{_GAP}[0-9]+")
_ENTITIES = {"&gt;": ">", "&lt;": "<", "&amp;": " and ", "&#x20;": " "}


@cache
def _transliterate(character: str) -> str:
    """ASCII for one non-ASCII character; nothing for those that have none, lone surrogates included."""
    if character in "\u2022\xa0":
        return " "
    return "" if "\ud800" <= character <= "\udfff" else unidecode(character)


def _candidates(text: str) -> list[int]:
    """Where a rewritten construct may begin: at a non-ASCII character, an entity's first two, or two hash signs."""
    try:
        codes = np.frombuffer(text.encode("latin-1"), dtype=np.uint8)
    except UnicodeEncodeError:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    begins = codes > 127
    first, second = codes[:-1], codes[1:]
    is_hash = second == ord("#")
    in_entity = (second == ord("g")) | (second == ord("l")) | (second == ord("a")) | is_hash
    begins[:-1] |= ((first == ord("&")) & in_entity) | ((first == ord("#")) & is_hash)
    return np.flatnonzero(begins).tolist()


class Span(NamedTuple):
    """A half-open span of characters."""

    start: int
    end: int


class _Place(Protocol):
    """Anything with a start and an end."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class _Piece(NamedTuple):
    """A construct of the note that stands in the buffer with another length."""

    note_start: int
    note_end: int
    buffer_start: int
    buffer_end: int


class CleanNote:
    """A note, its rewritten ASCII buffer, and the maps between original, buffer and cleaned offsets.

    Attributes:
        buffer: The note rewritten to ASCII, with its own case and white space; one byte per character.

    Args:
        note: The note as given.
        is_plain: Whether the caller has seen that the note is ASCII and `NOT_PLAIN` does not occur in it.
    """

    def __init__(self, note: str, is_plain: bool = False) -> None:
        # The released cleaning turns ' into " before it transliterates a curly apostrophe into '.
        text = note.replace("'", '"')
        self._is_plain = is_plain
        self._pieces: list[_Piece] = []
        self.buffer = text.encode() if is_plain else self._rewrite(text)

    def _rewrite(self, text: str) -> bytes:
        """Replace every construct and keep those that change the length."""
        parts: list[str] = []
        copied, length = 0, 0
        for start in _candidates(text):
            if start < copied:
                continue
            character, end = text[start], start + 1
            if character > "\x7f":
                replacement = _transliterate(character)
            elif construct := _CONSTRUCT.match(text, start):
                end = construct.end()
                replacement = _ENTITIES.get(construct.group(), " ")
            else:
                continue
            parts += (text[copied:start], replacement)
            length += start - copied
            copied = end
            if not end - start == len(replacement) == 1:
                self._pieces.append(_Piece(start, end, length, length + len(replacement)))
            length += len(replacement)
        parts.append(text[copied:])
        return "".join(parts).encode("ascii")

    @property
    def is_shifted(self) -> bool:
        """Whether offsets in the buffer differ from those in the note."""
        return bool(self._pieces)

    @cached_property
    def text(self) -> str:
        """The cleaned note: what the released toolkit's cleaning and normalising make of it."""
        return fold(self.buffer)

    @cached_property
    def _kept(self) -> np.ndarray:
        """Buffer offset of each character of the cleaned text, shape (len(text),) or one more."""
        return np.flatnonzero(~self._removed_blanks(len(self.buffer)))

    def from_cleaned(self, clean_start: int, clean_end: int) -> Span:
        """The buffer offsets of a span of the cleaned text."""
        return Span(int(self._kept[clean_start]), int(self._kept[clean_end - 1]) + 1)

    def to_cleaned(self, places: Sequence[_Place]) -> list[Span]:
        """The offsets in the cleaned text of spans of the buffer: less the blanks that are removed before them.

        Args:
            places: Spans that neither begin nor end with white space. Any order is right, ascending order is fast.
        """
        if not places:
            return []
        removed = self._removed_blanks(max([place.end for place in places]))
        spans = []
        counted, blanks = 0, 0
        for place in places:
            if place.start < counted:
                counted, blanks = 0, 0
            blanks += int(np.count_nonzero(removed[counted : place.start]))
            inside = int(np.count_nonzero(removed[place.start : place.end]))
            spans.append(Span(place.start - blanks, place.end - blanks - inside))
            blanks += inside
            counted = place.end
        return spans

    def _removed_blanks(self, end: int) -> np.ndarray:
        """Which of the first `end` characters of the buffer the collapsing of white space removes.

        Trailing white space keeps its first character here: nothing comes after it whose offset it could change.
        """
        if self._is_plain:
            is_blank = np.frombuffer(self.buffer, dtype=np.uint8, count=end) <= 0x20
        else:
            is_blank = np.frombuffer(self.buffer[:end].translate(_IS_BLANK), dtype=bool)
        removed = np.empty_like(is_blank)
        removed[:1] = is_blank[:1]
        np.logical_and(is_blank[1:], is_blank[:-1], out=removed[1:])
        return removed

    def to_note(self, start: int, end: int) -> Span | None:
        """The original offsets of a span of the buffer.

        Returns:
            Offsets into the note; None if the span begins or ends inside the transliteration of one character, so
            that no slice of the note stands for it (`¥` is `y=`, so no slice of `angr¥` reads "angry").
        """
        if not self._pieces:
            return Span(start, end)
        note_start, note_end = start, end
        if piece := self._last_piece("buffer_start", start):
            if start >= piece.buffer_end:
                note_start = piece.note_end + start - piece.buffer_end
            elif self._is_blank(piece.buffer_start, start):
                note_start = piece.note_start
            else:
                return None
        if piece := self._last_piece("buffer_start", end - 1):
            if end > piece.buffer_end:
                note_end = piece.note_end + end - piece.buffer_end
            elif self._is_blank(end, piece.buffer_end):
                note_end = piece.note_end
            else:
                return None
        return Span(note_start, note_end)

    def from_note(self, start: int, end: int) -> Span:
        """The buffer offsets of a span of the note; a construct that it cuts into counts as its first character."""
        return Span(self._from_note(start), self._from_note(end - 1) + 1)

    def _from_note(self, offset: int) -> int:
        """The buffer offset of one character of the note."""
        piece = self._last_piece("note_start", offset)
        if piece is None:
            return offset
        if offset < piece.note_end:
            return piece.buffer_start
        return piece.buffer_end + offset - piece.note_end

    def _last_piece(self, frame: str, offset: int) -> _Piece | None:
        """The last piece that begins at or before an offset."""
        index = bisect_right(self._pieces, offset, key=attrgetter(frame))
        return self._pieces[index - 1] if index else None

    def _is_blank(self, start: int, end: int) -> bool:
        """Whether a span of the buffer holds white space at most."""
        return not self.buffer[start:end].translate(FOLD).strip()


def clean_note(note: str) -> str:
    """The cleaned form of a note or of any piece of text.

    Equal to the released toolkit's `normalize(clean(text))` (Harrigian et al. 2023) in every recorded case.
    """
    if note.isascii() and "&" not in note and "#" not in note:
        return fold(note.replace("'", '"').encode())
    return CleanNote(note).text


def fold(buffer: bytes) -> str:
    """A buffer in lower case with its white space collapsed and stripped."""
    return b" ".join(buffer.translate(FOLD).split()).decode("ascii")
