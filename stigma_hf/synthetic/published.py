"""The published counts that the synthetic corpus repeats (Harrigian et al. 2023)."""

import csv
from collections import defaultdict
from functools import cache
from typing import NamedTuple

from stigma_hf.tasks import RESOURCES


class Cell(NamedTuple):
    """A label of a task: `Cell("adamant", "disbelief")`."""

    task: str
    label: str


class LabelTotals(NamedTuple):
    """How many spans carry a label, in how many notes, of how many patients."""

    spans: int
    notes: int
    patients: int


class Stratum(NamedTuple):
    """A demographic group of Table 6: race `black`, `white` or `other`, sex `female` or `male`."""

    race: str
    sex: str


class StratumTotals(NamedTuple):
    """How many spans carry a label in a demographic group, of how many patients."""

    spans: int
    patients: int


SPANS = 5043
NOTES = 4710
PATIENTS = 4259


@cache
def anchor_counts() -> dict[Cell, dict[str, int]]:
    """Annotated MIMIC spans per label and anchor, anchors without any left out."""
    counts: dict[Cell, dict[str, int]] = defaultdict(dict)
    for row in _mimic_rows("anchor_label_counts.csv"):
        if int(row["count"]):
            counts[Cell(row["task"], row["label"])][row["anchor"]] = int(row["count"])
    return dict(counts)


@cache
def label_totals() -> dict[Cell, LabelTotals]:
    """Annotated MIMIC spans, notes and patients per label."""
    rows = _rows("label_distribution.csv")
    return {
        Cell(r["task"], r["label"]): LabelTotals(int(r["spans"]), int(r["notes"]), int(r["patients"])) for r in rows
    }


@cache
def stratum_totals() -> dict[Cell, dict[Stratum, StratumTotals]]:
    """Annotated MIMIC spans and patients per label and demographic group; patients of unknown race are in none."""
    totals: dict[Cell, dict[Stratum, StratumTotals]] = defaultdict(dict)
    for row in _mimic_rows("table6_demographics_counts.csv"):
        stratum = Stratum(row["race"], row["sex"])
        totals[Cell(row["task"], row["label"])][stratum] = StratumTotals(int(row["examples"]), int(row["patients"]))
    return dict(totals)


@cache
def annotator_overlap() -> dict[str, float]:
    """Share of doubly annotated MIMIC spans on which both annotators agreed at first, per task."""
    return {row["task"]: float(row["overlap"]) for row in _mimic_rows("agreement.csv")}


def _mimic_rows(name: str) -> list[dict[str, str]]:
    return [row for row in _rows(name) if row["dataset"] == "mimic"]


def _rows(name: str) -> list[dict[str, str]]:
    text = (RESOURCES / "published" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
