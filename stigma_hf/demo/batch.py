"""Many notes from a CSV: their spans as a file, and charts of what was found."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from markupsafe import Markup

from stigma_hf.demo.inspection import Inspection, inspect_note
from stigma_hf.demo.labels import look_of
from stigma_hf.demo.models import OpenModel
from stigma_hf.demo.templates import render
from stigma_hf.errors import UsageError
from stigma_hf.note_files import NoteReader
from stigma_hf.result_files import PREDICT_COLUMNS, ResultWriter
from stigma_hf.summary import Summary
from stigma_hf.tasks import load_tasks

MAX_FILE_BYTES = 50 * 2**20
"""The largest upload; larger files are for `stigma-hf predict`."""

TEXT_OF_NOTES = ("word", "context")
"""Columns that hold words of the notes."""

_N_ANCHORS = 10


@dataclass(frozen=True)
class Batch:
    """What came of a file of notes.

    Attributes:
        file: The spans as a CSV.
        counts: Notes and spans.
        skipped: Reasons and how many notes each has cost.
    """

    file: Path
    counts: Summary
    skipped: dict[str, int] = field(default_factory=dict)


def label_csv(
    path: str | Path,
    model: OpenModel,
    tasks: Sequence[str],
    least_score: float = 0.0,
    text_column: str | None = None,
    encoding: str = "utf-8",
    with_text: bool = False,
    advance: Callable[[float, str], object] = lambda share, said: None,
) -> Batch:
    """Label the notes of an uploaded CSV, which is removed.

    Args:
        path: The upload.
        model: The model to ask.
        tasks: Task ids to look for.
        least_score: Spans count from this probability of their label on.
        text_column: Column of the notes; guessed by its name when None or empty.
        encoding: Character encoding of the file.
        with_text: Whether the results hold words of the notes.
        advance: Told now and then which share is done, and how many notes.

    Raises:
        UsageError: If the file cannot be read as notes.
    """
    path = Path(path)
    counts = Summary()
    columns = tuple(name for name in PREDICT_COLUMNS if with_text or name not in TEXT_OF_NOTES)
    file = Path(tempfile.mkdtemp()) / "spans.csv"
    with _removed_after(path), _without_folder(path):
        reader = NoteReader([path], text_column or None, encoding=encoding, on_error="skip")
        notes = iter(reader)
        with ResultWriter(file, columns) as writer:
            while chunk := list(islice(notes, 16)):
                for note in chunk:
                    found = _inspect(note.text, model, tasks, least_score, reader)
                    rows = list(_rows(found, model)) if found else []
                    for row in rows:
                        writer.write({"note_id": note.note_id, **row})
                    counts.add(rows)
                advance(reader.bytes_read / max(1, reader.bytes_total), f"{counts.notes:,} notes")
    if not counts.notes:
        raise UsageError(_nothing_read(reader))
    return Batch(file, counts, dict(reader.skipped))


def _inspect(
    text: str, model: OpenModel, tasks: Sequence[str], least_score: float, reader: NoteReader
) -> Inspection | None:
    """What a note holds; a blank one holds nothing, and one that cannot be taken is counted as skipped."""
    if not text.strip():
        return None
    try:
        return inspect_note(text, [model], tasks, least_score)
    except UsageError:
        if not tasks:
            raise
        reader.skipped["too long, or not text"] += 1
        return None


def _rows(inspection: Inspection, model: OpenModel) -> Iterator[dict[str, object]]:
    for span in inspection.spans:
        answer = span.answers[0]
        assert answer is not None  # one model that was asked for its tasks only
        yield {
            "task": span.task,
            "anchor": span.anchor,
            "start": span.start,
            "end": span.end,
            "word": inspection.word(span),
            "label": answer.label,
            "score": answer.score,
            "probabilities": answer.probabilities,
            "context": answer.window.context,
            "model": model.title,
        }


def _nothing_read(reader: NoteReader) -> str:
    why = "; ".join(f"{n:,} skipped: {reason}" for reason, n in reader.skipped.items())
    return f"no note could be read ({why or 'the file has no rows'}); check the column and the encoding"


@contextmanager
def _removed_after(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _without_folder(path: Path) -> Iterator[None]:
    """Errors name the file as the person knows it, not where the upload lay."""
    try:
        yield
    except UsageError as error:
        raise UsageError(str(error).replace(f"{path.parent}/", "")) from error


def show_batch(batch: Batch) -> Markup:
    """Charts of what was found, as bars that all begin at zero and have their figure beside them."""
    counts = batch.counts
    charts = []
    for task in load_tasks().values():
        bars = [(label, counts.spans[task.id, label], look_of(label)) for label in task.labels]
        if any(n for _, n, _ in bars):
            charts.append((task.name, bars))
    anchors = [(anchor, n, "exclude") for anchor, n in counts.anchors.most_common(_N_ANCHORS)]
    if anchors:
        charts.append(("Most frequent anchors", anchors))
    return render("batch.html", counts=counts, charts=charts, skipped=batch.skipped)
