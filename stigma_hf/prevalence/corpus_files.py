"""From a file of predictions and a file of labels to the spans of each task."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stigma_hf.errors import UsageError
from stigma_hf.prevalence.matching import match_labels
from stigma_hf.prevalence.spans import CorpusSpans, FloatArray
from stigma_hf.prevalence.tables import join_metadata, probabilities_of, read_table, require
from stigma_hf.tasks import load_tasks

logger = logging.getLogger(__name__)

PREDICTED_COLUMNS = ("note_id", "task", "anchor", "label")


@dataclass(frozen=True)
class LabelledCorpus:
    """The spans of each task, and what was noticed while they were put together.

    Attributes:
        tasks: The spans of each task that the predictions have.
        remarks: Sentences for the report.
    """

    tasks: tuple[CorpusSpans, ...]
    remarks: tuple[str, ...]


def read_corpus(
    predictions: str | Path,
    labelled: str | Path,
    *,
    metadata: str | Path | None = None,
    groups: Sequence[str] = (),
) -> LabelledCorpus:
    """The spans of a corpus with the labels of a sample.

    Args:
        predictions: What `stigma-hf predict` writes for all notes, with one model.
        labelled: The file of `stigma-hf sample` with its labels filled in, an `annotations.csv`, or any file with
            note_id, task, anchor, label and what tells spans of a note apart: clean_start and clean_end, start and
            end, or context.
        metadata: File with subject_id and the groups by note_id, or with the groups by subject_id; if not given, they
            are columns of the predictions.
        groups: Columns with groups of patients.

    Raises:
        UsageError: If a file is not what it should be, or no label belongs to a span of the predictions.
    """
    remarks: list[str] = []
    spans = _with_patients(_read_predictions(predictions), predictions, metadata, groups, remarks)
    gold = match_labels(spans, read_table(labelled), predictions, labelled, remarks)
    for column, consequence in (
        ("context", "repeats of a text cannot be told and count as drawn one by one"),
        ("probabilities", "the predicted label counts as certain, and intervals are wider than they could be"),
    ):
        if column not in spans.column_names:
            remarks.append(f"the predictions have no {column}: {consequence}")
    tasks = tuple(_by_task(spans.append_column("gold", gold), groups, predictions))
    for remark in remarks:
        logger.warning("%s", remark)
    return LabelledCorpus(tasks, tuple(remarks))


def _read_predictions(path: str | Path) -> pa.Table:
    spans = read_table(path)
    require(spans, PREDICTED_COLUMNS, path, "; give the file of stigma-hf predict")
    if "model" in spans.column_names and (n_models := len(pc.unique(spans["model"]))) > 1:
        raise UsageError(f"{path}: expected the predictions of one model, found those of {n_models}")
    tasks = pc.unique(spans["task"]).to_pylist()
    if unknown := [task for task in tasks if task not in load_tasks()]:
        raise UsageError(f"{path}: expected tasks among {', '.join(load_tasks())}, found {unknown[0]!r}")
    place = ["note_id", "task", "anchor", "start", "end"]
    if all(name in spans.column_names for name in place):
        repeated = len(spans) - len(spans.select(place).group_by(place).aggregate([]))
        if repeated:
            raise UsageError(f"{path}: expected every span once, {repeated:,} stand there again")
    return spans


def _with_patients(
    spans: pa.Table, path: str | Path, metadata: str | Path | None, groups: Sequence[str], remarks: list[str]
) -> pa.Table:
    """Spans with subject_id and groups, from the metadata if there are any."""
    if metadata is not None:
        table = read_table(metadata)
        names_patients = {"note_id", "subject_id"} <= set(table.column_names)
        spans = join_metadata(spans, table, [*["subject_id"] * names_patients, *groups], metadata)
    require(spans, groups, path, "; name a file that has them with --metadata")
    if "subject_id" not in spans.column_names:
        remarks.append("no subject_id: notes count as patients, and intervals are too narrow if patients have several")
        return spans.append_column("subject_id", spans["note_id"])
    if missing := spans["subject_id"].null_count:
        raise UsageError(f"{metadata or path}: expected a subject_id for every span, {missing:,} have none")
    return spans


def _by_task(spans: pa.Table, groups: Sequence[str], path: str | Path) -> Iterator[CorpusSpans]:
    for task in load_tasks().values():
        rows = spans.filter(pc.equal(spans["task"], task.id))
        if not len(rows):
            continue
        yield CorpusSpans.from_columns(
            task.id,
            task.labels,
            anchors=rows["anchor"],
            patients=rows["subject_id"],
            predicted=rows["label"],
            gold=rows["gold"],
            notes=rows["note_id"],
            texts=rows["context"] if "context" in rows.column_names else None,
            probabilities=_probabilities(rows, task.id, task.labels, path),
            groups={name: rows[name] for name in groups},
        )


def _probabilities(rows: pa.Table, task: str, labels: Sequence[str], path: str | Path) -> FloatArray | None:
    """Probability of each label of a task; None if the file has none."""
    if "probabilities" not in rows.column_names:
        return None
    table = probabilities_of(rows["probabilities"], path)
    # In a file of several tasks a row has empty places for the labels of the others.
    given = [name for name in table.column_names if table[name].null_count < len(table)]
    if sorted(given) != sorted(labels):
        raise UsageError(
            f"{path}: expected probabilities of {', '.join(labels)} for task {task}, found those of {', '.join(given)}"
        )
    return np.column_stack([table[label].to_numpy() for label in labels])
