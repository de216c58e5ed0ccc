"""Run a model over a split of labelled spans."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stigma_hf.baseline.training_data import LabelledWindows, labelled_windows
from stigma_hf.decoding import ties_of
from stigma_hf.errors import UsageError
from stigma_hf.evaluation.predictions import COLUMNS, Predictions, as_column

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PredictedSplit:
    """What came of a model on a split.

    Attributes:
        tasks: Predictions of each task that could be evaluated.
        problems: Why a task has none, in a sentence, for those that could not.
    """

    tasks: dict[str, Predictions]
    problems: dict[str, str]


def predict_spans(
    classifier: Any,
    spans: Iterable[Mapping[str, Any]],
    tasks: Sequence[str] | None = None,
    batch_size: int | None = None,
    tokenizer: Any = None,
) -> PredictedSplit:
    """The predictions of a model on labelled spans, task by task, and why a task has none.

    Args:
        classifier: `pipeline("stigma-classification")`, or a model of this package.
        spans: A split of `load_spans`, or any mappings with `task`, `anchor`, `context` and a `label` as text; columns
            among `COLUMNS` are kept.
        tasks: Tasks to predict; those of the model and of the spans when None.
        batch_size: Windows per forward pass; what suits the model when None.
        tokenizer: Tokenizer of a model given without its pipeline.

    Raises:
        UsageError: If the rows are no labelled spans.
    """
    model = getattr(classifier, "model", classifier)
    tokenizer = tokenizer or getattr(classifier, "tokenizer", None)
    labelled, columns = _read(spans)
    task_of = np.array([window.task for window in labelled.windows], dtype=object)
    known: Mapping[str, Sequence[str]] = model.config.labels
    predictions: dict[str, Predictions] = {}
    problems: dict[str, str] = {}
    for task in tasks if tasks is not None else dict.fromkeys([*known, *task_of]):
        rows = np.flatnonzero(task_of == task)
        of_task = labelled.rows(rows)
        problem = _problem(task, known, of_task.labels)
        if problem is None:
            try:
                answers = model.predict_proba(of_task.windows, tokenizer, batch_size)
                predictions[task] = Predictions.of(
                    task,
                    known[task],
                    of_task.labels,
                    np.array(answers, dtype=np.float64),
                    ties_of(model.config, task),
                    {name: column[rows] for name, column in columns.items()},
                )
            except ValueError as error:
                problem = f"{task}: the model cannot label these spans: {error}; it was left out"
        if problem is not None:
            problems[task] = problem
            logger.warning("%s", problem)
    return PredictedSplit(predictions, problems)


def _read(spans: Any) -> tuple[LabelledWindows, dict[str, np.ndarray]]:
    """Windows, labels, and the columns that are kept."""
    if hasattr(spans, "column_names"):
        columns = {name: as_column(spans[name][:]) for name in COLUMNS if name in spans.column_names}
        labels = spans["label"][:] if "label" in spans.column_names else []
    else:
        spans = list(spans)
        columns = {name: as_column([row.get(name) for row in spans]) for name in COLUMNS if name in _keys(spans)}
        labels = [row.get("label") for row in spans]
    # The number -1 is how datasets writes a class label that is not there.
    if unlabelled := sum(label is None or label == -1 for label in labels):
        raise UsageError(f"expected spans that are all labelled, found {unlabelled} of {len(labels)} without a label")
    return labelled_windows(spans, any_task=True), columns


def _keys(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    return {key for row in rows for key in row}


def _problem(task: str, known: Mapping[str, Sequence[str]], labels: Sequence[str]) -> str | None:
    """Why a task cannot be evaluated; None if it can."""
    if task not in known:
        return f"{task}: expected a task among those of the model, {', '.join(known)}; it was left out"
    if not labels:
        return f"{task}: expected spans of this task in the split, found none; it was left out"
    if unknown := sorted(set(labels) - set(known[task])):
        return (
            f"{task}: expected labels among those of the model, {', '.join(known[task])}, found "
            f"{', '.join(map(repr, unknown))}; it was left out, since data and model must be of one label set"
        )
    return None
