"""Write the build as the released toolkit wrote it: CSV files with its column names, its rows and its order."""

import csv
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stigma_hf.errors import UsageError
from stigma_hf.mimic.annotations import Annotations, read_annotations
from stigma_hf.mimic.build import Builder
from stigma_hf.mimic.files import MimicPath, find_files
from stigma_hf.mimic.matches import MATCHES, search_notes
from stigma_hf.mimic.notes import NoteStream
from stigma_hf.mimic.output import finished_folder
from stigma_hf.mimic.pairing import label_matches, pair_annotations
from stigma_hf.mimic.report import BuildReport
from stigma_hf.mimic.tables import AdmissionTable
from stigma_hf.search import AnchorSearch

NOTE_COLUMNS = {
    "note_id": "encounter_note_id",
    "subject_id": "enterprise_mrn",
    "hadm_id": "encounter_id",
    "note_type": "encounter_type",
    "note_seq": "note_seq",
    "charttime": "encounter_date",
    "storetime": "encounter_date_aux",
    "service": "encounter_note_service",
    "unit": "encounter_note_unit",
}
"""Columns of `matches.source.csv`: ours and theirs."""

MATCH_COLUMNS = {
    "subject_id": "enterprise_mrn",
    "hadm_id": "encounter_id",
    "note_id": "encounter_note_id",
    "note_type": "encounter_type",
    "charttime": "encounter_date",
    "service": "encounter_note_service",
    "unit": "encounter_note_unit",
    "task": "keyword_category",
    "anchor": "keyword",
    "clean_start": "start",
    "clean_end": "end",
    "context": "note_text",
}
"""Columns of `matches.csv`, and with the label of `annotations.augmented.csv`."""

ADMISSION_COLUMNS = {
    "hadm_id": "encounter_id",
    "subject_id": "enterprise_mrn",
    "admittime": "encounter_date_start",
    "dischtime": "encounter_date_end",
    "admission_type": "patient_admission_type",
    "race": "patient_race",
    "language": "patient_language",
    "marital_status": "patient_marital_status",
    "insurance": "patient_insurance_type",
    "sex": "patient_gender",
    "age": "patient_age",
    "time_period": "patient_time_period",
    "icd_9_codes": "patient_icd_9_codes",
    "icd_10_codes": "patient_icd_10_codes",
    "service": "encounter_note_service",
    "unit": "encounter_note_unit",
}
"""Columns of `matches.metadata.csv`."""

_EXTRA = {name: pa.string() for name in ("note_type", "note_seq", "charttime", "storetime")}


def export_released_csv(
    mimic: MimicPath | Sequence[MimicPath],
    out: str | Path,
    annotations: str | Path | None = None,
    annotations_only: bool = False,
) -> BuildReport:
    """Write `matches.csv`, `matches.source.csv`, `matches.metadata.csv` and `annotations.augmented.csv`.

    They equal the released toolkit's files but for annotations that match nothing: the toolkit kept them as rows of
    empty fields, here they are in the report.

    Args:
        mimic: The folder of MIMIC-IV, or several that are searched together.
        out: A new folder, made readable by its owner alone.
        annotations: The published annotations; without them there is no augmented file.
        annotations_only: Whether to search only the notes that have an annotation.

    Raises:
        UsageError: If an input or the folder is not as it should be.
    """
    if annotations_only and annotations is None:
        raise UsageError("annotations_only needs the annotations; give their CSV file as well")
    builder = Builder(find_files(mimic))
    wanted = read_annotations(annotations) if annotations is not None else None
    report = BuildReport(builder.release)
    notes = NoteStream(
        builder.files,
        builder.admissions,
        note_ids=wanted.note_ids if wanted and annotations_only else None,
        extra_columns=_EXTRA,
    )
    with finished_folder(out) as folder:
        annotated = _write_matches(folder, notes, builder.admissions, wanted)
        if wanted:
            paired, report.unmatched = pair_annotations(wanted.rows, annotated, notes.existing(wanted.note_ids))
            with _Writer(folder / "annotations.augmented.csv", {**MATCH_COLUMNS, "label": "label"}) as writer:
                writer.write(label_matches(annotated, paired, ()))
    report.counts = notes.counts + builder.admissions.counts
    return report


def _write_matches(
    folder: Path, notes: NoteStream, admissions: AdmissionTable, wanted: Annotations | None
) -> pa.Table:
    """Write the three files of matches; gives back the matches of annotated notes."""
    search = AnchorSearch()
    annotated, stays = [MATCHES.empty_table()], []
    with ExitStack() as stack:
        sources = stack.enter_context(_Writer(folder / "matches.source.csv", NOTE_COLUMNS))
        matches = stack.enter_context(_Writer(folder / "matches.csv", MATCH_COLUMNS))
        for batch in notes:
            stays.append(batch.column("hadm_id").drop_null())
            sources.write(_with_place(pa.Table.from_batches([batch]).drop_columns("text"), admissions))
            found = _with_place(search_notes(batch, search), admissions)
            matches.write(found)
            if wanted:
                annotated.append(found.filter(pc.is_in(found["note_id"], value_set=wanted.note_ids)))
    with _Writer(folder / "matches.metadata.csv", ADMISSION_COLUMNS) as writer:
        known = admissions.take(pa.chunked_array(stays, pa.int64()).unique())
        writer.write(known.filter(pc.is_valid(known["hadm_id"])))
    return pa.concat_tables(annotated, promote_options="default")


def _with_place(rows: pa.Table, admissions: AdmissionTable) -> pa.Table:
    """Rows with the service and unit of their admission."""
    known = admissions.take(rows["hadm_id"])
    for name in ("service", "unit"):
        rows = rows.append_column(name, known[name].cast(pa.string()))
    return rows


class _Writer:
    """A CSV file with some columns of a table under other names."""

    def __init__(self, path: Path, columns: dict[str, str]) -> None:
        self._columns = list(columns)
        self._file = open(path, "w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow(columns.values())

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, rows: pa.Table) -> None:
        """Write some rows; lists of codes are joined by semicolons."""
        columns = [rows[name].to_pylist() for name in self._columns]
        for row in zip(*columns, strict=True):
            self._csv.writerow(["; ".join(value) if isinstance(value, list) else value for value in row])
