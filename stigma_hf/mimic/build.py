"""Put the annotated spans together: notes, matches, annotations, metadata and splits."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from stigma_hf.errors import UsageError
from stigma_hf.mimic.annotations import read_annotations
from stigma_hf.mimic.csv_input import read_table
from stigma_hf.mimic.duplicates import DuplicateMarker
from stigma_hf.mimic.files import MimicFiles
from stigma_hf.mimic.matches import MATCHES, attach_metadata
from stigma_hf.mimic.notes import NoteStream
from stigma_hf.mimic.pairing import label_matches, pair_annotations, unmatched_because
from stigma_hf.mimic.release import Release, detect_release
from stigma_hf.mimic.report import BuildReport
from stigma_hf.mimic.splits import PUBLISHED_SEED, SPLITS, Split, check_disjoint, hash_split, released_split
from stigma_hf.mimic.tables import AdmissionTable
from stigma_hf.mimic.workers import search_batches

Duplicates = Literal["mark", "drop"]

_ROWS_PER_TABLE = 4096
_OnNotes = Callable[[int], Any]


@dataclass(frozen=True)
class Spans:
    """The annotated spans.

    Attributes:
        splits: Split name to its rows, in the order of the annotations: the columns of `MATCHES`, the label, one
            column per annotator and the columns of `METADATA`.
        report: The account of the build.
    """

    splits: dict[str, pa.Table]
    report: BuildReport


class Builder:
    """Builds the data set from one tree of MIMIC-IV.

    Args:
        files: Where the tree is.
        on_notes: Called with the number of notes of each batch read, for a progress bar.

    Raises:
        UsageError: If a table is broken or lacks columns.
    """

    def __init__(self, files: MimicFiles, on_notes: _OnNotes | None = None) -> None:
        self.files = files
        self.admissions = AdmissionTable(self.files)
        self.release = detect_release(self.files, len(self.admissions.rows), self.admissions.languages)
        self._on_notes = on_notes

    def spans(
        self,
        annotations: str | Path,
        split: Split = "released",
        seed: int = PUBLISHED_SEED,
        split_admissions: str | Path | None = None,
        num_proc: int = 1,
    ) -> Spans:
        """The annotated spans, assigned to train, validation and test.

        Args:
            annotations: The published annotations, or others in their layout.
            split: `released` repeats the published assignment, `hash` is stable when patients come and go.
            seed: Seed of the assignment.
            split_admissions: The admissions file of MIMIC-IV 2.2, to draw the published assignment on another release.
            num_proc: Number of processes that search.

        Raises:
            UsageError: If an input is wrong, or the published assignment does not exist on this tree.
        """
        report = BuildReport(self.release, split)
        assigned = self._assign(split, seed, split_admissions, report)
        wanted = read_annotations(annotations)
        notes = NoteStream(self.files, self.admissions, wanted.note_ids, self._on_notes)
        matches = pa.concat_tables([MATCHES.empty_table(), *search_batches(notes, num_proc, wanted.places)])
        report.counts = Counter({"annotations": len(wanted.rows)}) + notes.counts + self.admissions.counts
        if split == "hash":
            assigned = hash_split(matches["subject_id"].drop_null().to_pylist(), seed)
        paired, report.unmatched = pair_annotations(wanted.rows, matches, notes.existing(wanted.note_ids))
        patients = matches["subject_id"].to_pylist()
        lost = [row for row, place in paired if patients[place] not in assigned]
        report.unmatched += [unmatched_because(row, "a patient without an admission or a split") for row in lost]
        paired = [(row, place) for row, place in paired if patients[place] in assigned]
        splits = [assigned[patients[place]] for _, place in paired]
        report.labels.update(f"{at}/{row.task}/{row.label}" for (row, _), at in zip(paired, splits, strict=True))
        spans = attach_metadata(label_matches(matches, paired, wanted.annotators), self.admissions)
        divided = {name: spans.filter(pa.array([at == name for at in splits], pa.bool_())) for name in SPLITS}
        check_disjoint({name: table["subject_id"].to_pylist() for name, table in divided.items()})
        return Spans(divided, report)

    def matches(self, report: BuildReport, duplicates: Duplicates = "mark", num_proc: int = 1) -> Iterator[pa.Table]:
        """Every match of every note, unlabelled, in tables of some thousand rows.

        Memory does not grow with the notes, but for a digest of each match to know duplicates by.

        Args:
            report: Filled in once the last table is given out.
            duplicates: `mark` keeps the matches whose text stood in an earlier one and says so in the column
                `is_duplicate`; `drop` leaves them out, as the published pool for annotation did.
            num_proc: Number of processes that search; the order of the matches is the same with any.

        Raises:
            UsageError: If a file is broken.
        """
        if duplicates not in get_args(Duplicates):
            raise UsageError(f"expected duplicates among {', '.join(get_args(Duplicates))}, found {duplicates!r}")
        notes = NoteStream(self.files, self.admissions, on_notes=self._on_notes)
        marker = DuplicateMarker()
        for table in _in_large_tables(search_batches(notes, num_proc)):
            table = marker.mark(attach_metadata(table, self.admissions))
            report.counts["duplicate matches"] += pc.sum(table["is_duplicate"]).as_py()
            if duplicates == "drop":
                table = table.filter(pc.invert(table["is_duplicate"]))
            report.labels.update(table["task"].to_pylist())
            yield table
        report.counts += self.admissions.counts + notes.counts

    def _assign(
        self, split: str, seed: int, split_admissions: str | Path | None, report: BuildReport
    ) -> dict[int, str]:
        """The split of every patient with an admission; nothing yet for `hash`, which needs no admissions."""
        if split not in get_args(Split):
            raise UsageError(f"expected split among {', '.join(get_args(Split))}, found {split!r}")
        if split == "hash":
            return {}
        release, subject_ids = self.release, self.admissions.rows["subject_id"]
        if split_admissions is not None:
            release, subject_ids = _read_split_admissions(self.files, Path(split_admissions))
        if caution := release.require_published():
            report.cautions.append(caution)
        return released_split(subject_ids.drop_null().to_pylist(), seed)


def _read_split_admissions(files: MimicFiles, path: Path) -> tuple[Release, pa.ChunkedArray]:
    """The release of an admissions file, and the patients in it."""
    if not path.is_file():
        raise UsageError(f"expected the admissions of MIMIC-IV 2.2 as split_admissions, found no file at {path}")
    table = read_table(path, {"subject_id": pa.int64(), "language": pa.string()})
    # What the tree says of its own release says nothing of this file.
    files = replace(files, admissions=path, provenance={})
    release = detect_release(files, len(table), table["language"].unique().to_pylist())
    return release, table["subject_id"]


def _in_large_tables(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of some thousand each, which cost less to add columns to."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= _ROWS_PER_TABLE:
            yield pa.concat_tables(waiting)
            waiting.clear()
    if any(map(len, waiting)):
        yield pa.concat_tables(waiting)
