"""Who carries the annotated spans: patients, their notes and the anchors in them, in the published numbers.

Spans, notes and patients per label are the published ones exactly, and so are the spans per anchor and label. Sex and
race per label are those of Table 6; the few patients it leaves out have an unknown race here.
"""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from stigma_hf.synthetic.published import (
    NOTES,
    PATIENTS,
    Cell,
    Stratum,
    StratumTotals,
    anchor_counts,
    label_totals,
    stratum_totals,
)

UNKNOWN_RACE = "unknown"


class PlannedSpan(NamedTuple):
    """An annotated span to be: its task and label, and its anchor."""

    cell: Cell
    anchor: str


PlannedNote = list[PlannedSpan]


@dataclass(frozen=True, slots=True)
class PlannedPatient:
    """A patient with annotated notes.

    Attributes:
        stratum: Race and sex.
        notes: The annotated spans of each annotated note.
    """

    stratum: Stratum
    notes: list[PlannedNote]

    @property
    def cells(self) -> set[Cell]:
        """Tasks and labels of the patient's spans."""
        return {span.cell for note in self.notes for span in note}


def plan_patients(rng: Random) -> list[PlannedPatient]:
    """The patients of the published data set, in random order.

    They are planned label by label. Then patients of different labels and equal sex and race become one, until there
    are as many as published, and notes of one patient become one in the same way.
    """
    by_stratum: dict[Stratum, list[PlannedPatient]] = {}
    for cell in label_totals():
        for patient in _patients_of_label(cell, rng):
            by_stratum.setdefault(patient.stratum, []).append(patient)
    surplus = sum(map(len, by_stratum.values())) - PATIENTS
    shares = _apportion(surplus, {stratum: len(patients) for stratum, patients in by_stratum.items()})
    patients = [p for stratum, group in by_stratum.items() for p in _join_patients(group, shares[stratum], rng)]
    rng.shuffle(patients)
    _join_notes(patients, sum(len(patient.notes) for patient in patients) - NOTES, rng)
    return patients


def _patients_of_label(cell: Cell, rng: Random) -> list[PlannedPatient]:
    """The patients of one label, with its published numbers of notes and spans."""
    totals = label_totals()[cell]
    anchors = [anchor for anchor, count in anchor_counts()[cell].items() for _ in range(count)]
    rng.shuffle(anchors)
    spans = iter(PlannedSpan(cell, anchor) for anchor in anchors)
    patients: list[PlannedPatient] = []
    second_spans: list[PlannedPatient] = []
    for stratum, (span_count, patient_count) in _strata(cell).items():
        group = [PlannedPatient(stratum, [[next(spans)]]) for _ in range(patient_count)]
        patients += group
        second_spans += rng.choices(group, k=span_count - patient_count)
    rng.shuffle(second_spans)
    new_notes = totals.notes - totals.patients
    for patient in second_spans[:new_notes]:
        patient.notes.append([next(spans)])
    for patient in second_spans[new_notes:]:
        rng.choice(patient.notes).append(next(spans))
    return patients


def _strata(cell: Cell) -> dict[Stratum, StratumTotals]:
    """Spans and patients of a label by race and sex, those of unknown race included."""
    strata = dict(stratum_totals()[cell])
    totals = label_totals()[cell]
    spans = totals.spans - sum(stratum.spans for stratum in strata.values())
    patients = totals.patients - sum(stratum.patients for stratum in strata.values())
    for sex, is_larger_half in (("female", 0), ("male", 1)):
        half = StratumTotals((spans + is_larger_half) // 2, (patients + is_larger_half) // 2)
        strata[Stratum(UNKNOWN_RACE, sex)] = half
    return strata


def _apportion(total: int, weights: dict[Stratum, int]) -> dict[Stratum, int]:
    """A whole number split in proportion to weights, the largest remainders rounded up."""
    exact = {key: total * weight / sum(weights.values()) for key, weight in weights.items()}
    shares = {key: int(value) for key, value in exact.items()}
    by_remainder = sorted(exact, key=lambda key: shares[key] - exact[key])
    for key in by_remainder[: total - sum(shares.values())]:
        shares[key] += 1
    return shares


def _join_patients(patients: list[PlannedPatient], times: int, rng: Random) -> list[PlannedPatient]:
    """The patients after so many pairs with different labels have become one."""
    patients = list(patients)
    while times:
        first, second = rng.sample(range(len(patients)), 2)
        if patients[first].cells & patients[second].cells:
            continue
        patients[first].notes.extend(patients[second].notes)
        patients[second] = patients[-1]
        patients.pop()
        times -= 1
    return patients


def _join_notes(patients: list[PlannedPatient], times: int, rng: Random) -> None:
    """Let so many patients, who have notes of different labels, have two of them in one note."""
    for patient in rng.sample([p for p in patients if len(p.cells) > 1], times):
        pairs = [
            (i, j)
            for i in range(len(patient.notes))
            for j in range(i + 1, len(patient.notes))
            if not {span.cell for span in patient.notes[i]} & {span.cell for span in patient.notes[j]}
        ]
        first, second = rng.choice(pairs)
        patient.notes[first].extend(patient.notes.pop(second))
