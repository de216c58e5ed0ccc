"""Read predictions, labels and metadata from JSON lines, CSV or Parquet files into Arrow tables of text."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
from pyarrow import parquet

from stigma_hf.errors import UsageError

RELEASED_NAMES = {
    "encounter_note_id": "note_id",
    "keyword_category": "task",
    "keyword": "anchor",
    "start": "clean_start",
    "end": "clean_end",
}
"""Columns of the released `annotations.csv`, whose offsets are those in the cleaned note, by our names."""

_BLOCK_BYTES = 1 << 24


def read_table(path: str | Path) -> pa.Table:
    """A table whose simple columns are text, so that ids agree however a file stores them.

    A cell that is empty counts as missing.

    Raises:
        UsageError: If the ending is another, or the file is none of its kind.
    """
    path = Path(path)
    readers = {".jsonl": _read_json_lines, ".csv": _read_csv, ".parquet": parquet.read_table}
    if path.suffix.lower() not in readers:
        raise UsageError(f"{path}: expected a file that ends in {', '.join(readers)}")
    try:
        table = readers[path.suffix.lower()](path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from error
    except pa.ArrowInvalid:
        # The cause would carry the text of a row.
        raise UsageError(f"{path}: expected {path.suffix[1:]} content, as its ending says") from None
    if "encounter_note_id" in table.column_names:
        table = table.rename_columns([RELEASED_NAMES.get(name, name) for name in table.column_names])
    return pa.table({name: _as_text(table[name]) for name in table.column_names})


def require(table: pa.Table, columns: Iterable[str], path: str | Path, advice: str = "") -> None:
    """Check that a table has some columns.

    Raises:
        UsageError: If one is missing.
    """
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise UsageError(
            f"{path}: expected the columns {', '.join(missing)}, found {', '.join(table.column_names)}{advice}"
        )


def probabilities_of(column: pa.ChunkedArray, path: str | Path) -> pa.Table:
    """One column of numbers per label from a column of label to probability, in the forms that our files have.

    Raises:
        UsageError: If it holds something else.
    """
    try:
        if pa.types.is_struct(column.type):
            table = pa.Table.from_struct_array(column)
        else:
            rows = column.to_pylist()
            read = dict if pa.types.is_map(column.type) else json.loads
            entries = [{} if row is None else dict(read(row)) for row in rows]
            labels = dict.fromkeys(label for entry in entries for label in entry)
            table = pa.table({label: pa.array([entry.get(label) for entry in entries]) for label in labels})
        return pa.table({name: pc.cast(table[name], pa.float64()) for name in table.column_names})
    except (ValueError, TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # The cause may carry the text of a row.
        raise UsageError(f"{path}: expected probabilities as an object of label to number") from None


def join_metadata(spans: pa.Table, metadata: pa.Table, columns: Sequence[str], path: str | Path) -> pa.Table:
    """Spans with columns of the metadata of their note, or of their patient where the metadata has no notes.

    Raises:
        UsageError: If the metadata lacks a column, or says two things of one note.
    """
    key = "note_id" if "note_id" in metadata.column_names else "subject_id"
    require(metadata, [key, *columns], path)
    require(spans, [key], "predictions", f"; {path} is joined by it")
    wanted = [name for name in columns if name != key]
    rows = metadata.select([key, *wanted]).group_by([key, *wanted]).aggregate([])
    if len(pc.unique(rows[key])) < len(rows):
        raise UsageError(f"{path}: expected one value of {', '.join(wanted)} per {key}, found several for some")
    places = pc.index_in(spans[key], rows[key].combine_chunks())
    kept = [name for name in spans.column_names if name not in wanted]
    return pa.table({name: spans[name] for name in kept} | {name: rows[name].take(places) for name in wanted})


def _read_json_lines(path: Path) -> pa.Table:
    return pyarrow.json.read_json(path, read_options=pyarrow.json.ReadOptions(block_size=_BLOCK_BYTES))


def _read_csv(path: Path) -> pa.Table:
    # Everything as text: a note "0123" is not the number 123.
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    read = pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES)
    with pyarrow.csv.open_csv(path, read_options=read, parse_options=parse) as reader:
        names = reader.schema.names
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    return pyarrow.csv.read_csv(path, read_options=read, parse_options=parse, convert_options=convert)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of simple values as text, empty text as missing; others as they are."""
    if pa.types.is_nested(column.type):
        return column
    text = pc.cast(column, pa.string())
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
