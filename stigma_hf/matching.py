"""Find the anchors of a lexicon in text: whole words, ignoring case, task by task.

Two matchers with one interface. `FastMatcher` scans bytes once for all tasks with RE2; it serves every regular
lexicon, the default one included. `PlainMatcher` scans text once per task with `re`; it serves lexicons whose anchors
may overlap or hold more than ASCII words. Both find exactly what the released search finds.
"""

import codecs
import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple, Protocol

import re2

from stigma_hf.cleaning import FOLD, NOT_PLAIN, CleanNote, clean_note
from stigma_hf.lexicon import Lexicon

_BLANK_RUN = r"[ \t\n\r\x0b\x0c\x1c-\x1f\x14]+"

# Python ignores case beyond ASCII: these four characters match the letters they fold to.
_FOLDS_TO_ASCII = {"\u0130": b"i", "\u0131": b"i", "\u212a": b"k", "\u017f": b"s"}


class Found(NamedTuple):
    """An anchor at a half-open place of the scanned text."""

    task: str
    anchor: str
    start: int
    end: int


class Matcher(Protocol):
    """Finds the anchors of a lexicon, tasks in lexicon order, then by position."""

    def in_cleaned(self, note: str) -> tuple[CleanNote, list[Found]]:
        """The cleaned note, and the anchors in it by their offsets in its buffer."""

    def in_original(self, note: str) -> tuple[CleanNote, list[Found]]:
        """The cleaned note, and the anchors in the original note by their offsets there."""


class FastMatcher:
    """One RE2 scan for all tasks.

    The same scan finds what makes a note not plain, so that a plain one, as most are, is read only once.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._named = {a.lower().encode(): (task, a) for task, anchors in lexicon.anchors.items() for a in anchors}
        self._order = {task: i for i, task in enumerate(lexicon.anchors)}
        options = re2.Options()
        options.case_sensitive = False
        options.encoding = re2.Options.Encoding.LATIN1
        words = "|".join(re.escape(anchor.decode()) for anchor in self._named)
        spaced = words.replace(r"\ ", _BLANK_RUN)
        self._cleaned_pattern = re2.compile(rf"\b(?:{spaced})\b|{NOT_PLAIN}".encode(), options)
        self._original_pattern = re2.compile(rf"\b(?:{words})\b|{NOT_PLAIN}".encode(), options)

    def in_cleaned(self, note: str) -> tuple[CleanNote, list[Found]]:  # noqa: D102 - see Matcher
        if note.isascii():
            found, is_plain = self._scan(self._cleaned_pattern, note.encode())
            if is_plain:
                return CleanNote(note, is_plain=True), found
        clean = CleanNote(note)
        return clean, self._scan(self._cleaned_pattern, clean.buffer)[0]

    def in_original(self, note: str) -> tuple[CleanNote, list[Found]]:  # noqa: D102 - see Matcher
        found, is_plain = self._scan(self._original_pattern, note.encode("ascii", "stigma_hf.stand_in"))
        return CleanNote(note, is_plain=is_plain and note.isascii()), found

    def _scan(self, pattern: re2._Regexp, text: bytes) -> tuple[list[Found], bool]:
        """The anchors in task order, and whether there was nothing else."""
        found, is_plain = [], True
        for match in pattern.finditer(text):
            start, end = match.span()
            word = text[start:end]
            named = self._named.get(word) or self._named.get(b" ".join(word.translate(FOLD).split()))
            if named is None:
                is_plain = False
            else:
                found.append(Found(*named, start, end))
        if len(found) > 1:
            found.sort(key=lambda match: self._order[match.task])
        return found, is_plain


class PlainMatcher:
    """One `re` scan per task, anchors tried in the order of the lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._anchors = lexicon.anchors
        self._cleaned_patterns = {task: _alternation(map(clean_note, a)) for task, a in lexicon.anchors.items()}
        self._original_patterns = {task: _alternation(a) for task, a in lexicon.anchors.items()}

    def in_cleaned(self, note: str) -> tuple[CleanNote, list[Found]]:  # noqa: D102 - see Matcher
        clean = CleanNote(note)
        found = self._scan(self._cleaned_patterns, clean.text)
        return clean, [Found(task, anchor, *clean.from_cleaned(start, end)) for task, anchor, start, end in found]

    def in_original(self, note: str) -> tuple[CleanNote, list[Found]]:  # noqa: D102 - see Matcher
        return CleanNote(note), self._scan(self._original_patterns, note)

    def _scan(self, patterns: dict[str, re.Pattern[str]], text: str) -> list[Found]:
        return [
            Found(task, self._anchors[task][(match.lastindex or 1) - 1], *match.span())
            for task, pattern in patterns.items()
            for match in pattern.finditer(text)
        ]


def _alternation(anchors: Iterable[str]) -> re.Pattern[str]:
    """A pattern in which every anchor is a group with word boundaries of its own."""
    return re.compile("|".join(rf"\b({re.escape(anchor)})\b" for anchor in anchors), re.IGNORECASE)


@cache
def _stand_in_character(character: str) -> bytes:
    return _FOLDS_TO_ASCII.get(character) or (b"_" if character.isalnum() else b"\0")


def _stand_in(error: UnicodeError) -> tuple[bytes, int]:
    """One ASCII byte per character: what it folds to, else `_` for a word character and NUL for any other."""
    assert isinstance(error, UnicodeEncodeError)
    characters = error.object[error.start : error.end]
    return b"".join(map(_stand_in_character, characters)), error.end


codecs.register_error("stigma_hf.stand_in", _stand_in)
