"""Figure 2 of the paper on any annotations: all figures of agreement with their record."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.experiment import record_experiment
from stigma_hf.evaluation.resampling import LEVEL, RESAMPLES
from stigma_hf.reporting.problems import Problems
from stigma_hf.reporting.settings import MIN_CELL
from stigma_hf.reproduction.agreement import (
    RESEARCH_ASSISTANTS,
    TaskAgreement,
    measure_agreement,
    read_published_agreement,
)
from stigma_hf.reproduction.agreement_data import annotators_of, read_rated_spans

SCHEMA_VERSION = 1
"""Grows when a name in the report changes its meaning or goes away."""


def reproduce_agreement(
    data: str | Path,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
    min_cell: int = MIN_CELL,
) -> dict[str, Any]:
    """How far annotators agree, as JSON holds it.

    Args:
        data: An `annotations.csv`, or a folder of `stigma-hf build-dataset`.
        resamples: Resamples of the patients, 0 for no intervals.
        seed: Seed of the draw.
        level: Share of resamples inside an interval.
        min_cell: Spans, or patients, below which nothing is said of a pair of annotators.

    Raises:
        UsageError: If there are no annotations, or not those of two annotators.
    """
    started, problems = datetime.now(UTC), Problems()
    spans = read_rated_spans(data, problems)
    if len(annotators_of(spans.spans)) < 2:
        found = ", ".join(annotators_of(spans.spans)) or "none"
        raise UsageError(
            f"{data}: expected labels of two annotators or more in columns annotator_1, annotator_2 and so on, "
            f"found {found}"
        )
    tasks = measure_agreement(spans, resamples, seed, level, min_cell)
    for task in tasks:
        _note(task, spans.annotators, problems)
    return {
        "schema_version": SCHEMA_VERSION,
        "source": spans.source,
        "settings": {"resamples": resamples, "seed": seed, "level": level, "min_cell": min_cell},
        "annotators": list(spans.annotators),
        "tasks": {task.task: task.to_dict() | {"published": _published(task.task)} for task in tasks},
        "published": read_published_agreement(),
        "problems": problems.found,
        "record": record_experiment(seed, {"annotated": spans.rows}, spans.provenance, started=started).to_dict(),
    }


def _published(task: str) -> dict[str, Any]:
    """What the paper prints for the pair of MIMIC annotators whose columns are released."""
    row = next(row for row in read_published_agreement() if (row["dataset"], row["task"]) == ("mimic", task))
    return {"annotators": list(RESEARCH_ASSISTANTS), "overlap": row["overlap"], "kappa": row["cohen_kappa"]}


def _note(task: TaskAgreement, annotators: Sequence[str], problems: Problems) -> None:
    """Note what could not be measured."""
    said = {name for pair in task.pairs for name in (pair.first, pair.second)}
    if silent := [name for name in annotators if name not in said]:
        problems.add(None, task.task, f"{task.task}: no pair with {' or '.join(silent)}, who labelled nothing of it")
    if task.n_invalid:
        problems.add(
            None,
            task.task,
            f"{task.task}: expected labels among {', '.join(task.labels)}, found {task.n_invalid} others of single "
            "annotators; they were left out",
        )
    for pair in task.pairs:
        if pair.n_spans is not None and pair.kappa.value is None:
            names = f"{task.task}, {pair.first} and {pair.second}"
            problems.add(None, task.task, f"{names}: both always gave one and the same label, kappa is not defined")
