"""The annotated spans that a table of the paper is measured on again: a folder of `stigma-hf build-dataset`."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.baseline.training_data import LabelledWindows, labelled_windows
from stigma_hf.errors import UsageError
from stigma_hf.evaluation.fingerprint import fingerprint
from stigma_hf.mimic.splits import SPLITS
from stigma_hf.reporting.data import EvaluationData, read_evaluation_data
from stigma_hf.reporting.problems import Problems
from stigma_hf.tasks import load_tasks


@dataclass(frozen=True)
class LabelledData:
    """Labelled spans, ready to train on.

    Attributes:
        spans: The splits `train`, `validation` and `test`.
        patients: Patient of each training span; None if the data does not say.
        rows: The same splits as data sets, and where they come from.
    """

    spans: dict[str, LabelledWindows]
    patients: list[Any] | None
    rows: EvaluationData

    @property
    def tasks(self) -> list[str]:
        """The tasks that every split has spans of."""
        found = [{window.task for window in of_split.windows} for of_split in self.spans.values()]
        return [task for task in load_tasks() if all(task in of_split for of_split in found)]

    @property
    def fingerprints(self) -> dict[str, str]:
        """Split to the fingerprint of its spans."""
        return {split: fingerprint(self.rows.splits[split]) for split in SPLITS}


def read_labelled_data(folder: str | Path) -> LabelledData:
    """The spans of a folder.

    Args:
        folder: Folder of `stigma-hf build-dataset`.

    Raises:
        UsageError: If a split is missing or empty, a column is missing, or a label is none of its task.
    """
    problems = Problems()
    rows = read_evaluation_data(folder, ("test", "train", "validation"), problems)
    if missing := [split for split in SPLITS if split not in rows.splits]:
        reasons = "; ".join(entry["problem"] for entry in problems.found)
        raise UsageError(
            f"{folder}: expected all/train.parquet, all/validation.parquet and all/test.parquet, found no "
            f"{' and no '.join(missing)}{f' that can be read: {reasons}' if reasons else ''}"
        )
    spans = {split: _windows(split, rows.splits[split]) for split in SPLITS}
    if empty := [split for split in SPLITS if not spans[split].labels]:
        raise UsageError(f"{folder}: expected spans in every split, found none in {' and '.join(empty)}")
    _check_labels(spans)
    train = rows.splits["train"]
    patients = train["subject_id"][:] if "subject_id" in train.column_names else None
    data = LabelledData(spans, patients, rows)
    if not data.tasks:
        raise UsageError(f"{folder}: expected a task with spans in all of {', '.join(SPLITS)}, found none")
    return data


def _windows(split: str, rows: Any) -> LabelledWindows:
    try:
        return labelled_windows(rows)
    except UsageError as error:
        raise UsageError(f"{split}: {error}") from error


def _check_labels(spans: Mapping[str, LabelledWindows]) -> None:
    """Raise if a label is none of its task."""
    for split, of_split in spans.items():
        pairs = zip((window.task for window in of_split.windows), of_split.labels, strict=True)
        for (task, label), number in Counter(pairs).items():
            expected = load_tasks()[task].labels
            if label not in expected:
                raise UsageError(
                    f"{split}: expected labels of {task} among {', '.join(expected)}, found {label!r} on {number} "
                    "spans; build the data set again, or map its labels"
                )
