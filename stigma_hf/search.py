"""Search notes for anchors: every match with its place in the original note, in the cleaned note, and its window."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from stigma_hf.lexicon import Lexicon
from stigma_hf.matching import FastMatcher, Matcher, PlainMatcher
from stigma_hf.tasks import check_tasks
from stigma_hf.windows import released_api_window, trained_window

Window = Literal["trained", "released-api"]


@dataclass(frozen=True, slots=True)
class AnchorMatch:
    """One occurrence of an anchor in a note.

    Attributes:
        task: Task of the anchor: `adamant`, `compliance` or `other`.
        anchor: The anchor as the lexicon has it.
        word: The occurrence as the note has it: `note[start:end]`.
        start: Where it begins in the original note.
        end: Where it ends there, exclusive.
        clean_start: Where it begins in the cleaned note.
        clean_end: Where it ends there, exclusive.
        context: The window around it, in cleaned form.
    """

    task: str
    anchor: str
    word: str
    start: int
    end: int
    clean_start: int
    clean_end: int
    context: str


class AnchorSearch:
    """Finds the anchors of a lexicon in notes: whole words, ignoring case.

    Args:
        lexicon: Anchors to look for; the 89 published ones when None.
        window: `trained` looks in the cleaned note and cuts the windows the published models were trained on;
            `released-api` looks in the original note and cuts the windows of the released Python interface.
        window_words: Words of context on either side of an anchor.
        tasks: Task ids to look for; all tasks of the lexicon when None.

    Raises:
        ValueError: If an argument is none of its choices; the message lists them.

    Source: Harrigian et al. 2023 (ACL short papers), data section and released toolkit.
    """

    def __init__(
        self,
        lexicon: Lexicon | None = None,
        window: Window = "trained",
        window_words: int = 10,
        tasks: str | list[str] | None = None,
    ) -> None:
        if window not in get_args(Window):
            raise ValueError(f"expected window among {', '.join(get_args(Window))}, found {window!r}")
        if isinstance(window_words, bool) or not isinstance(window_words, int) or window_words < 0:
            raise ValueError(f"expected window_words to be a whole number from 0 on, found {window_words!r}")
        lexicon = lexicon or Lexicon.default()
        self.lexicon = lexicon.restricted(check_tasks(tasks, list(lexicon.anchors)))
        self.window = window
        self.window_words = window_words
        self._matcher: Matcher = FastMatcher(self.lexicon) if self.lexicon.is_regular else PlainMatcher(self.lexicon)

    def search(self, note: str) -> list[AnchorMatch]:
        """The matches in one note, by task in lexicon order, then by position.

        In the `trained` mode an anchor is looked for in the cleaned note. One that begins or ends inside the
        transliteration of a single character has no slice of the original note to point at and is left out.

        Raises:
            TypeError: If the note is not text.
        """
        if not isinstance(note, str):
            raise TypeError(f"expected a note as text, found {type(note).__name__}")
        return self._in_original(note) if self.window == "released-api" else self._in_cleaned(note)

    def search_many(self, notes: Iterable[str]) -> Iterator[list[AnchorMatch]]:
        """The matches of each note, lazily, one list per note and in order.

        Raises:
            TypeError: If a note is not text; its place among the notes is in the message.
        """
        if isinstance(notes, str):
            raise TypeError("expected notes, found one text; call search() or wrap it in a list")
        for index, note in enumerate(notes):
            if not isinstance(note, str):
                raise TypeError(f"note {index}: expected text, found {type(note).__name__}")
            yield self.search(note)

    def _in_cleaned(self, note: str) -> list[AnchorMatch]:
        clean, found = self._matcher.in_cleaned(note)
        matches = []
        for (task, anchor, start, end), clean_span in zip(found, clean.to_cleaned(found), strict=True):
            if span := clean.to_note(start, end):
                context = trained_window(clean.buffer, start, end, self.window_words)
                matches.append(AnchorMatch(task, anchor, note[slice(*span)], *span, *clean_span, context))
        return matches

    def _in_original(self, note: str) -> list[AnchorMatch]:
        clean, found = self._matcher.in_original(note)
        places = [clean.from_note(match.start, match.end) for match in found] if clean.is_shifted else found
        matches = []
        for (task, anchor, start, end), clean_span in zip(found, clean.to_cleaned(places), strict=True):
            context = released_api_window(note, start, end, self.window_words)
            matches.append(AnchorMatch(task, anchor, note[start:end], start, end, *clean_span, context))
        return matches
