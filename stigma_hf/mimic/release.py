"""Tell which release of MIMIC-IV a folder holds, and whether the published split exists on it."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stigma_hf.errors import UsageError
from stigma_hf.mimic.files import MimicFiles

PUBLISHED = "2.2"
ADMISSIONS_OF = {431_231: "2.2", 546_028: "3.1"}
"""Number of admissions of the releases that can be told by it."""

_IMITATION_ADMISSIONS = 10_000
_VERSION_FOLDER = re.compile(r"(?:.*[^0-9.])?v?([0-9]\.[0-9])(?:\.[0-9])?")
_VERSION = re.compile(r"\bv?([0-9]\.[0-9])\b")
_LEVELS_ABOVE = 4
_OLD_LANGUAGES = {"ENGLISH", "?", ""}


@dataclass(frozen=True)
class Release:
    """Which release a tree is, as far as can be told.

    Attributes:
        name: Release of MIMIC-IV, as `2.2`; `3.x` where only its spelling gives it away; None if nothing does.
        note_name: Release of MIMIC-IV-Note by the folder it is in; None if that does not say.
        admissions: Number of admissions.
        evidence: What was seen, in words.
        is_complete: Whether the number of admissions is that of a published release.
        is_synthetic: Whether the patients are invented.
    """

    name: str | None
    note_name: str | None
    admissions: int
    evidence: tuple[str, ...]
    is_complete: bool
    is_synthetic: bool

    def __str__(self) -> str:
        kind = "synthetic " if self.is_synthetic else ""
        name = f"MIMIC-IV {self.name}" if self.name else "MIMIC-IV of an unknown release"
        return f"{kind}{name} with {self.admissions:,} admissions"

    def require_published(self) -> str | None:
        """Raise if the published split does not exist on this tree.

        A tree of a few patients cannot be what the split was drawn on, and cannot be mistaken for it either: there the
        same draw is allowed.

        Returns:
            A caution to pass on when the assignment could be taken for the published one and is not; None otherwise.

        Raises:
            UsageError: If the tree is another release than 2.2, or not all of it.
        """
        instead = (
            'use split="hash", which is stable on any release, or give split_admissions= '
            "the admissions file of MIMIC-IV 2.2"
        )
        why = "the published split is drawn over all patients of MIMIC-IV 2.2"
        if self.name not in (PUBLISHED, None):
            raise UsageError(f"split 'released': found {self}; {why}; {instead}")
        if self.is_complete or self.is_synthetic:
            return None
        if self.admissions >= _IMITATION_ADMISSIONS:
            expected = "the 431,231 of the complete release"
            raise UsageError(f"split 'released': expected {expected}, found {self}; {why}; {instead}")
        return f"split 'released' is drawn over {self}, so it is not the published assignment; {why}"


def detect_release(files: MimicFiles, admissions: int, languages: Iterable[str]) -> Release:
    """The release of a tree, by what speaks for it: the number of admissions first, then names, change log, spelling.

    Args:
        files: The files found.
        admissions: Number of admissions.
        languages: Languages as the admissions have them: releases before 3 know English and `?` only.
    """
    by_count = ADMISSIONS_OF.get(admissions)
    by_record = files.provenance.get("release") if files.is_synthetic else None
    by_folder = _release_by_folder(files.admissions)
    by_change_log = _release_by_change_log(files.admissions)
    by_spelling = None if set(languages) <= _OLD_LANGUAGES else "3.x"
    evidence = [f"{admissions:,} admissions {f'are those of {by_count}' if by_count else 'fit no published release'}"]
    evidence += [
        f"{source} says {name}"
        for source, name in (
            ("the provenance record", by_record),
            ("the folder name", by_folder),
            ("the change log", by_change_log),
            ("the spelling of languages", by_spelling),
        )
        if name
    ]
    if (checked := _matches_checksum(files.admissions)) is not None:
        evidence.append(f"the admissions file {'has' if checked else 'does not have'} its published checksum")
    return Release(
        name=by_count or by_record or by_folder or by_change_log or by_spelling,
        note_name=_release_by_folder(files.discharge),
        admissions=admissions,
        evidence=tuple(evidence),
        is_complete=by_count is not None,
        is_synthetic=files.is_synthetic,
    )


def _above(path: Path) -> list[Path]:
    """The folders around a file that a release may be named by, nearest first."""
    return list(path.absolute().parents)[:_LEVELS_ABOVE]


def _release_by_folder(path: Path) -> str | None:
    """The release that the nearest versioned folder is named after."""
    named = (_VERSION_FOLDER.fullmatch(folder.name) for folder in _above(path))
    return next((match[1] for match in named if match), None)


def _release_by_change_log(path: Path) -> str | None:
    """The newest release that the change log around a file speaks of."""
    for folder in _above(path):
        for name in ("CHANGELOG.txt", "CHANGELOG.md", "CHANGELOG"):
            if (folder / name).is_file():
                versions = _VERSION.findall((folder / name).read_text(encoding="utf-8", errors="replace"))
                return max(versions, default=None)
    return None


def _matches_checksum(path: Path) -> bool | None:
    """Whether a file has the checksum listed for it; None if none is."""
    for folder in _above(path):
        listing = folder / "SHA256SUMS.txt"
        if not listing.is_file():
            continue
        name = path.absolute().relative_to(folder).as_posix()
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            checksum, _, listed = line.strip().partition(" ")
            if listed.lstrip(" *").removeprefix("./") == name:
                with open(path, "rb") as file:
                    return hashlib.file_digest(file, "sha256").hexdigest() == checksum.lower()
        return None
    return None
