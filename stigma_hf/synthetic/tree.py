"""Write a synthetic MIMIC-IV: the files the builder reads, invented patients, annotations in the published numbers."""

import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple, get_args

from stigma_hf import __version__
from stigma_hf.errors import UsageError
from stigma_hf.mimic.splits import PUBLISHED_SEED
from stigma_hf.synthetic import published
from stigma_hf.synthetic.annotations import ANNOTATION_COLUMNS, Annotator
from stigma_hf.synthetic.csv_output import CsvWriter
from stigma_hf.synthetic.identifiers import draw_subjects
from stigma_hf.synthetic.notes import Insertion, NoteWriter
from stigma_hf.synthetic.people import COLUMNS, SERVICES, PeopleWriter, Release, sex_of
from stigma_hf.synthetic.plan import PlannedNote, PlannedPatient, plan_patients
from stigma_hf.synthetic.published import Stratum
from stigma_hf.synthetic.records import write_marks
from stigma_hf.synthetic.sentences import load_sentences
from stigma_hf.synthetic.shares import SentenceDeck, Split

logger = logging.getLogger(__name__)

NOTE_COLUMNS = "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text"
OTHER_ANCHORS_SHARE = 0.5
"""Share of notes with anchors that nobody annotated."""

_STRATA = [
    Stratum(race, sex)
    for race, weight in (("white", 13), ("black", 3), ("other", 3), ("unknown", 1))
    for sex in ("female", "male")
    for _ in range(weight)
]
_REWRITES = 5


@dataclass(frozen=True)
class SyntheticTree:
    """What was written.

    Attributes:
        folder: The tree, to be given to the builder.
        annotations: The annotations file.
        spans: Number of annotated spans.
        notes: Number of notes.
        annotated_notes: Number of notes with annotated spans.
        patients: Number of patients.
        annotated_patients: Number of patients with annotated spans.
        admissions: Number of hospital stays.
        is_complete: Whether all published spans have their counterpart; a tree of fewer notes is a sample.
    """

    folder: Path
    annotations: Path
    spans: int
    notes: int
    annotated_notes: int
    patients: int
    annotated_patients: int
    admissions: int
    is_complete: bool


class _Patient(NamedTuple):
    """A patient to write: the spans of each note, none for a note without annotations."""

    subject: int
    split: Split
    stratum: Stratum
    notes: list[PlannedNote]


