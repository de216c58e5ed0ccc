"""Rewrite a note into the cleaned form of the released toolkit and keep the way back to the original.

The published annotations and models live in cleaned notes: typing marks and HTML entities rewritten, everything
transliterated to ASCII, lower-cased, white space collapsed. A `CleanNote` holds a note halfway, rewritten but with
case and white space as they were, because every later stage can work on that *buffer* and few need the final text.
All offsets are half-open and count characters.
"""

import codecs
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from operator import itemgetter

import numpy as np
import re2
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
_HASHES = re2.compile(b"###")  # a quarter of the time that `in` takes for it
_ENTITIES = {"&gt;": b">", "&lt;": b"<", "&amp;": b" and ", "&#x20;": b" "}

# Python ignores case beyond ASCII: these four characters match the letters they fold to.
_FOLDS_TO_ASCII = {"\u0130": b"i", "\u0131": b"i", "\u212a": b"k", "\u017f": b"s"}


@cache
def _transliterate(character: str) -> bytes:
    """ASCII for one non-ASCII character; nothing for those that have none, lone surrogates included."""
    if character in "\u2022\xa0":
        return b" "
    return b"" if "\ud800" <= character <= "\udfff" else unidecode(character).encode("ascii")


def _one_byte(error: UnicodeError) -> tuple[bytes, int]:
    """One byte for each character beyond latin-1."""
    assert isinstance(error, UnicodeEncodeError)
    characters = error.object[error.start : error.end]
    return b"".join([_FOLDS_TO_ASCII.get(character, b"\xff") for character in characters]), error.end


codecs.register_error("stigma_hf.one_byte", _one_byte)


def one_byte_each(note: str) -> bytes:
    """A note as one byte per character: ASCII or what folds to it, and some byte from 128 on for all others."""
    return note.encode("latin-1", "stigma_hf.one_byte")


def _candidates(text: bytes) -> list[int]:
    """Where something to rewrite may begin, in order: beyond ASCII, at an `&`, and at a `#` if there are three."""
    found = [] if text.isascii() else np.flatnonzero(np.frombuffer(text, np.uint8) > 127).tolist()
    marks = b"&#" if b"#" in text and _HASHES.search(text) else b"&"
    begins = [place for mark in marks for place in _places_of(mark, text)]
    return sorted(found + begins) if begins else found


def _places_of(code: int, text: bytes) -> Iterator[int]:
    place = text.find(code)
    while place >= 0:
        yield place
        place = text.find(code, place + 1)


Span = tuple[int, int]
"""Where something begins and where it ends, exclusive."""


