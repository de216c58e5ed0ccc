"""Read the published annotations: which occurrences of which note have which label."""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from stigma_hf.cleaning import Span
from stigma_hf.errors import UsageError
from stigma_hf.mimic.csv_input import read_header, read_table
from stigma_hf.tasks import load_tasks

logger = logging.getLogger(__name__)

REQUIRED = ("encounter_note_id", "keyword_category", "start", "end", "label")
_MAX_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Annotation:
    """One labelled occurrence.

    Attributes:
        row: Its row in the file, the first after the column names being 1.
        note_id: The note it is in.
        task: Task id.
        anchor: The anchor, if the file says.
        clean_start: Where it begins in the cleaned note.
        clean_end: Where it ends there, exclusive.
        label: The resolved label.
        annotators: What each annotator said, empty text for one who did not see it.
    """

    row: int
    note_id: str
    task: str
    anchor: str | None
    clean_start: int
    clean_end: int
    label: str
    annotators: tuple[str, ...]


@dataclass(frozen=True)
class Annotations:
    """All annotations of a file.

    Attributes:
        rows: The annotations in file order.
        annotators: Names of the annotator columns.
    """

    rows: tuple[Annotation, ...]
    annotators: tuple[str, ...]

    @property
    def note_ids(self) -> pa.Array:
        """The notes with an annotation, each once."""
        return pa.array(sorted({row.note_id for row in self.rows}), pa.string())

    @property
    def places(self) -> dict[str, set[Span]]:
        """Where in each note annotations are, in offsets of the cleaned note."""
        places: dict[str, set[Span]] = {}
        for row in self.rows:
            places.setdefault(row.note_id, set()).add((row.clean_start, row.clean_end))
        return places


def read_annotations(path: str | Path) -> Annotations:
    """The annotations of a file in the published layout, with or without its `keyword` column.

    Args:
        path: A CSV file with the columns `encounter_note_id, keyword_category, start, end, label` and, where they
            exist, `keyword` and `annotator_1` and so on.

    Raises:
        UsageError: If it does not exist, lacks columns, or has tasks, labels or offsets that cannot be; how many rows
            are wrong is in the message, with the first of them.
    """
    path = Path(path)
    header = _read_header(path)
    annotators = _annotators(header)
    has_anchors = "keyword" in header
    types = {name: pa.int32() if name in ("start", "end") else pa.string() for name in (*REQUIRED, *annotators)}
    table = read_table(path, types | ({"keyword": pa.string()} if has_anchors else {}))
    note_ids, tasks, starts, ends, labels = (table[name].to_pylist() for name in REQUIRED)
    anchors = table["keyword"].to_pylist() if has_anchors else [""] * len(table)
    said = zip(*(table[name].to_pylist() for name in annotators), strict=True) if annotators else [()] * len(table)
    columns = zip(note_ids, tasks, anchors, starts, ends, labels, said, strict=True)
    rows = [
        Annotation(number, note_id, task, anchor or None, start, end, label, tuple(annotated))
        for number, (note_id, task, anchor, start, end, label, annotated) in enumerate(columns, 1)
    ]
    _check(path, rows)
    return Annotations(tuple(rows), annotators)


def read_annotators(path: str | Path) -> tuple[str, ...]:
    """Names of the annotator columns of a file of annotations.

    Raises:
        UsageError: If it does not exist or is empty.
    """
    return _annotators(_read_header(Path(path)))


def _read_header(path: Path) -> list[str]:
    """Column names of a file of annotations."""
    if not path.is_file():
        raise UsageError(f"expected the annotations as a CSV file, found no file at {path}")
    return read_header(path)


def _annotators(header: list[str]) -> tuple[str, ...]:
    """The annotator columns among some columns."""
    return tuple(name for name in header if name.startswith("annotator_"))


def _check(path: Path, rows: list[Annotation]) -> None:
    """Raise if an annotation cannot be one."""
    if not rows:
        raise UsageError(f"{path}: expected annotations, found none below the column names")
    tasks = load_tasks()
    wrong: dict[str, list[int]] = {}
    for row in rows:
        if row.task not in tasks:
            wrong.setdefault(f"a task among {', '.join(tasks)} in keyword_category", []).append(row.row)
        elif row.label not in tasks[row.task].labels:
            expected = f"a label among {', '.join(tasks[row.task].labels)} for the task {row.task}"
            wrong.setdefault(expected, []).append(row.row)
        if row.clean_start is None or row.clean_end is None or not 0 <= row.clean_start < row.clean_end:
            wrong.setdefault("start and end as offsets with start before end", []).append(row.row)
    for expected, numbers in wrong.items():
        first = ", ".join(map(str, numbers[:_MAX_EXAMPLES]))
        more = ", ..." if len(numbers) > _MAX_EXAMPLES else ""
        raise UsageError(
            f"{path}: expected {expected}; {len(numbers)} of {len(rows)} rows do not have it (rows {first}{more})"
        )
    places = Counter((row.note_id, row.task, row.clean_start, row.clean_end) for row in rows)
    if repeated := sum(count - 1 for count in places.values()):
        logger.warning("%s: %d annotations are of an occurrence annotated before; all are kept", path, repeated)
