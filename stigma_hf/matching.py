"""Find the anchors of a lexicon in text: whole words, ignoring case, task by task.

Two matchers with one interface. `FastMatcher` scans bytes once for all tasks with RE2; it serves nearly every regular
lexicon, the default one included. `PlainMatcher` scans text once per task with `re`; it serves lexicons whose anchors
may overlap or hold more than ASCII words. Both find exactly what the released search finds.
"""

import re
from collections.abc import Collection, Iterable
from typing import Protocol

import re2

from stigma_hf.cleaning import FOLD, NOT_PLAIN, CleanNote, Span, clean_note, one_byte_each
from stigma_hf.lexicon import Lexicon

_BLANK_RUN = r"[ \t\n\r\x0b\x0c\x1c-\x1f\x14]+"

# Looking at so many places is faster than a scan.
_FEW = 3

Occurrence = tuple[str, str, Span]
"""The task, the anchor, and where it stands in the scanned text."""

Found = tuple[str, str, Span, Span]
"""The same, and where it stands in the cleaned text."""

Result = tuple[CleanNote, list[Found]]


class Matcher(Protocol):
    """Finds the anchors of a lexicon, tasks in lexicon order, then by position.

    Each method answers None where there are none, so that such a note is not cleaned in vain.
    """

    def in_cleaned(self, note: str) -> Result | None:
        """The cleaned note, and the anchors in it by their offsets in its buffer."""

    def at_places(self, note: str, places: Collection[Span]) -> Result | None:
        """As `in_cleaned`, the anchors at some places of the cleaned text alone."""

    def in_original(self, note: str) -> Result | None:
        """The cleaned note, and the anchors in the original note by their offsets there."""


def matcher_for(lexicon: Lexicon) -> Matcher:
    """The fastest matcher that serves a lexicon."""
    words = {
        word for anchors in lexicon.anchors.values() for anchor in anchors for word in re.split("[ -]", anchor.lower())
    }
    # The fast one steps over entities, and so over an anchor inside one.
    is_in_entity = not words.isdisjoint({"gt", "lt", "amp", "x20"})
    return FastMatcher(lexicon) if lexicon.is_regular and not is_in_entity else PlainMatcher(lexicon)


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

    def in_cleaned(self, note: str) -> Result | None:  # noqa: D102 - see Matcher
        if note.isascii():
            text = note.encode()
            occurrences, is_plain = self._scan(self._cleaned_pattern, text)
            if is_plain:
                return _located(CleanNote(note, text, is_plain=True), occurrences) if occurrences else None
        clean = CleanNote(note)
        occurrences, clean.is_plain = self._scan(self._cleaned_pattern, clean.buffer)
        return _located(clean, occurrences) if occurrences else None

    def at_places(self, note: str, places: Collection[Span]) -> Result | None:  # noqa: D102 - see Matcher
        if len(places) > _FEW:
            return _among(self.in_cleaned(note), places)
        # As no two anchors of a regular lexicon overlap, whatever stands at a place is what a scan finds there.
        clean = CleanNote(note)
        found = [found for place in sorted(places) if (found := self._at_place(clean, place))]
        found.sort(key=self._rank)
        return (clean, found) if found else None

    def _at_place(self, clean: CleanNote, place: Span) -> Found | None:
        """The anchor at a place of the cleaned text."""
        # In the buffer it is as far on as in the cleaned text, or further by the blanks that are removed before it.
        for match in self._cleaned_pattern.finditer(clean.buffer, place[0]):
            span = match.span()
            (clean_span,) = clean.to_cleaned([span])
            if clean_span >= place:
                named = self._name(clean.buffer[slice(*span)])
                return (*named, span, place) if named and clean_span == place else None
        return None

    def in_original(self, note: str) -> Result | None:  # noqa: D102 - see Matcher
        text = one_byte_each(note)
        occurrences, is_plain = self._scan(self._original_pattern, text)
        if not note.isascii():
            # To RE2 every byte beyond ASCII ends a word. What is glued to a letter there is no match, and hides none,
            # because no two anchors of a regular lexicon can overlap.
            occurrences = [found for found in occurrences if not _is_glued(note, *found[2])]
        return _located_in_original(CleanNote(note, text, is_plain), occurrences) if occurrences else None

    def _scan(self, pattern: re2._Regexp, text: bytes) -> tuple[list[Occurrence], bool]:
        """The anchors in task order, and whether there was nothing else."""
        found: list[Occurrence] = []
        is_plain = True
        for match in pattern.finditer(text):
            start, end = span = match.span()
            if named := self._name(text[start:end]):
                found.append((*named, span))
            else:
                is_plain = False
        if len(found) > 1:
            found.sort(key=self._rank)
        return found, is_plain

    def _name(self, word: bytes) -> tuple[str, str] | None:
        """The task and the anchor of a word of the text; None if it is another construct that the patterns find."""
        return self._named.get(word) or self._named.get(b" ".join(word.translate(FOLD).split()))

    def _rank(self, found: Occurrence | Found) -> int:
        """The rank of the task of an anchor."""
        return self._order[found[0]]


