"""What pickles of the release are read as: inert records that name what they stand for, and do nothing."""

from collections.abc import Iterable, Mapping
from typing import Any


class Record:
    """What a pickle says about one object, with nothing of the object behind it.

    Attributes:
        args: What the object was to be made with.
        state: Its attributes, as pickled; None if there are none.
        items: Key-value pairs put into it afterwards.
        entries: Elements appended to it afterwards.
        array: For an array that joblib stored, its numbers or texts; else None.
    """

    stands_for = ""
    """Full name of the class or function, as the pickle has it."""

    __slots__ = ("args", "array", "entries", "items", "state")

    def __init__(self, *args: Any) -> None:
        self.args = args
        self.state: Any = None
        self.items: list[tuple[Any, Any]] = []
        self.entries: list[Any] = []
        self.array: Any = None

    def append(self, entry: Any) -> None:
        """Note an element."""
        self.entries.append(entry)

    def extend(self, entries: Iterable[Any]) -> None:
        """Note several elements."""
        self.entries.extend(entries)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items.append((key, value))

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __repr__(self) -> str:
        return f"<record of {self.stands_for}>"


def record_type(full_name: str) -> type[Record]:
    """The kind of record that stands for one class or function."""
    return type(full_name.rpartition(".")[2], (Record,), {"stands_for": full_name, "__slots__": ()})


def name_of(value: Any) -> str:
    """What a value is, for messages: what a record stands for, the type of anything else."""
    if isinstance(value, Record):
        return value.stands_for
    if isinstance(value, type) and issubclass(value, Record):
        return f"the name {value.stands_for}"
    return "nothing" if value is None else type(value).__name__


def is_record_of(value: Any, full_name: str) -> bool:
    """Whether a value is a record of this class or function."""
    return isinstance(value, Record) and value.stands_for == full_name


def is_plain(value: Any) -> bool:
    """Whether a value holds text, numbers, truth values and nothing else, at any depth."""
    waiting = [value]
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            # A pickle may hold a list that holds itself.
            if id(value) not in seen:
                seen.add(id(value))
                waiting += [*value, *value.values()] if isinstance(value, Mapping) else value
        elif not (value is None or isinstance(value, str | bytes | bool | int | float)):
            return False
    return True
