"""Lexicons: the anchors of each task, as data."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stigma_hf.cleaning import clean_note
from stigma_hf.tasks import RESOURCES, load_tasks


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The anchors to look for, by task.

    Attributes:
        anchors: Task id to its anchors, in the order in which they are tried. A match is compared in cleaned form, so
            case, accents and runs of white space in an anchor do not matter.

    Raises:
        ValueError: If a task is unknown, a list is empty, an anchor is blank or stands twice; each is named.
    """

    anchors: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        known = list(load_tasks())
        unknown = [task for task in self.anchors if task not in known]
        if unknown:
            raise ValueError(f"lexicon: unknown key {unknown[0]!r}; expected tasks among {', '.join(known)}")
        if not self.anchors:
            raise ValueError(f"lexicon: no task in it; expected lists of anchors under {', '.join(known)}")
        seen: dict[str, str] = {}
        for task in self.anchors:
            anchors = self.anchors[task]
            if isinstance(anchors, str) or not isinstance(anchors, Sequence):
                raise ValueError(f"lexicon: expected a list of anchors under {task!r}, found {type(anchors).__name__}")
            if not anchors:
                raise ValueError(f"lexicon: the list of {task!r} is empty; leave the task out or add an anchor")
            for anchor in anchors:
                if not isinstance(anchor, str):
                    raise ValueError(f"lexicon: expected text under {task!r}, found {anchor!r}")
                cleaned = clean_note(anchor)
                if not cleaned:
                    raise ValueError(f"lexicon: {anchor!r} under {task!r} is empty once cleaned")
                if cleaned in seen:
                    raise ValueError(
                        f"lexicon: duplicate anchor {anchor!r} under {task!r}, already under {seen[cleaned]!r}"
                    )
                seen[cleaned] = task
        ordered = {task: tuple(self.anchors[task]) for task in known if task in self.anchors}
        object.__setattr__(self, "anchors", ordered)

    @classmethod
    def default(cls) -> "Lexicon":
        """The 89 anchors of Harrigian et al. 2023."""
        return cls(json.loads((RESOURCES / "anchors.json").read_text(encoding="utf-8")))

    @classmethod
    def from_json(cls, path: str | Path) -> "Lexicon":
        """A lexicon from a JSON file: an object of task ids, each with a list of anchors.

        Raises:
            ValueError: If the file is not such an object.
            OSError: If it cannot be read.
        """
        try:
            anchors = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_refuse_duplicate_keys)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path}: expected a JSON object of tasks and anchors, found invalid JSON: {error}"
            ) from error
        if not isinstance(anchors, dict):
            raise ValueError(f"{path}: expected a JSON object of tasks and anchors, found {type(anchors).__name__}")
        return cls(anchors)

    def extended(self, other: "Lexicon") -> "Lexicon":
        """This lexicon with the anchors of another added after its own."""
        tasks = [*self.anchors, *(task for task in other.anchors if task not in self.anchors)]
        return Lexicon({task: (*self.anchors.get(task, ()), *other.anchors.get(task, ())) for task in tasks})

    def restricted(self, tasks: Sequence[str]) -> "Lexicon":
        """This lexicon with the given tasks only."""
        return Lexicon({task: self.anchors[task] for task in tasks})

    @property
    def is_regular(self) -> bool:
        """Whether one scan for all anchors at once finds what one scan per task finds.

        So it is when every anchor is made of ASCII words joined by single spaces or hyphens and no two anchors can
        overlap in a text.
        """
        cleaned = [clean_note(anchor) for anchors in self.anchors.values() for anchor in anchors]
        if not all(re.fullmatch(r"[a-z0-9_]+(?:[ -][a-z0-9_]+)*", anchor) for anchor in cleaned):
            return False
        if cleaned != [anchor.lower() for anchors in self.anchors.values() for anchor in anchors]:
            return False
        pieces = [re.findall(r"\w+|[ -]", anchor) for anchor in cleaned]
        longer = [words for words in pieces if len(words) > 1]
        return not any(_can_overlap(a, b) for a in longer for b in pieces if a is not b)


def _can_overlap(first: list[str], second: list[str]) -> bool:
    """Whether two anchors, as words and separators, agree wherever they overlap in some alignment."""
    for shift in range(1 - len(second), len(first)):
        both = range(max(0, shift), min(len(first), shift + len(second)))
        if all(first[i] == second[i - shift] for i in both):
            return True
    return False


def _refuse_duplicate_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object, unless a key stands in it twice."""
    keys = [key for key, _ in pairs]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise ValueError(f"lexicon: the key {twice[0]!r} stands twice")
    return dict(pairs)
