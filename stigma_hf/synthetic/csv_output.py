"""CSV files in writing, compressed or not, whose bytes depend on the rows alone."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from isal import igzip

_BUFFER = 1 << 20


class CsvWriter:
    """A CSV file in writing.

    Args:
        path: The file, compressed if its name ends in `.gz`; its folder is made.
        columns: Column names with commas between them.
    """

    def __init__(self, path: Path, columns: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        raw: Any = path.open("wb")
        self._files: list[Any] = [raw]
        if path.suffix == ".gz":
            # No name and no time in the header: the same rows give the same bytes.
            raw = igzip.IGzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0)
            self._files.append(raw)
        self._text = io.TextIOWrapper(io.BufferedWriter(raw, _BUFFER), encoding="utf-8", newline="")
        self._files.append(self._text)
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(columns.split(","))

    def write(self, rows: Iterable[Iterable[object]]) -> None:
        """Append rows."""
        self._writer.writerows(rows)

    def __enter__(self) -> "CsvWriter":
        return self

    def __exit__(self, *_: object) -> None:
        for file in reversed(self._files):
            file.close()
