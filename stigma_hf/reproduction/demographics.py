"""Table 7: what the embedding of an anchor tells about the patient, beside what anchor, label and service tell."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.errors import UsageError
from stigma_hf.mimic.splits import SPLITS
from stigma_hf.reporting.problems import Problems
from stigma_hf.reporting.settings import MIN_CELL
from stigma_hf.reproduction.labelled_data import LabelledData
from stigma_hf.reproduction.probe import ProbeScore, patient_folds, probe_columns, probe_majority, probe_vectors
from stigma_hf.reproduction.probe_embeddings import Embedder
from stigma_hf.reproduction.substitution import neutral_window
from stigma_hf.tasks import RESOURCES

ATTRIBUTES = ("anchor", "label", "service", "sex", "race")
"""What is told, in the order of Table 7, which calls the service `speciality`."""

EMBEDDING, NEUTRAL = "Embedding", "Embedding (Gender Neutral)"
MAJORITY = "Majority Baseline"
COLUMNS_OF: dict[str, tuple[str, ...]] = {
    "Anchor": ("anchor",),
    "Label": ("label",),
    "Speciality": ("service",),
    "Anchor x Label": ("anchor", "label"),
    "Anchor x Speciality": ("anchor", "service"),
    "Label x Speciality": ("label", "service"),
    "Anchor x Label x Speciality": ("anchor", "label", "service"),
}
"""Features made of categories, as Table 7 names them, and the columns they are made of."""

FEATURES = (MAJORITY, *COLUMNS_OF, EMBEDDING, NEUTRAL)

_RACES = {"Black or African American": "black", "White or Caucasian": "white"}
_UNKNOWN = (None, "", "Unknown")


@dataclass(frozen=True)
class Cell:
    """A cell of the table.

    Attributes:
        task: Task id.
        features: What the probe reads, among `FEATURES`.
        attribute: What it tells, among `ATTRIBUTES`.
        score: How well; None if it was not measured, see the problems.
    """

    task: str
    features: str
    attribute: str
    score: ProbeScore


@dataclass(frozen=True)
class Attribute:
    """What there was to tell of an attribute, in a task.

    Attributes:
        task: Task id.
        attribute: The attribute.
        n_spans: Spans with a known value.
        n_patients: Patients they are of.
        n_classes: Different values.
    """

    task: str
    attribute: str
    n_spans: int
    n_patients: int
    n_classes: int


@dataclass(frozen=True)
class Demographics:
    """The whole table.

    Attributes:
        cells: Its cells.
        attributes: What there was to tell.
        n_windows: Task to its windows.
        n_changed: Task to those of them that gender-neutral words change; empty without embeddings.
    """

    cells: list[Cell] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    n_windows: dict[str, int] = field(default_factory=dict)
    n_changed: dict[str, int] = field(default_factory=dict)


def measure_demographics(
    data: LabelledData,
    embedder: Embedder | None,
    problems: Problems,
    folds: int = 5,
    seed: int = 0,
    splits: Sequence[str] = SPLITS,
    min_cell: int = MIN_CELL,
    batch_size: int | None = None,
    on_step: Callable[[str], Any] | None = None,
) -> Demographics:
    """The table, task by task; what cannot be measured is noted, and the rest is.

    Args:
        data: The spans.
        embedder: What gives anchors their vectors; none of the rows with embeddings when None.
        problems: Where to note what failed.
        folds: Folds of the patients, from 2 on.
        seed: Seed of the folds.
        splits: The splits whose spans are told apart, together.
        min_cell: Spans, or patients, with a known value below which nothing is said of an attribute.
        batch_size: Windows per forward pass.
        on_step: Called with what is done next.

    Raises:
        UsageError: If the spans do not name patients.
    """
    table = Demographics()
    rows = _read(data, splits)
    for task in data.tasks:
        is_of_task = rows["task"] == task
        columns = {name: values[is_of_task] for name, values in rows.items()}
        windows = sum((data.spans[split].of_task(task) for split in splits), LabelledWindows([], [])).windows
        table.n_windows[task] = len(windows)
        vectors: dict[str, np.ndarray] = {}
        if embedder is not None:
            neutral = [neutral_window(window) for window in windows]
            table.n_changed[task] = sum(a.context != b.context for a, b in zip(windows, neutral, strict=True))
            for features, of_features in ((EMBEDDING, windows), (NEUTRAL, neutral)):
                if on_step:
                    on_step(f"{task}, {features.lower()}")
                embedded = problems.attempt_anything(features, task, _Embedding(embedder, of_features, batch_size))
                if embedded is not None:
                    vectors[features] = embedded
        for attribute in ATTRIBUTES:
            if on_step:
                on_step(f"{task}, {attribute}")
            told = problems.attempt(None, task, _told, task, attribute, columns, folds, min_cell)
            if told is not None:
                table.attributes.append(told)
                table.cells.extend(_cells(told, columns, vectors, folds, seed, problems))
    return table


@dataclass(frozen=True)
class _Embedding:
    """Windows to embed; calling it embeds."""

    embedder: Embedder
    windows: Sequence[Any]
    batch_size: int | None

    def __call__(self) -> np.ndarray:
        return self.embedder.embed(self.windows, self.batch_size)


def _read(data: LabelledData, splits: Sequence[str]) -> dict[str, np.ndarray]:
    """Task, patient and every attribute that is recorded, each of shape (spans,); None for what is not known."""
    names = ("task", "subject_id", "anchor", "service", "sex", "race")
    there = [name for name in names if all(name in data.rows.splits[split].column_names for split in splits)]
    columns = {name: [value for split in splits for value in data.rows.splits[split][name][:]] for name in there}
    columns["label"] = [label for split in splits for label in data.spans[split].labels]
    if missing := sum(patient is None for patient in columns.get("subject_id", [None])):
        raise UsageError(f"expected spans with a subject_id, to keep patients apart, found {missing} or all without")
    columns["race"] = [group_of_race(race) for race in columns.get("race", [])]
    return {name: np.array(values, dtype=object) for name, values in columns.items() if values}


def group_of_race(race: str | None) -> str | None:
    """The group of a race in the paper's tables: `black`, `white` or `other`; None if it is not known.

    Example:
        >>> group_of_race("White or Caucasian"), group_of_race("Asian"), group_of_race("Unknown")
        ('white', 'other', None)
    """
    return None if race in _UNKNOWN else _RACES.get(str(race), "other")


def _told(task: str, attribute: str, columns: Mapping[str, np.ndarray], folds: int, min_cell: int) -> Attribute:
    """What there is to tell of an attribute.

    Raises:
        UsageError: If that is too little.
    """
    if attribute not in columns:
        raise UsageError(f"{task}: expected spans with the column {attribute}, found none; it was left out")
    known = _is_known(columns[attribute])
    n_patients = len(set(columns["subject_id"][known]))
    found = Attribute(task, attribute, int(known.sum()), n_patients, len(set(columns[attribute][known])))
    if min(found.n_spans, found.n_patients) < max(min_cell, folds):
        raise UsageError(
            f"{task}, {attribute}: expected {max(min_cell, folds)} spans, and patients, with a known value, found "
            "fewer; it was left out"
        )
    if found.n_classes < 2:
        raise UsageError(
            f"{task}, {attribute}: expected at least two values to tell apart, found one; it was left out"
        )
    return found


def _is_known(values: np.ndarray) -> np.ndarray:
    return np.array([value not in _UNKNOWN for value in values])


def _cells(
    told: Attribute,
    columns: Mapping[str, np.ndarray],
    vectors: Mapping[str, np.ndarray],
    folds: int,
    seed: int,
    problems: Problems,
) -> Iterator[Cell]:
    """The cells of a column of the table, those that do not read what they tell."""
    known = _is_known(columns[told.attribute])
    target = columns[told.attribute][known].astype(str)
    dealt = patient_folds(columns["subject_id"][known].astype(str), folds, seed)
    scores = {MAJORITY: probe_majority(target, dealt)}
    for features, names in COLUMNS_OF.items():
        if told.attribute not in names and set(names) <= columns.keys():
            scores[features] = probe_columns([columns[name][known].astype(str) for name in names], target, dealt)
    for features, of_features in vectors.items():
        scores[features] = probe_vectors(of_features[known], target, dealt)
    for features, score in scores.items():
        if score.problem:
            problems.add(features, told.task, f"{told.task}, {told.attribute}: {score.problem}")
        yield Cell(told.task, features, told.attribute, score)


def read_published_demographics(dataset: str = "mimic") -> dict[tuple[str, str, str], tuple[float, float]]:
    """Table 7 of Harrigian et al. 2023: mean and standard deviation by task, features and attribute."""
    lines = (RESOURCES / "published" / "table7_demographics.csv").read_text(encoding="utf-8").splitlines()
    names = {"speciality": "service"}
    return {
        (row["task"], row["features"], names.get(row["attribute"], row["attribute"])): (
            float(row["mean"]),
            float(row["sd"]),
        )
        for row in csv.DictReader(lines)
        if row["dataset"] == dataset
    }
