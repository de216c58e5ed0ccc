"""What a model classifies: an anchor, its task, and the words around it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """One anchor in its context window.

    Attributes:
        task: Task whose labels are asked for.
        anchor: The anchor, as the lexicon has it.
        context: The window in cleaned form, anchor included.
        place: Half-open offsets into `context` of the occurrence that is asked about; None if nobody recorded it.
    """

    task: str
    anchor: str
    context: str
    place: tuple[int, int] | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> "ContextWindow":
        """A window from a mapping with text under `task`, `anchor` and `context`; other keys are ignored but one.

        `context_start`, if there, says where in `context` the anchor begins.

        Raises:
            ValueError: If a key is missing, or its value is not of its type.
        """
        texts: dict[str, str] = {}
        for key in ("task", "anchor", "context"):
            value = item.get(key)
            if not isinstance(value, str):
                found = (
                    f"{type(value).__name__} under {key!r}" if key in item else f"the keys {sorted(map(str, item))}"
                )
                raise ValueError(f"expected a window with text under task, anchor and context, found {found}")
            texts[key] = value
        window = cls(texts["task"], texts["anchor"], texts["context"])
        start = item.get("context_start")
        if start is None:
            return window
        occurrence = next((place for place in window.occurrences() if place[0] == start), None)
        if occurrence is None:
            raise ValueError(f"expected the anchor at context_start, found other text at {start!r}")
        return replace(window, place=occurrence)

    def occurrences(self) -> list[tuple[int, int]]:
        """Half-open offsets into `context` of every whole-word occurrence of the anchor, ignoring case."""
        found = re.finditer(rf"(?<!\w){re.escape(self.anchor)}(?!\w)", self.context, re.IGNORECASE)
        return [match.span() for match in found]

    def matched(self) -> tuple[int, int] | None:
        """Where the anchor stands in `context`: its place, else the occurrence nearest to the middle word.

        None if the anchor does not occur. Windows have equally many words on either side, so the middle is where the
        anchor is unless the note began or ended nearby.
        """
        if self.place:
            return self.place
        found = self.occurrences()
        if len(found) < 2:
            return found[0] if found else None
        middle = len(self.context.split()) / 2
        return min(found, key=lambda place: abs(len(self.context[: place[0]].split()) + 0.5 - middle))