class CleanNote:
    """A note, its rewritten ASCII buffer, and the maps between original, buffer and cleaned offsets.

    Attributes:
        buffer: The note rewritten to ASCII, with its own case and white space; one byte per character.
        is_plain: Whether somebody has seen that `NOT_PLAIN` does not occur in the buffer.

    Args:
        note: The note as given.
        text: The note as `one_byte_each` gives it, if the caller has it.
        is_plain: Whether the caller has seen that `NOT_PLAIN` does not occur in it.
    """

    def __init__(self, note: str, text: bytes | None = None, is_plain: bool = False) -> None:
        # The released cleaning turns ' into " before it transliterates a curly apostrophe into '.
        text = (text or one_byte_each(note)).replace(b"'", b'"')
        self.is_plain = is_plain
        self._in_note: list[Span] = []  # what stands in the buffer with another length than in the note,
        self._in_buffer: list[Span] = []  # and where it stands there
        self.buffer = text if is_plain and note.isascii() else self._rewrite(note, text)

    def _rewrite(self, note: str, text: bytes) -> bytes:
        """Replace every construct and keep those that change the length."""
        parts: list[bytes] = []
        copied, shift = 0, 0  # how far the note is copied, and how much longer the buffer is up to there
        for start in _candidates(text):
            if start < copied:
                continue
            end = start + 1
            if text[start] > 127:
                replacement = _transliterate(note[start])
            elif construct := _CONSTRUCT.match(note, start):
                end = construct.end()
                replacement = _ENTITIES.get(construct.group(), b" ")
            else:
                continue
            parts.append(text[copied:start])
            parts.append(replacement)
            copied = end
            length = len(replacement)
            if not end - start == length == 1:
                self._in_note.append((start, end))
                self._in_buffer.append((start + shift, start + shift + length))
                shift += length - (end - start)
        parts.append(text[copied:])
        return b"".join(parts)

    @cached_property
    def text(self) -> str:
        """The cleaned note: what the released toolkit's cleaning and normalising make of it."""
        return fold(self.buffer)

    def from_cleaned(self, spans: Sequence[Span]) -> list[Span]:
        """The buffer offsets of spans of the cleaned text."""
        removed = np.flatnonzero(self._removed_blanks(len(self.buffer)))
        removals = removed - np.arange(len(removed))  # where in the cleaned text each removed blank would stand
        ends = np.array(spans, np.int64).reshape(-1, 2) - (0, 1)  # the first and the last character of each
        places = ends + removals.searchsorted(ends, side="right")
        return [(start, end + 1) for start, end in places.tolist()]

    def to_cleaned(self, spans: Sequence[Span]) -> list[Span]:
        """The offsets in the cleaned text of spans of the buffer: less the blanks that are removed before them.

        Args:
            spans: At least one; none begins or ends with white space. Any order is right, ascending order is fast.
        """
        is_removed = self._removed_blanks(max(spans)[0])
        cleaned = []
        counted, blanks = 0, 0
        for start, end in spans:
            if start < counted:
                counted, blanks = 0, 0
            blanks += int(np.count_nonzero(is_removed[counted:start]))
            counted = start
            clean_start = start - blanks
            word = self.buffer[start:end]
            length = end - start if word.isalnum() else len(fold(word))  # nearly all are a single word
            cleaned.append((clean_start, clean_start + length))
        return cleaned

    def _removed_blanks(self, end: int) -> np.ndarray:
        """Which of the first `end` characters of the buffer the collapsing of white space removes, shape (end,).

        Trailing white space keeps its first character here: nothing comes after it whose offset it could change.
        """
        text = b" " + self.buffer[:end]  # as if behind a blank, so that those at the beginning of the note go too
        if self.is_plain:
            is_blank = np.frombuffer(text, np.uint8) <= 0x20
        else:
            is_blank = np.frombuffer(text.translate(_IS_BLANK), np.bool_)
        return is_blank[1:] & is_blank[:-1]

    def to_note(self, span: Span) -> Span | None:
        """The original offsets of a span of the buffer.

        Returns:
            Offsets into the note; None if the span begins or ends inside the transliteration of one character, so
            that no slice of the note stands for it (`¥` is `y=`, so no slice of `angr¥` reads "angry").
        """
        if not self._in_note:
            return span
        start, end = note_start, note_end = span
        if (piece := _last(self._in_buffer, start)) is not None:
            piece_start, piece_end = self._in_buffer[piece]
            if start >= piece_end:
                note_start = self._in_note[piece][1] + start - piece_end
            elif self._is_blank(piece_start, start):
                note_start = self._in_note[piece][0]
            else:
                return None
        if (piece := _last(self._in_buffer, end - 1)) is not None:
            _, piece_end = self._in_buffer[piece]
            if end > piece_end:
                note_end = self._in_note[piece][1] + end - piece_end
            elif self._is_blank(end, piece_end):
                note_end = self._in_note[piece][1]
            else:
                return None
        return note_start, note_end

    def from_note(self, span: Span) -> Span:
        """The buffer offsets of a span of the note; a construct that it cuts into counts as its first character."""
        if not self._in_note:
            return span
        return self._from_note(span[0]), self._from_note(span[1] - 1) + 1

    def _from_note(self, offset: int) -> int:
        """The buffer offset of one character of the note."""
        piece = _last(self._in_note, offset)
        if piece is None:
            return offset
        _, piece_end = self._in_note[piece]
        start, end = self._in_buffer[piece]
        return start if offset < piece_end else end + offset - piece_end

    def _is_blank(self, start: int, end: int) -> bool:
        """Whether a span of the buffer holds white space at most."""
        return not self.buffer[start:end].translate(FOLD).strip()


def _last(spans: list[Span], offset: int) -> int | None:
    """Which of some spans is the last that begins at or before an offset."""
    index = bisect_right(spans, offset, key=itemgetter(0))
    return index - 1 if index else None


def clean_note(note: str) -> str:
    """The cleaned form of a note or of any piece of text.

    Equal to the released toolkit's `normalize(clean(text))` (Harrigian et al. 2023) in every recorded case.
    """
    may_have_construct = "&" in note or "#" in note
    if note.isascii() and not (may_have_construct and _CONSTRUCT.search(note)):
        return fold(note.replace("'", '"').encode())
    return CleanNote(note).text


def fold(buffer: bytes) -> str:
    """A buffer in lower case with its white space collapsed and stripped."""
    return b" ".join(buffer.translate(FOLD).split()).decode("ascii")
