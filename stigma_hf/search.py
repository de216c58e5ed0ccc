"""Search notes for anchors: every match with its place in the original note, in the cleaned note, and its window."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from stigma_hf.cleaning import CleanNote, Span, clean_note
from stigma_hf.lexicon import Lexicon
from stigma_hf.matching import Result, matcher_for
from stigma_hf.tasks import check_tasks
from stigma_hf.windows import released_api_window, trained_window

Window = Literal["trained", "released-api"]


@dataclass(slots=True)  # not frozen: that would make a match five times as slow to make, and a search 3 % slower
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
        self._matcher = matcher_for(self.lexicon)

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
        find = self._in_original if self.window == "released-api" else self._in_cleaned
        for index, note in enumerate(notes):
            if not isinstance(note, str):
                raise TypeError(f"note {index}: expected text, found {type(note).__name__}")
            yield find(note)

    def search_at(self, note: str, places: Collection[Span]) -> list[AnchorMatch]:
        """The matches in one note that stand at some places of the cleaned note: quicker than to look for all.

        Args:
            note: The note.
            places: Half-open offsets in the cleaned note, each once.

        Returns:
            Those matches of `search` whose `clean_start` and `clean_end` are among the places.
        """
        if self.window == "released-api":
            return [match for match in self.search(note) if (match.clean_start, match.clean_end) in places]
        return self._with_trained_windows(note, self._matcher.at_places(note, places))

    def place_in_window(self, note: str, match: AnchorMatch) -> tuple[int, int] | None:
        """Where the matched occurrence stands in the window of a match: half-open offsets into its `context`.

        An anchor may stand in a window more than once. The one that was matched has as many before it as the window
        has left of it, which is the window of the note that ends where the match begins.

        Args:
            note: The note that was searched.
            match: One of its matches.

        Returns:
            The place; None if cleaning left nothing of the anchor.
        """
        word = clean_note(match.anchor)
        start = match.context.find(word)
        if match.context.find(word, start + 1) >= 0:
            left = self._window_before(note[: match.start])
            for _ in range(left.count(word)):
                start = match.context.find(word, start + len(word))
        return (start, start + len(word)) if word and start >= 0 else None

    def _window_before(self, beginning: str) -> str:
        """The window, in cleaned form, at the end of the beginning of a note."""
        if self.window == "released-api":
            return released_api_window(beginning, len(beginning), len(beginning), self.window_words)
        buffer = CleanNote(beginning).buffer
        return trained_window(buffer, len(buffer), len(buffer), self.window_words)

    def _in_cleaned(self, note: str) -> list[AnchorMatch]:
        return self._with_trained_windows(note, self._matcher.in_cleaned(note))

    def _with_trained_windows(self, note: str, result: Result | None) -> list[AnchorMatch]:
        if result is None:
            return []
        clean, found = result
        matches = []
        for task, anchor, place, clean_span in found:
            if span := clean.to_note(place):
                start, end = span
                context = trained_window(clean.buffer, *place, self.window_words)
                matches.append(AnchorMatch(task, anchor, note[start:end], start, end, *clean_span, context))
        return matches

    def _in_original(self, note: str) -> list[AnchorMatch]:
        result = self._matcher.in_original(note)
        if result is None:
            return []
        _, found = result
        matches = []
        for task, anchor, (start, end), clean_span in found:
            context = released_api_window(note, start, end, self.window_words)
            matches.append(AnchorMatch(task, anchor, note[start:end], start, end, *clean_span, context))
        return matches
