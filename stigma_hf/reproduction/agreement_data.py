"""Annotated spans with what each annotator said, from a file of annotations or a folder of spans; no text of notes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.mimic.annotations import read_annotations
from stigma_hf.mimic.splits import SPLITS
from stigma_hf.reporting.data import label_texts, read_evaluation_data
from stigma_hf.reporting.problems import Problems

_NOTE_OF_MIMIC = re.compile(r"(\d+)-[A-Z]+-\d+")


@dataclass(frozen=True)
class RatedSpan:
    """One annotated span.

    Attributes:
        task: Task id.
        anchor: The anchor; None if the data does not say.
        label: The label agreed on; None if there is none.
        patient: Who it is about: the patient, or the note where no patient is known.
        ratings: Annotator to what they said, those who saw the span.
    """

    task: str
    anchor: str | None
    label: str | None
    patient: str
    ratings: Mapping[str, str]


@dataclass(frozen=True)
class RatedSpans:
    """All annotated spans of a source.

    Attributes:
        spans: The spans, in the order of the source.
        annotators: Names of the annotator columns.
        provenance: Where the spans come from; None if nobody says.
        rows: The spans as `record_experiment` takes them.
    """

    spans: Sequence[RatedSpan]
    annotators: tuple[str, ...]
    provenance: dict[str, Any] | None
    rows: Sequence[Mapping[str, Any]]

    @property
    def source(self) -> str:
        """Where the spans come from, `unknown` if nobody says."""
        return str((self.provenance or {}).get("source", "unknown"))

    def of_task(self, task: str) -> list[RatedSpan]:
        """The spans of a task."""
        return [span for span in self.spans if span.task == task]


def read_rated_spans(path: str | Path, problems: Problems) -> RatedSpans:
    """The annotated spans of a file or a folder.

    Args:
        path: An `annotations.csv` in the published layout, or a folder of `stigma-hf build-dataset`.
        problems: Where to note what cannot be read.

    Raises:
        UsageError: If it is neither, or holds no annotated spans.
    """
    given = Path(path).expanduser()
    return _of_folder(given, problems) if given.is_dir() else _of_file(given)


def _of_folder(folder: Path, problems: Problems) -> RatedSpans:
    from pyarrow import parquet

    there = [split for split in SPLITS if (folder / "all" / f"{split}.parquet").is_file()]
    data = read_evaluation_data(folder, there or SPLITS, problems)
    spans: list[RatedSpan] = []
    rows: list[dict[str, Any]] = []
    annotators: dict[str, None] = {}
    for split, of_split in data.splits.items():
        file = folder / "all" / f"{split}.parquet"
        names = [name for name in parquet.read_schema(file).names if name.startswith("annotator_")]
        said = parquet.read_table(file, columns=names).to_pydict()
        columns = {name: of_split[name][:] for name in of_split.column_names if name != "context"}
        columns["label"] = label_texts(of_split)
        patients = columns.get("subject_id") or columns.get("note_id") or range(len(of_split))
        for place, patient in enumerate(patients):
            row = {name: values[place] for name, values in columns.items()}
            ratings = {name: values[place] for name, values in said.items() if values[place]}
            spans.append(RatedSpan(row["task"], row["anchor"], row["label"], str(patient), ratings))
            rows.append(row)
        annotators |= dict.fromkeys(names)
    return RatedSpans(spans, tuple(annotators), data.provenance, rows)


def _of_file(path: Path) -> RatedSpans:
    annotations = read_annotations(path)
    spans, rows = [], []
    for row in annotations.rows:
        ratings = {name: said for name, said in zip(annotations.annotators, row.annotators, strict=True) if said}
        spans.append(RatedSpan(row.task, row.anchor, row.label, patient_of_note(row.note_id), ratings))
        places = {"note_id": row.note_id, "clean_start": row.clean_start, "clean_end": row.clean_end}
        rows.append({"task": row.task, "anchor": row.anchor, "label": row.label, **places})
    return RatedSpans(spans, annotations.annotators, _provenance_beside(path), rows)


def patient_of_note(note_id: str) -> str:
    """The patient that the id of a note begins with, as in MIMIC-IV-Note; the note itself if its id is another.

    Example:
        >>> patient_of_note("90000764-DS-19"), patient_of_note("note 7")
        ('90000764', 'note 7')
    """
    found = _NOTE_OF_MIMIC.fullmatch(note_id)
    return found[1] if found else note_id


def _provenance_beside(path: Path) -> dict[str, Any] | None:
    """The record of where a file comes from that lies in its folder; `stigma-hf synthesize` writes one."""
    file = path.parent / "provenance.json"
    try:
        record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: expected a JSON record of where the annotations come from: {error}") from error
    return record if isinstance(record, dict) else None


def annotators_of(spans: Sequence[RatedSpan]) -> list[str]:
    """The annotators who said something, by name."""
    return sorted(set(chain.from_iterable(span.ratings for span in spans)))