class PlainMatcher:
    """One `re` scan per task, anchors tried in the order of the lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._anchors = lexicon.anchors
        self._cleaned_patterns = {task: _alternation(map(clean_note, a)) for task, a in lexicon.anchors.items()}
        self._original_patterns = {task: _alternation(a) for task, a in lexicon.anchors.items()}

    def in_cleaned(self, note: str) -> Result | None:  # noqa: D102 - see Matcher
        clean = CleanNote(note)
        occurrences = self._scan(self._cleaned_patterns, clean.text)
        places = [place for _, _, place in occurrences]
        spans = clean.from_cleaned(places)
        found = [(task, anchor, span, place) for (task, anchor, place), span in zip(occurrences, spans, strict=True)]
        return (clean, found) if found else None

    def at_places(self, note: str, places: Collection[Span]) -> Result | None:  # noqa: D102 - see Matcher
        return _among(self.in_cleaned(note), places)

    def in_original(self, note: str) -> Result | None:  # noqa: D102 - see Matcher
        occurrences = self._scan(self._original_patterns, note)
        return _located_in_original(CleanNote(note), occurrences) if occurrences else None

    def _scan(self, patterns: dict[str, re.Pattern[str]], text: str) -> list[Occurrence]:
        return [
            (task, self._anchors[task][(match.lastindex or 1) - 1], match.span())
            for task, pattern in patterns.items()
            for match in pattern.finditer(text)
        ]


def _alternation(anchors: Iterable[str]) -> re.Pattern[str]:
    """A pattern in which every anchor is a group with word boundaries of its own."""
    return re.compile("|".join(rf"\b({re.escape(anchor)})\b" for anchor in anchors), re.IGNORECASE)


def _among(result: Result | None, places: Collection[Span]) -> Result | None:
    """What was found at some places of the cleaned text."""
    if result is None:
        return None
    clean, everywhere = result
    found = [found for found in everywhere if found[3] in places]
    return (clean, found) if found else None


def _located(clean: CleanNote, occurrences: list[Occurrence]) -> Result:
    """Anchors found in the buffer, with their places in the cleaned text."""
    places = clean.to_cleaned([span for _, _, span in occurrences])
    return clean, [(*found, place) for found, place in zip(occurrences, places, strict=True)]


def _located_in_original(clean: CleanNote, occurrences: list[Occurrence]) -> Result:
    """Anchors found in the original note, with their places in the cleaned text."""
    places = clean.to_cleaned([clean.from_note(span) for _, _, span in occurrences])
    return clean, [(*found, place) for found, place in zip(occurrences, places, strict=True)]


def _is_glued(note: str, start: int, end: int) -> bool:
    """Whether a letter or a digit stands right before or after a span."""
    return note[start - 1 : start].isalnum() or note[end : end + 1].isalnum()
