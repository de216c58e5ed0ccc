"""Find the files of MIMIC-IV that the builder needs, however they were downloaded."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError

MODULES = {
    "admissions": "hosp",
    "patients": "hosp",
    "diagnoses_icd": "hosp",
    "services": "hosp",
    "transfers": "hosp",
    "discharge": "note",
}
"""The tables that are read, and the module of MIMIC-IV or MIMIC-IV-Note that each is published in."""

_ENDINGS = (".csv.gz", ".csv")
_SYNTHETIC_MARK = "SYNTHETIC.md"
_PROVENANCE = "provenance.json"

MimicPath = str | os.PathLike[str]


class MissingFiles(UsageError, FileNotFoundError):
    """Some of the needed files are not there; the message names them all."""


@dataclass(frozen=True)
class MimicFiles:
    """Where the needed files are.

    Attributes:
        admissions: Hospital stays, with what the patient said of themselves.
        patients: One row per patient.
        diagnoses_icd: Billing codes of each stay.
        services: Which service looked after the patient, and since when.
        transfers: Which unit the patient lay in, and since when.
        discharge: Discharge notes.
        roots: The folders that were searched.
        is_synthetic: Whether the folders say that they hold invented patients.
        provenance: What the provenance record in the folders says; empty without one.
    """

    admissions: Path
    patients: Path
    diagnoses_icd: Path
    services: Path
    transfers: Path
    discharge: Path
    roots: tuple[Path, ...]
    is_synthetic: bool
    provenance: dict[str, Any]

    @property
    def paths(self) -> dict[str, Path]:
        """Table name to its file."""
        return {name: getattr(self, name) for name in MODULES}


def find_files(mimic: MimicPath | Sequence[MimicPath]) -> MimicFiles:
    """The needed files below one folder or several.

    MIMIC-IV and MIMIC-IV-Note may be together or apart, in version folders, in the folders of a mirror or of an
    unpacked archive, or all in one flat folder, compressed or not. Where a folder holds a table both ways, the
    compressed file, the one that is published, is taken.

    Args:
        mimic: A folder, or several that are searched together.

    Raises:
        MissingFiles: If a folder does not exist or files are missing; all of them are named.
        UsageError: If a table is found in more than one folder.
    """
    roots = tuple(Path(root) for root in ([mimic] if isinstance(mimic, str | os.PathLike) else mimic))
    if not roots:
        raise UsageError("expected the folder of MIMIC-IV, or several, found an empty list")
    if absent := [str(root) for root in roots if not root.is_dir()]:
        raise MissingFiles(f"expected folders that hold MIMIC-IV, found no folder at {', '.join(absent)}")
    found: dict[str, list[Path]] = {table: [] for table in MODULES}
    folders: set[Path] = set()
    for folder, names in _walk(roots):
        folders.add(folder)
        for table, places in found.items():
            if ending := next((ending for ending in _ENDINGS if table + ending in names), None):
                places.append(folder / (table + ending))
    _check(roots, found)
    paths = {table: places[0] for table, places in found.items()}
    marks = [folder for path in paths.values() for folder in path.parents if folder in folders]
    provenance = _read_provenance(marks)
    is_synthetic = provenance.get("source") == "synthetic" or any((m / _SYNTHETIC_MARK).is_file() for m in marks)
    return MimicFiles(**paths, roots=roots, is_synthetic=is_synthetic, provenance=provenance)


def _check(roots: tuple[Path, ...], found: dict[str, list[Path]]) -> None:
    """Raise unless each table was found in one folder."""
    where = ", ".join(map(str, roots))
    if missing := [table for table, places in found.items() if not places]:
        names = ", ".join(f"{MODULES[table]}/{table}.csv.gz" for table in missing)
        notes = " (discharge notes are a download of their own, MIMIC-IV-Note)" if "discharge" in missing else ""
        raise MissingFiles(f"{where}: {len(missing)} of {len(found)} needed files are missing: {names}{notes}")
    if ambiguous := {table: places for table, places in found.items() if len(places) > 1}:
        table, places = next(iter(ambiguous.items()))
        listed = ", ".join(map(str, places))
        raise UsageError(
            f"{where}: expected one file of each table, found {len(places)} of {table} ({listed}); "
            "name the folders of one release instead"
        )


def _walk(roots: tuple[Path, ...]) -> Iterator[tuple[Path, set[str]]]:
    """Every folder to look into, once, with the names of the files in it."""
    seen: set[Path] = set()
    for root in roots:
        for name, folders, names in os.walk(root, followlinks=True):
            folder = Path(name)
            # Links may lead around in a circle. Archives made on a Mac carry a shadow tree.
            if (place := folder.resolve()) in seen:
                folders.clear()
                continue
            seen.add(place)
            folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
            yield folder, set(names)


def _read_provenance(folders: Sequence[Path]) -> dict[str, Any]:
    """The provenance record of the first folder that has one."""
    path = next((folder / _PROVENANCE for folder in folders if (folder / _PROVENANCE).is_file()), None)
    if path is None:
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path}: expected a provenance record as JSON, found something else") from error
    if not isinstance(record, dict):
        raise UsageError(f"{path}: expected a provenance record as a JSON object, found {type(record).__name__}")
    return record
