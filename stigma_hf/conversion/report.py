"""What a conversion did, for people and for the folder it wrote."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stigma_hf import __version__
from stigma_hf.conversion.verification import Proof

REPORT_FILE = "conversion.json"


@dataclass(frozen=True)
class ConvertedModel:
    """One converted model.

    Attributes:
        name: Its released name.
        title: What it is.
        folder: Where it was written.
        files: The released files it was made from, relative to the folder they came in, with their SHA-256 sums.
        labels: Task to the released order of its labels, which are in alphabetical order now.
        proofs: What was compared, and how it came out.
        notes: What else a person should know.
        seconds: How long it took.
    """

    name: str
    title: str
    folder: Path
    files: Mapping[str, str]
    labels: Mapping[str, Sequence[str]]
    proofs: Sequence[Proof]
    notes: Sequence[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def size(self) -> int:
        """Bytes of the folder."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    def as_record(self) -> dict[str, Any]:
        """What is written into the folder: sums, counts and differences, and no path of this machine."""
        return {
            "name": self.name,
            "stigma_hf_version": __version__,
            "released_files": dict(self.files),
            "released_label_order": {task: list(order) for task, order in self.labels.items()},
            "proofs": [asdict(proof) for proof in self.proofs],
            "notes": list(self.notes),
        }

    def save(self, folder: Path) -> None:
        """Write the record of the conversion into the folder of the model."""
        text = json.dumps(self.as_record(), indent=2) + "\n"
        (folder / REPORT_FILE).write_text(text, encoding="utf-8")


def sums_of(files: Sequence[Path], root: Path) -> dict[str, str]:
    """SHA-256 sums of some files, by their paths within a folder."""
    sums = {}
    for file in files:
        with file.open("rb") as stream:
            sums[file.relative_to(root).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return sums
