"""What a build read, assigned and could not use: numbers and ids, never text."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stigma_hf.mimic.release import Release


@dataclass(frozen=True, slots=True)
class UnmatchedAnnotation:
    """An annotation that became no span.

    Attributes:
        row: Its row in the file, the first after the column names being 1.
        note_id: The note it names.
        task: Task id.
        clean_start: Where it says that the anchor begins in the cleaned note.
        clean_end: Where it says that it ends there, exclusive.
        reason: Why it became no span.
    """

    row: int
    note_id: str
    task: str
    clean_start: int
    clean_end: int
    reason: str


@dataclass
class BuildReport:
    """The account of one build.

    Attributes:
        release: Which release the tree is.
        split: Name of the assignment, None where patients are not assigned.
        counts: What was read and what was odd, in words, with how often.
        labels: Rows per split, task and label, as `train/other/positive`; per task where there are no labels.
        unmatched: Annotations that became no span.
        cautions: What a user of the result should know.
    """

    release: Release
    split: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    unmatched: list[UnmatchedAnnotation] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The report in a few lines of text."""
        yield f"{self.release}: {'; '.join(self.release.evidence)}"
        yield from self.cautions
        yield from (f"{what}: {number:,}" for what, number in self.counts.items())
        reasons = Counter(annotation.reason for annotation in self.unmatched)
        yield from (f"annotations that match nothing, {reason}: {number:,}" for reason, number in reasons.items())

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return {
            "release": asdict(self.release),
            "split": self.split,
            "cautions": self.cautions,
            "counts": dict(self.counts),
            "labels": dict(self.labels),
            "unmatched": [asdict(annotation) for annotation in self.unmatched],
        }

    def save(self, path: Path) -> None:
        """Write the report as JSON."""
        path.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
