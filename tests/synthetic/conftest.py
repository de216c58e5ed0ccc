"""A synthetic tree of the default size, written once, and its files as rows."""

import csv
import gzip
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from stigma_hf.mimic.splits import released_split
from stigma_hf.synthetic import SyntheticTree, synthesize


@dataclass
class ReadTree:
    """A tree as its files say it is."""

    tree: SyntheticTree
    release: str = "2.2"

    def rows(self, name: str) -> list[dict[str, str]]:
        """The rows of a file."""
        folders = {"discharge.csv.gz": "mimic-iv-note-2.2/note", "annotations.csv": "."}
        path = self.tree.folder / folders.get(name, f"mimic-iv-{self.release}/hosp") / name
        csv.field_size_limit(10**8)
        opened = gzip.open(path, "rt", encoding="utf-8", newline="") if name.endswith("gz") else path.open(newline="")
        with opened as file:
            return list(csv.DictReader(file))

    @cached_property
    def annotations(self) -> list[dict[str, str]]:
        return self.rows("annotations.csv")

    @cached_property
    def notes(self) -> dict[str, dict[str, str]]:
        return {row["note_id"]: row for row in self.rows("discharge.csv.gz")}

    @cached_property
    def admissions(self) -> list[dict[str, str]]:
        return self.rows("admissions.csv.gz")

    @cached_property
    def split(self) -> dict[str, str]:
        """Split of each patient, by subject id."""
        ids = {int(row["subject_id"]) for row in self.admissions}
        return {str(subject): split for subject, split in released_split(ids).items()}

    def subject(self, annotation: dict[str, str]) -> str:
        return self.notes[annotation["encounter_note_id"]]["subject_id"]

    def by_label(self) -> Counter[tuple[str, str]]:
        return Counter((row["keyword_category"], row["label"]) for row in self.annotations)


@pytest.fixture(scope="session")
def default_tree(tmp_path_factory: pytest.TempPathFactory) -> ReadTree:
    return ReadTree(synthesize(tmp_path_factory.mktemp("synthetic") / "tree"))


@pytest.fixture(scope="session")
def small_tree(tmp_path_factory: pytest.TempPathFactory) -> ReadTree:
    return ReadTree(synthesize(tmp_path_factory.mktemp("synthetic") / "small", notes=300, seed=3))


@pytest.fixture
def sentence_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sentences"
    folder.mkdir()
    return folder
