"""Count what was found, and say it on one screen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from stigma_hf.tasks import load_tasks


class Summary:
    """Counts of notes, spans, labels and anchors, kept while a file is worked through.

    Attributes:
        notes: Notes read.
        notes_with_spans: Those among them with at least one span.
        spans: Spans by task and label; the label is empty where none was predicted.
        anchors: Spans by anchor.
    """

    def __init__(self) -> None:
        self.notes = 0
        self.notes_with_spans = 0
        self.spans: Counter[tuple[str, str]] = Counter()
        self.anchors: Counter[str] = Counter()

    def add(self, spans: Sequence[Mapping[str, Any]]) -> None:
        """Count the spans of one note."""
        self.notes += 1
        self.notes_with_spans += bool(spans)
        self.spans.update((span["task"], span.get("label", "")) for span in spans)
        self.anchors.update(span["anchor"] for span in spans)

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON holds them."""
        return {
            "notes": self.notes,
            "notes_with_spans": self.notes_with_spans,
            "spans": [[task, label, spans] for (task, label), spans in self.spans.items()],
            "anchors": dict(self.anchors),
        }

    @classmethod
    def from_dict(cls, counts: Mapping[str, Any]) -> "Summary":
        """The summary that `to_dict` made these counts of."""
        summary = cls()
        summary.notes, summary.notes_with_spans = counts["notes"], counts["notes_with_spans"]
        summary.spans.update({(task, label): spans for task, label, spans in counts["spans"]})
        summary.anchors.update(counts["anchors"])
        return summary

    def table(self, most_frequent: int = 8) -> Table:
        """Spans per task and label, beside the most frequent anchors."""
        share = f"{self.notes_with_spans / self.notes:.0%}" if self.notes else "none"
        total = self.spans.total()
        table = Table(title=f"{total:,} spans in {self.notes_with_spans:,} of {self.notes:,} notes ({share})")
        table.add_column("task")
        table.add_column("label")
        table.add_column("spans", justify="right")
        table.add_column("most frequent anchors")
        frequent = iter(self.anchors.most_common(most_frequent))
        rows = [
            (task.name, label, self.spans[task.id, label])
            for task in load_tasks().values()
            for label in ("", *task.labels)
            if self.spans[task.id, label]
        ]
        previous = ""
        for name, label, spans in rows:
            anchor = next(frequent, None)
            beside = f"{anchor[0]} {anchor[1]:,}" if anchor else ""
            table.add_row("" if name == previous else name, label, f"{spans:,}", beside)
            previous = name
        for word, spans in frequent:
            table.add_row("", "", "", f"{word} {spans:,}")
        return table
