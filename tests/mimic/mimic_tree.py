"""The small imitation of MIMIC-IV that the recorded outputs were made from, and ways to spoil a copy of it."""

import csv
import gzip
import io
import shutil
from collections.abc import Callable
from pathlib import Path

PARITY = Path(__file__).parents[1] / "parity"
BUILD = PARITY / "build"
BASELINE = PARITY / "baseline"
TREE = BUILD / "mimic-iv"
ANNOTATIONS = BUILD / "annotations.csv"
TABLES = ("admissions", "patients", "diagnoses_icd", "services", "transfers", "discharge")

Row = dict[str, str]


def copy_tree(folder: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(TREE, folder / "mimic-iv", copy_function=shutil.copyfile))


def read_rows(path: Path, encoding: str = "utf-8") -> list[Row]:
    """Rows of a CSV file, gzip or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def edit(path: Path, change: Callable[[list[Row]], list[Row]]) -> None:
    """Replace the rows of a CSV file by what `change` makes of them."""
    rows = change(read_rows(path, "latin-1"))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    data = text.getvalue().encode("latin-1")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def map_rows(change: Callable[[Row], Row]) -> Callable[[list[Row]], list[Row]]:
    """`edit` each row alone."""
    return lambda rows: [change(row) for row in rows]