def synthesize(
    out: str | Path, notes: int = published.NOTES, seed: int = 0, release: Release = "2.2"
) -> SyntheticTree:
    """Write a synthetic tree; the same arguments give the same bytes.

    Args:
        out: Folder to write, which must not exist or be empty.
        notes: Number of discharge notes. By default every published annotated note has its counterpart; more notes are
            added without annotations, with fewer the tree is a sample.
        seed: Seed of everything that is drawn.
        release: Release of MIMIC-IV whose folder name and category values are used.

    Returns:
        Where the files are, and their counts.

    Raises:
        UsageError: If the folder holds something, or there is nothing to write.
    """
    out = Path(out)
    if release not in get_args(Release):
        raise UsageError(f"expected release among {', '.join(get_args(Release))}, found {release!r}")
    if notes < 1:
        raise UsageError(f"expected at least 1 note, found {notes}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: expected a folder that is new or empty, found something in it; name another one")
    # A run that is killed must not leave a folder that looks whole.
    target = out.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    try:
        counts = _write(partial, notes, seed, release)
        if target.exists():
            target.rmdir()
        os.replace(partial, target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    tree = SyntheticTree(out, out / "annotations.csv", **counts, is_complete=notes >= published.NOTES)
    logger.info("synthetic tree: %d notes of %d patients, %d annotated spans", tree.notes, tree.patients, tree.spans)
    return tree


def _write(folder: Path, notes: int, seed: int, release: Release) -> dict[str, int]:
    """All files of a tree; returns their counts."""
    counts: Counter[str] = Counter()
    hospital, note_module = folder / f"mimic-iv-{release}", folder / "mimic-iv-note-2.2"
    with ExitStack() as stack:
        tables = {
            table: stack.enter_context(CsvWriter(hospital / "hosp" / f"{table}.csv.gz", columns))
            for table, columns in COLUMNS.items()
        }
        discharge = stack.enter_context(CsvWriter(note_module / "note" / "discharge.csv.gz", NOTE_COLUMNS))
        annotations = stack.enter_context(CsvWriter(folder / "annotations.csv", ANNOTATION_COLUMNS))
        people = PeopleWriter(release)
        note_rows = _NoteRows(seed)
        for patient in _patients(notes, Random(f"{seed}:plan")):
            rng = Random(f"{seed}:{patient.subject}")
            rows, stays = people.write(patient.subject, patient.stratum, len(patient.notes), rng)
            for table, patient_rows in rows.items():
                tables[table].write(patient_rows)
            note_number = rng.randint(1, 20)
            for stay, spans in zip(stays, patient.notes, strict=True):
                note_id = f"{patient.subject}-DS-{note_number}"
                text, annotation_rows = note_rows.write(patient, note_id, SERVICES[stay.service], spans, rng)
                day = stay.discharged.replace(hour=0, minute=0)
                stored = stay.discharged + timedelta(minutes=rng.randint(30, 3000))
                row = (note_id, patient.subject, stay.hadm_id, "DS", note_number, day, stored, text)
                discharge.write([row])
                annotations.write(annotation_rows)
                note_number += rng.randint(1, 3)
                counts.update(notes=1, spans=len(spans), annotated_notes=bool(spans))
            counts.update(patients=1, annotated_patients=any(patient.notes), admissions=len(rows["admissions"]))
    record = {
        "source": "synthetic",
        "stigma_hf_version": __version__,
        "release": release,
        "seed": seed,
        "split_seed": PUBLISHED_SEED,
        "is_complete": notes >= published.NOTES,
        "counts": dict(counts),
    }
    # The builder may be given one of the modules alone.
    for place in (folder, hospital, note_module):
        write_marks(place, record)
    return dict(counts)


def _patients(notes: int, rng: Random) -> Iterator[_Patient]:
    """The patients in ascending order of id, those with annotated notes scattered among the others."""
    planned = _first_notes(plan_patients(rng), notes)
    unannotated = notes - sum(len(patient.notes) for patient in planned)
    more, others = bytearray(len(planned)), bytearray()
    while unannotated:
        if rng.random() < 0.1:
            more[rng.randrange(len(planned))] += 1
            unannotated -= 1
        else:
            others.append(min(unannotated, rng.choice((1, 1, 1, 2, 2, 3, 5))))
            unannotated -= others[-1]
    subjects, splits = draw_subjects(len(planned) + len(others), rng)
    annotated = set(rng.sample(range(len(subjects)), len(planned)))
    places, counts = iter(range(len(planned))), iter(others)
    for i, (subject, split) in enumerate(zip(subjects, splits, strict=True)):
        if i in annotated:
            place = next(places)
            yield _Patient(subject, split, planned[place].stratum, [*planned[place].notes, *([[]] * more[place])])
        else:
            yield _Patient(subject, split, rng.choice(_STRATA), [[]] * next(counts))


def _first_notes(planned: list[PlannedPatient], notes: int) -> list[PlannedPatient]:
    """The first patients, as many as it takes for so many notes."""
    taken = []
    for patient in planned:
        if notes <= 0:
            break
        taken.append(PlannedPatient(patient.stratum, patient.notes[:notes]))
        notes -= len(patient.notes)
    return taken


class _NoteRows:
    """Writes notes and the annotation rows that belong to them."""

    def __init__(self, seed: int) -> None:
        self._deck = SentenceDeck(load_sentences(), Random(f"{seed}:sentences"))
        self._writer = NoteWriter(Random(f"{seed}:sections"))
        self._annotator = Annotator()
        self._windows: set[str] = set()

    def write(
        self, patient: _Patient, note_id: str, service: str, spans: PlannedNote, rng: Random
    ) -> tuple[str, list[tuple[object, ...]]]:
        """A note and its annotation rows."""
        sex = sex_of(patient.stratum)
        insertions = [Insertion(self._deck.deal(patient.split, *span), span.anchor, span) for span in spans]
        templates = self._add_other_anchors(insertions, patient.split, rng)
        # Notes repeat themselves, but the published protocol drops spans whose windows are the same word for word.
        for _ in range(_REWRITES):
            note = self._writer.write(sex, service, insertions, templates, rng)
            located = self._annotator.locate(note) if spans else []
            windows = {match.context for match, _ in located}
            if len(windows) == len(located) and not windows & self._windows:
                break
        self._windows |= windows
        return note.text, [self._annotator.row(note_id, match, span, rng) for match, span in located]

    def _add_other_anchors(self, insertions: list[Insertion], split: Split, rng: Random) -> int:
        """Add sentences that nobody annotated, in some notes; returns how many repeated paragraphs to add."""
        if rng.random() >= OTHER_ANCHORS_SHARE:
            return 0
        templates = 0
        for _ in range(rng.randint(1, 3)):
            if rng.random() < 0.5:
                templates += 1
                continue
            sentence = self._deck.any_early(split, rng)
            insertions.append(Insertion(sentence, rng.choice(sentence.anchors)))
        return templates
