"""The three classification tasks and the fixed order of their labels."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

RESOURCES = files("stigma_hf") / "resources"


@dataclass(frozen=True)
class Task:
    """One of the three tasks of Harrigian et al. 2023.

    Attributes:
        id: Name used in the released files: `adamant`, `compliance` or `other`.
        name: Published name, the one people see.
        labels: Labels in the order of every probability vector: alphabetical.
        description: One sentence on what the task asks.
    """

    id: str
    name: str
    labels: tuple[str, ...]
    description: str


@cache
def load_tasks() -> dict[str, Task]:
    """The three tasks by id, in the order `adamant`, `compliance`, `other`."""
    entries = json.loads((RESOURCES / "tasks.json").read_text(encoding="utf-8"))
    return {e["id"]: Task(e["id"], e["name"], tuple(e["labels"]), e["description"]) for e in entries}


def check_tasks(tasks: str | list[str] | tuple[str, ...] | None, known: list[str]) -> list[str]:
    """The requested task ids, in the order of `known`; all of them when `tasks` is None.

    Raises:
        ValueError: If a task is unknown or none is left; the message lists the choices.
    """
    if tasks is None:
        return known
    asked = [tasks] if isinstance(tasks, str) else list(tasks)
    unknown = [task for task in asked if task not in known]
    if unknown or not asked:
        found = ", ".join(map(repr, unknown)) or "an empty list"
        raise ValueError(f"expected tasks among {', '.join(known)}, found {found}")
    return [task for task in known if task in asked]
