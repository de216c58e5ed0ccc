"""What the audit finds: a file and a kind of trouble, never the text itself."""

import re
from dataclasses import dataclass

MIN_NOTES = 5
"""Notes that a feature must stand in, at the least."""
_PLAIN_NAME = re.compile(r"[\w./-]{1,80}")
_MAX_WORDS = 6


@dataclass(frozen=True, order=True)
class Finding:
    """Something in a folder that must not be published.

    Attributes:
        file: The file, as it may be shown.
        kind: What is wrong.
        advice: What to do.
    """

    file: str
    kind: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}: {self.kind}; {self.advice}"


def shown_name(name: str, place: int) -> str:
    """A file's name as it may be shown: its place in the folder where the name could be text of a note.

    Args:
        name: Its path below the folder.
        place: Its place among the files of the folder, in the order of their names.
    """
    words = [word for word in re.split(r"[\W_]+", name) if word]
    if _PLAIN_NAME.fullmatch(name) and len(words) <= _MAX_WORDS:
        return name
    return f"(file {place + 1} by name, not shown)"
