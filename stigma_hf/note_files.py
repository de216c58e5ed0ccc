"""Read notes from text files, folders, CSV, JSON lines and Parquet, one at a time.

A file is read as a stream, so memory does not grow with the number of notes. No message ever quotes a note.
"""

import gzip
import io
import json
import logging
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from stigma_hf.errors import UsageError

logger = logging.getLogger(__name__)

OnError = Literal["skip", "stop"]

TEXT_COLUMNS = ("text", "note", "note_text", "note_body", "body", "content", "report")
ID_COLUMNS = ("note_id", "id", "document_id", "doc_id", "encounter_note_id")
SUFFIXES = (".txt", ".csv", ".jsonl", ".parquet")
_CSV_BLOCK_BYTES = 32 * 2**20
_PARQUET_ROWS = 256


class UnreadableNote(UsageError):
    """One note, or the rest of one file, cannot be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """A note and what it is called.

    Attributes:
        note_id: The id it came with, else its file name, with the row for files of many notes.
        text: The note.
    """

    note_id: str
    text: str


class NoteReader:
    """The notes of some files, in order.

    Args:
        inputs: Files and folders. A folder stands for every file in it, at any depth, that can hold notes.
        text_column: Column or key of the text in files of many notes; guessed from its name when None.
        id_column: The same for the note's id; the row number serves when there is none.
        encoding: Character encoding of text and CSV files.
        on_error: `stop` raises at the first unreadable note, `skip` counts it and goes on.

    Attributes:
        skipped: Reasons and how many notes each has cost.
        bytes_read: How far reading has come, of `bytes_total`.

    Raises:
        UsageError: If an input does not exist, is of no known kind, or a folder holds nothing to read.
    """

    def __init__(
        self,
        inputs: Sequence[str | Path],
        text_column: str | None = None,
        id_column: str | None = None,
        encoding: str = "utf-8",
        on_error: OnError = "stop",
    ) -> None:
        if on_error not in get_args(OnError):
            raise UsageError(f"expected on_error among {', '.join(get_args(OnError))}, found {on_error!r}")
        try:
            "".encode(encoding)
        except LookupError:
            raise UsageError(
                f"unknown encoding {encoding!r}; expected one that Python knows, as utf-8 or latin-1"
            ) from None
        self.files = [file for item in inputs for file in _expand(Path(item))]
        self.text_column = text_column
        self.id_column = id_column
        self.encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
        self.on_error = on_error
        self.skipped: Counter[str] = Counter()
        self.bytes_read = 0
        self.bytes_total = sum(file.path.stat().st_size for file in self.files)

    def __iter__(self) -> Iterator[NoteRecord]:
        done = 0
        for file in self.files:
            size = file.path.stat().st_size
            try:
                for note, position in self._read(file):
                    self.bytes_read = done + position
                    yield note
            except UnreadableNote as error:
                self._skip_or_raise(error, "rest of an unreadable file")
            done += size
            self.bytes_read = done

    def _read(self, file: "_File") -> Iterator[tuple[NoteRecord, int]]:
        readers = {
            ".txt": self._read_text,
            ".csv": self._read_csv,
            ".jsonl": self._read_jsonl,
            ".parquet": self._read_parquet,
        }
        try:
            with open(file.path, "rb") as raw:
                yield from readers[file.kind](file, raw)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise UnreadableNote(
                f"{file.path}: the gzip data is broken or ends early; fetch or unpack it again"
            ) from None
        except OSError as error:
            raise UnreadableNote(f"{file.path}: cannot be read: {error.strerror or type(error).__name__}") from error

    def _read_text(self, file: "_File", raw: BinaryIO) -> Iterator[tuple[NoteRecord, int]]:
        yield from self._note(file.open(raw).read(), None, file.name, raw.tell())

    def _read_jsonl(self, file: "_File", raw: BinaryIO) -> Iterator[tuple[NoteRecord, int]]:
        text_column = id_column = None
        for number, line in enumerate(file.open(raw), 1):
            where = f"{file.name}:{number}"
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                self._skip(
                    f"{where}: expected one JSON object on the line, found broken JSON or another value",
                    "broken JSON line",
                )
                continue
            if text_column is None:
                text_column, id_column = self._columns(file, list(row), row)
            yield from self._note(row.get(text_column), row.get(id_column) if id_column else None, where, raw.tell())

    def _read_csv(self, file: "_File", raw: BinaryIO) -> Iterator[tuple[NoteRecord, int]]:
        import pyarrow as pa
        from pyarrow import csv

        def drop(row: csv.InvalidRow) -> str:
            reason = f"expected {row.expected_columns} fields in a row of {file.name}, found {row.actual_columns}"
            dropped.append(UnreadableNote(reason))
            return "skip"

        dropped: list[UnreadableNote] = []
        header = self._csv_header(file)
        text_column, id_column = self._columns(file, header)
        wanted = {text_column: pa.large_binary(), **({id_column: pa.string()} if id_column else {})}
        number = 0
        try:
            data = _QuoteCounter(file.open(raw))
            batches = csv.open_csv(
                data,
                csv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK_BYTES),
                csv.ParseOptions(newlines_in_values=True, invalid_row_handler=drop),
                csv.ConvertOptions(
                    include_columns=list(wanted), column_types=wanted, null_values=[], strings_can_be_null=False
                ),
            )
            for batch in batches:
                texts = batch.column(0).to_pylist()
                ids = batch.column(1).to_pylist() if id_column else [None] * len(texts)
                for text, note_id in zip(texts, ids, strict=True):
                    number += 1
                    yield from self._note(text, note_id, f"{file.name}:{number}", raw.tell())
                while dropped:
                    self._skip_or_raise(dropped.pop(), "row with too many or too few fields")
        except pa.ArrowInvalid as error:
            # Arrow's own message may quote the row.
            reason = (
                "a row is longer than 32 MiB; is a quotation mark left open?"
                if "straddl" in str(error)
                else "not a readable CSV"
            )
            raise UnreadableNote(f"{file.path}: {reason} (after {number} notes)") from None
        if data.quotes % 2:
            raise UnreadableNote(
                f"{file.path}: a quotation mark is left open, so a note may have swallowed those after it"
            )

    def _csv_header(self, file: "_File") -> list[str]:
        """Column names of a CSV file."""
        import csv

        with open(file.path, "rb") as raw:
            line = file.open(raw).readline(2**20)
        names = next(csv.reader([self._decode_or_raise(line, file.name)]), [])
        if not names:
            raise UnreadableNote(f"{file.path}: expected a line of column names, found an empty file")
        return names

    def _read_parquet(self, file: "_File", raw: BinaryIO) -> Iterator[tuple[NoteRecord, int]]:
        import pyarrow as pa
        from pyarrow import parquet

        size = file.path.stat().st_size
        try:
            table = parquet.ParquetFile(raw)
            text_column, id_column = self._columns(file, table.schema_arrow.names)
            if not _is_text(table.schema_arrow.field(text_column).type):
                found = table.schema_arrow.field(text_column).type
                raise UnreadableNote(f"{file.path}: expected text in the column {text_column!r}, found {found}")
            columns = [text_column, *([id_column] if id_column else [])]
            number = 0
            for batch in table.iter_batches(batch_size=_PARQUET_ROWS, columns=columns):
                texts = batch.column(text_column).cast(pa.large_binary()).to_pylist()
                ids = batch.column(id_column).to_pylist() if id_column else [None] * len(texts)
                for text, note_id in zip(texts, ids, strict=True):
                    number += 1
                    position = size * number // max(1, table.metadata.num_rows)
                    yield from self._note(text, note_id, f"{file.name}:{number}", position)
        except pa.ArrowException:
            raise UnreadableNote(f"{file.path}: not a readable Parquet file") from None

    def _columns(
        self, file: "_File", names: list[str], row: dict[str, object] | None = None
    ) -> tuple[str, str | None]:
        """The columns of text and id: as asked for, else by their usual names, else what there is."""
        for asked in (self.text_column, self.id_column):
            if asked is not None and asked not in names:
                raise UsageError(f"{file.path}: no column {asked!r}; expected one of {', '.join(names)}")
        by_lower = {name.lower(): name for name in reversed(names)}
        text = self.text_column or next((by_lower[name] for name in TEXT_COLUMNS if name in by_lower), None)
        if text is None and len(names) == 1:
            text = names[0]
        if text is None:
            choices = ", ".join(names)
            raise UsageError(f"{file.path}: cannot tell the column of the text; name it with --text-column: {choices}")
        note_id = self.id_column or next((by_lower[name] for name in ID_COLUMNS if name in by_lower), None)
        if self.text_column is None:
            ids = f"ids from {note_id!r}" if note_id else "rows numbered"
            logger.info("%s: taking the text from the column %r, %s", file.name, text, ids)
        return text, note_id

    def _note(self, text: object, note_id: object, where: str, position: int) -> Iterator[tuple[NoteRecord, int]]:
        """The note of one row, unless it has no text."""
        if isinstance(text, bytes):
            text = self._decode(text, where)
            if text is None:
                return
        if not isinstance(text, str):
            self._skip(f"{where}: expected text, found {type(text).__name__}", "row without text")
            return
        yield NoteRecord(where if note_id in (None, "") else str(note_id), text), position

    def _decode(self, data: bytes, where: str) -> str | None:
        """Text of some bytes; None if they are not text and unreadable notes are skipped."""
        try:
            return self._decode_or_raise(data, where)
        except UnreadableNote as error:
            self._skip_or_raise(error, "not text in the given encoding")
            return None

    def _decode_or_raise(self, data: bytes, where: str) -> str:
        try:
            return data.decode(self.encoding)
        except UnicodeDecodeError:
            name = self.encoding.removesuffix("-sig")
            raise UnreadableNote(f"{where}: not {name} text; name its encoding with --encoding, as latin-1") from None

    def _skip(self, message: str, reason: str) -> None:
        self._skip_or_raise(UnreadableNote(message), reason)

    def _skip_or_raise(self, error: UnreadableNote, reason: str) -> None:
        if self.on_error == "stop":
            raise error
        logger.warning("skipped: %s", error)
        self.skipped[reason] += 1


@dataclass(frozen=True)
class _File:
    """A file of a known kind, and its name relative to what the person named."""

    path: Path
    name: str
    kind: str

    def open(self, raw: BinaryIO) -> BinaryIO:
        """The file's contents, decompressed."""
        if self.path.suffix.lower() != ".gz":
            return raw
        from isal import igzip

        return igzip.IGzipFile(fileobj=raw)


