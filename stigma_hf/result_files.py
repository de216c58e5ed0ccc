"""Write spans as JSON lines, CSV or Parquet, by the ending of the file's name, while they are found."""

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from stigma_hf.errors import UsageError

SEARCH_COLUMNS = ("note_id", "task", "anchor", "start", "end", "clean_start", "clean_end", "word", "context")
"""What a search says of a match."""

PREDICT_COLUMNS = (
    "note_id",
    "task",
    "anchor",
    "start",
    "end",
    "word",
    "label",
    "score",
    "probabilities",
    "context",
    "model",
)
"""What a prediction says of a span."""

_OFFSETS = {"start", "end", "clean_start", "clean_end"}
_ROWS_PER_GROUP = 4096


class _Format(Protocol):
    def __init__(self, path: Path, columns: tuple[str, ...], resume_at: int | None) -> None: ...
    def write(self, row: Mapping[str, Any]) -> None: ...
    def size(self) -> int: ...
    def close(self) -> None: ...


def check_result_path(path: str | Path, overwrite: bool = False) -> None:
    """See, before long work begins, that its spans can go to a file.

    Args:
        path: The file to be written.
        overwrite: Whether an existing file may be replaced.

    Raises:
        UsageError: If the ending is unknown, the file exists, or its folder does not.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(f"{path}: expected an output file that ends in {', '.join(_FORMATS)}")
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: exists already; choose another name or allow --overwrite")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: cannot be written: there is no folder {path.parent}")


class ResultWriter:
    """A file of spans that grows as they come; what was written stays, whatever happens later.

    Args:
        path: The file to write; `.jsonl`, `.csv` or `.parquet`.
        columns: Columns of every row, in order.
        overwrite: Whether an existing file may be replaced.
        resume_at: Bytes of an existing file to keep and go on after; None to begin anew. Not for Parquet.

    Raises:
        UsageError: If the ending is unknown, the file exists, or it cannot be created.
    """

    def __init__(
        self, path: str | Path, columns: tuple[str, ...], overwrite: bool = False, resume_at: int | None = None
    ) -> None:
        check_result_path(path, overwrite or resume_at is not None)
        self.path = Path(path)
        self.rows = 0
        try:
            self._file: _Format = _FORMATS[self.path.suffix.lower()](self.path, columns, resume_at)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror or type(error).__name__}") from error
        self._columns = columns

    def write(self, row: Mapping[str, Any]) -> None:
        """Add one row."""
        self._file.write({column: _storable(row[column]) for column in self._columns})
        self.rows += 1

    def size(self) -> int:
        """Bytes in the file, all rows so far included; of a Parquet file, those whose group of rows is full."""
        return self._file.size()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _open_text(path: Path, resume_at: int | None) -> TextIO:
    """A file to write text to, from its beginning or after some bytes that are kept."""
    if resume_at is None:
        return open(path, "w", encoding="utf-8", newline="")
    os.truncate(path, resume_at)
    return open(path, "a", encoding="utf-8", newline="")


def _flushed_size(file: TextIO) -> int:
    file.flush()
    return os.fstat(file.fileno()).st_size


class _JsonLines:
    def __init__(self, path: Path, columns: tuple[str, ...], resume_at: int | None) -> None:
        self._file = _open_text(path, resume_at)

    def write(self, row: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def size(self) -> int:
        return _flushed_size(self._file)

    def close(self) -> None:
        self._file.close()


class _Csv:
    def __init__(self, path: Path, columns: tuple[str, ...], resume_at: int | None) -> None:
        self._file = _open_text(path, resume_at)
        self._rows = csv.DictWriter(self._file, columns)
        if resume_at is None:
            self._rows.writeheader()

    def write(self, row: Mapping[str, Any]) -> None:
        flat = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in row.items()}
        self._rows.writerow(flat)

    def size(self) -> int:
        return _flushed_size(self._file)

    def close(self) -> None:
        self._file.close()


class _Parquet:
    def __init__(self, path: Path, columns: tuple[str, ...], resume_at: int | None) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        if resume_at is not None:
            raise UsageError(f"{path}: a Parquet file cannot be resumed")

        types = dict.fromkeys(_OFFSETS, pa.int64())
        types |= {"score": pa.float64(), "probabilities": pa.map_(pa.string(), pa.float64())}
        self._schema = pa.schema([(column, types.get(column, pa.string())) for column in columns])
        self._path = path
        self._writer = parquet.ParquetWriter(path, self._schema)
        self._rows: list[Mapping[str, Any]] = []

    def write(self, row: Mapping[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) == _ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        rows = [{k: list(v.items()) if isinstance(v, dict) else v for k, v in row.items()} for row in self._rows]
        self._writer.write_table(pa.Table.from_pylist(rows, self._schema))
        self._rows.clear()

    def size(self) -> int:
        return self._path.stat().st_size

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._writer.close()


def _storable(value: Any) -> Any:
    """A value that UTF-8 can hold: a lone surrogate, which no file can, becomes a question mark."""
    return (
        value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) and not value.isascii() else value
    )


_FORMATS: dict[str, type[_Format]] = {".jsonl": _JsonLines, ".csv": _Csv, ".parquet": _Parquet}
