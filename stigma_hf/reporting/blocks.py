"""What a report is made of, whichever file it becomes."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Text:
    """A paragraph; a caution or problem is marked as such."""

    text: str
    is_caution: bool = False


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes:
        caption: What it shows.
        columns: Heads of the columns.
        rows: Cells as they are written.
        alignment: A letter for each column, `l` for text and `r` for numbers; numbers after the first column if empty.
        is_folded: Whether a page shows it only when asked.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    alignment: str = ""
    is_folded: bool = False

    @property
    def has_numbers(self) -> tuple[bool, ...]:
        """Whether each column holds numbers."""
        return tuple(letter == "r" for letter in self.alignment or "l" + "r" * (len(self.columns) - 1))


@dataclass(frozen=True)
class Plots:
    """Plots side by side, by their names; a report without plots leaves them out."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A part of a report with a title.

    Attributes:
        title: Its title.
        level: 2 for a chapter, 3 for a part of one.
        blocks: What it holds, in order.
    """

    title: str
    level: int = 2
    blocks: list[Text | Table | Plots] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Its title as the target of a link."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.title.lower())