class _QuoteCounter(io.BufferedIOBase):
    """A stream that counts the quotation marks in it: Arrow reads on to the end of a file if one is left open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.quotes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        data = self._file.read(-1 if size is None else size)
        self.quotes += data.count(b'"')
        return data


def _kind(path: Path) -> str | None:
    """What holds the notes of a file: the suffix, `.gz` left aside; None if it is none of the known ones."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
        if suffixes[-1:] == [".parquet"]:
            return None
    return suffixes[-1] if suffixes and suffixes[-1] in SUFFIXES else None


def _expand(path: Path) -> list[_File]:
    """The files that an input stands for."""
    choices = f"{', '.join(SUFFIXES)} (all but .parquet also .gz)"
    if path.is_dir():
        found = [(file, _kind(file)) for file in sorted(path.rglob("*")) if file.is_file()]
        files = [_File(file, file.relative_to(path).as_posix(), kind) for file, kind in found if kind]
        if not files:
            raise UsageError(
                f"{path}: expected a folder with files of notes ({choices}), found {len(found)} other files"
            )
        return files
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    kind = _kind(path)
    if kind is None:
        raise UsageError(f"{path}: expected a folder or a file that ends in {choices}")
    return [_File(path, path.name, kind)]


def _is_text(kind: object) -> bool:
    """Whether an Arrow type holds text."""
    import pyarrow.types as types

    return any(
        is_kind(kind) for is_kind in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    )
