"""Where a model or a data set comes from, by every record of it there is.

This is the one place that knows how sources are spelled. A record that is missing, unknown or at odds with another
makes the origin unknown, and nothing of unknown origin is published.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from stigma_hf.tasks import RESOURCES, load_tasks


class Origin(StrEnum):
    """What something was learned from."""

    PATIENTS = "derived from patients"
    SYNTHETIC = "synthetic"
    PUBLISHED_COUNTS = "published counts"
    UNKNOWN = "unknown"


MAY_BE_PUBLIC = (Origin.SYNTHETIC, Origin.PUBLISHED_COUNTS)

_SPELLINGS = {
    "mimic-iv": Origin.PATIENTS,
    "mimic-iv derived": Origin.PATIENTS,
    "mimic-iv-note": Origin.PATIENTS,
    "patient notes": Origin.PATIENTS,
    "synthetic": Origin.SYNTHETIC,
    "published counts": Origin.PUBLISHED_COUNTS,
}
_BUILD_REPORT = "build_report.json"
_CONVERSION = "conversion.json"


@dataclass(frozen=True)
class Provenance:
    """Where a folder comes from.

    Attributes:
        origin: What it was learned from.
        records: The files that say so, each with what it says.
        problem: Why the origin is unknown; empty if it is known.
    """

    origin: Origin
    records: tuple[str, ...] = ()
    problem: str = ""


def provenance_of(folder: str | Path) -> Provenance:
    """Where a folder of a model or of a data set comes from.

    Args:
        folder: The folder.
    """
    said = dict(_statements(Path(folder)))
    records = tuple(f"{where}: {origin}" for where, origin in said.items())
    origins = set(said.values())
    if not origins:
        return Provenance(Origin.UNKNOWN, records, "no file says where it comes from")
    if len(origins) > 1:
        return Provenance(Origin.UNKNOWN, records, f"its records contradict each other ({'; '.join(records)})")
    origin = origins.pop()
    if origin is Origin.UNKNOWN:
        known = ", ".join(_SPELLINGS)
        return Provenance(origin, records, f"its record names no source among {known}")
    if origin is Origin.PUBLISHED_COUNTS and not _holds_published_counts(Path(folder)):
        return Provenance(Origin.UNKNOWN, records, "it says published counts, and holds others than were printed")
    return Provenance(origin, records)


def origin_of(record: Any) -> Origin:
    """What a provenance record says; a merged model is from patients if one of its parts is.

    Args:
        record: The record, `source` and what else is known.
    """
    if not isinstance(record, Mapping) or not isinstance(record.get("source"), str):
        return Origin.UNKNOWN
    words = record["source"].casefold().strip()
    named = [_SPELLINGS.get(part.strip(), Origin.UNKNOWN) for part in words.split(" and ")]
    origin = _joined(named)
    if "merged_from" not in record:
        return origin
    parts = record["merged_from"] if isinstance(record["merged_from"], list) else []
    of_parts = [origin_of(part.get("provenance") if isinstance(part, Mapping) else None) for part in parts]
    return origin if of_parts and _joined(of_parts) is origin else Origin.UNKNOWN


def _joined(origins: list[Origin]) -> Origin:
    """The origin of what is made from several."""
    strictest_first = (Origin.UNKNOWN, Origin.PATIENTS, Origin.SYNTHETIC, Origin.PUBLISHED_COUNTS)
    return next(origin for origin in strictest_first if origin in origins)


def _statements(folder: Path) -> Iterator[tuple[str, Origin]]:
    """Every file that says something about the origin, and what."""
    config = _read(folder / "config.json")
    if config is not None:
        yield "config.json", origin_of(config.get("provenance"))
        if isinstance(config.get("training"), Mapping) and "converted_from" in config["training"]:
            yield "config.json, converted_from", Origin.PATIENTS
    if (folder / "provenance.json").exists():
        yield "provenance.json", origin_of(_read(folder / "provenance.json"))
    if (folder / _CONVERSION).exists():
        yield _CONVERSION, Origin.PATIENTS
    report = _read(folder / _BUILD_REPORT)
    if report is not None:
        release = report.get("release")
        is_synthetic = isinstance(release, Mapping) and release.get("is_synthetic") is True
        yield _BUILD_REPORT, Origin.SYNTHETIC if is_synthetic else Origin.PATIENTS
    if config is None and (folder / "provenance.json").exists():
        from stigma_hf.publishing.belonging import has_invented_patients

        is_invented = has_invented_patients(folder)
        if is_invented is not None:
            yield "ids of patients", Origin.SYNTHETIC if is_invented else Origin.PATIENTS


def _holds_published_counts(folder: Path) -> bool:
    """Whether the counts of a folder are those printed in the paper, of one of its two data sets."""
    from stigma_hf.baseline.counts import read_published_counts

    counts = _read(folder / "counts.json")
    labels = {task.id: task.labels for task in load_tasks().values()}
    printed = RESOURCES / "published" / "anchor_label_counts.csv"
    return any(counts == read_published_counts(str(printed), name, labels) for name in ("mimic", "jhm"))


def _read(file: Path) -> dict[str, Any] | None:
    """A JSON object; None if there is none."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return entries if isinstance(entries, dict) else None
