"""Read the CSV files of MIMIC-IV as Arrow data, and say what is wrong with a broken one without quoting it."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from isal import igzip, isal_zlib
from pyarrow import csv as arrow_csv

from stigma_hf.errors import UsageError

_BLOCK_BYTES = 2**20
_LONGEST_RECORD_BYTES = 2**25
_HEADER_BYTES = 2**16
_GZIP_ERRORS: Any = (EOFError, zlib.error, isal_zlib.error, gzip.BadGzipFile)
_DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "vertical bars"}


class BrokenFile(UsageError):
    """A file cannot be read to its end; the message says where it breaks and never what it holds."""


def read_batches(
    path: Path, columns: Mapping[str, pa.DataType], block_bytes: int = _BLOCK_BYTES
) -> Iterator[pa.RecordBatch]:
    """Rows of a CSV file in order, with the given columns of the given types.

    Memory does not grow with the file. Empty fields are missing values in columns of numbers and dates and empty
    text elsewhere; binary columns are not decoded.

    Args:
        path: A CSV file, gzip-compressed if its name ends in `.gz`.
        columns: Column names and their types; other columns are skipped over.
        block_bytes: How much to parse at a time. A longer record is read in larger blocks.

    Raises:
        BrokenFile: If the file is truncated or corrupt, or a row has too many or too few fields or a wrong value.
        UsageError: If it is empty, not separated by commas or lacks columns.
    """
    header = read_header(path)
    check_columns(path, header, list(columns))
    rows = 0
    # A parser cannot go back, so a block too short for a record means starting over and skipping what was given out.
    while True:
        skip = rows
        try:
            for batch in _parse(path, header, columns, block_bytes):
                fresh = batch.slice(min(skip, len(batch)))
                skip -= len(batch) - len(fresh)
                rows += len(fresh)
                if len(fresh):
                    yield fresh
            return
        except _RecordTooLong:
            block_bytes *= 8
            if block_bytes > _LONGEST_RECORD_BYTES:
                raise BrokenFile(
                    f"{path}: a record after row {rows} is longer than {_LONGEST_RECORD_BYTES // 2**20} MiB; "
                    "is a quote left open? Fetch or unpack the file again"
                ) from None


def read_table(path: Path, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """All rows of a CSV file; as `read_batches` otherwise."""
    schema = pa.schema(list(columns.items()))
    table = pa.Table.from_batches(list(read_batches(path, columns)), schema=schema)
    return table.unify_dictionaries().combine_chunks()


def read_header(path: Path) -> list[str]:
    """Column names of a CSV file.

    Raises:
        BrokenFile: If it cannot be unpacked.
        UsageError: If it is empty.
    """
    with _safe_errors(path, []), _open(path) as file:
        start = file.read(_HEADER_BYTES)
    line = start.decode("utf-8-sig", "replace").partition("\n")[0].rstrip("\r")
    if not line:
        raise UsageError(f"{path}: expected a line of column names, found an empty file; fetch it again")
    return next(csv.reader([line]))


def check_columns(path: Path, header: list[str], expected: list[str]) -> None:
    """Raise unless a header has the expected columns.

    Raises:
        UsageError: If columns are missing; they are named, and so is a wrong delimiter.
    """
    missing = [name for name in expected if name not in header]
    if not missing:
        return
    if delimiter := next((name for sign, name in _DELIMITERS.items() if sign in "".join(header)), None):
        raise UsageError(f"{path}: expected columns separated by commas, found {delimiter}; save it as CSV")
    # A file without a header would show a row of data here, so only plain names are repeated.
    found = ", ".join(name for name in header if re.fullmatch(r"[A-Za-z_]\w{0,40}", name)) or "no column names"
    raise UsageError(f"{path}: expected columns {', '.join(expected)}; missing {', '.join(missing)}; found {found}")


class _RecordTooLong(Exception):
    """A record does not fit into a block."""


def _parse(
    path: Path, header: list[str], columns: Mapping[str, pa.DataType], block_bytes: int
) -> Iterator[pa.RecordBatch]:
    """Batches of one pass over a file."""

    def note_width(row: arrow_csv.InvalidRow) -> str:
        wrong_rows.append(f"row {row.number}: expected {row.expected_columns} fields, found {row.actual_columns}")
        return "error"

    wrong_rows: list[str] = []
    with _safe_errors(path, header, wrong_rows), _open(path) as stream:
        # Compressed data has an end mark of its own.
        file = stream if path.suffix == ".gz" else _QuoteCheck(stream)
        batches = arrow_csv.open_csv(
            file,
            arrow_csv.ReadOptions(block_size=block_bytes, use_threads=False),
            arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note_width),
            arrow_csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict(columns),
                null_values=[""],
                strings_can_be_null=False,
                timestamp_parsers=["%Y-%m-%d %H:%M:%S"],
            ),
        )
        yield from batches
        if isinstance(file, _QuoteCheck) and not file.is_closed_quote:
            raise BrokenFile(f"{path}: ends inside a quoted field, so it is cut short; fetch or unpack it again")


@contextmanager
def _safe_errors(path: Path, header: list[str], wrong_rows: list[str] | None = None) -> Iterator[None]:
    """Turn what goes wrong into messages of our own: Arrow's quote the row."""
    try:
        yield
    except _GZIP_ERRORS:
        raise BrokenFile(f"{path}: the gzip data is broken or ends early; fetch the file again") from None
    except pa.ArrowInvalid as error:
        message = str(error)
        if "straddl" in message or "block_size" in message:
            raise _RecordTooLong from None
        if wrong_rows:
            raise BrokenFile(f"{path}: {wrong_rows[0]}; is it cut short or edited?") from None
        place = re.search(r"CSV column #(\d+): (?:Row #(\d+): )?.*? to ([a-z0-9]+)", message)
        if place and int(place[1]) < len(header):
            row = f"row {place[2]}: " if place[2] else ""
            raise BrokenFile(f"{path}: {row}expected {place[3]} in the column {header[int(place[1])]!r}") from None
        raise BrokenFile(f"{path}: expected comma-separated values, found something else") from None


def _open(path: Path) -> BinaryIO:
    """The contents of a file, decompressed."""
    stream: BinaryIO = igzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")
    return stream


class _QuoteCheck(io.RawIOBase):
    """A stream that knows whether it ended inside a quoted field.

    A file that is cut short inside its last, quoted field parses without complaint, with that field cut short too.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._quotes = 0

    @property
    def is_closed_quote(self) -> bool:
        """Whether the quotes read so far come in pairs."""
        return self._quotes % 2 == 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the stream."""
        data = self._stream.read(size)
        self._quotes += data.count(b'"')
        return data

    def readable(self) -> bool:
        """Always true."""
        return True
