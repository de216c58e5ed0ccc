"""What a model classifies: an anchor, its task, and the words around it."""

from collections.abc import Mapping
from dataclasses import dataclass

from stigma_hf.tasks import load_tasks


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """One anchor in its context window.

    Attributes:
        task: Task whose labels are asked for.
        anchor: The anchor, as the lexicon has it.
        context: The window in cleaned form, anchor included.
    """

    task: str
    anchor: str
    context: str

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> "ContextWindow":
        """A window from a mapping with the keys `task`, `anchor` and `context`; further keys are ignored.

        Raises:
            ValueError: If a key is missing, its value is not text, or the task is unknown.
        """
        values = {}
        for key in ("task", "anchor", "context"):
            value = item.get(key)
            if not isinstance(value, str):
                found = (
                    f"{type(value).__name__} under {key!r}" if key in item else f"the keys {sorted(map(str, item))}"
                )
                raise ValueError(f"expected a window with text under task, anchor and context, found {found}")
            values[key] = value
        if values["task"] not in load_tasks():
            raise ValueError(f"expected a task among {', '.join(load_tasks())}, found {values['task']!r}")
        return cls(**values)
