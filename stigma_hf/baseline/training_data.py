"""Labelled windows to train baselines on."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.context_window import ContextWindow
from stigma_hf.errors import UsageError
from stigma_hf.tasks import check_tasks, load_tasks

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class LabelledWindows:
    """Windows and the label of each, in the order of the data set."""

    windows: list[ContextWindow]
    labels: list[str]

    def rows(self, places: Iterable[int]) -> "LabelledWindows":
        """Those at some places, in that order."""
        kept = list(places)
        return LabelledWindows([self.windows[i] for i in kept], [self.labels[i] for i in kept])

    def of_task(self, task: str) -> "LabelledWindows":
        """Those of one task."""
        return self.rows(i for i, window in enumerate(self.windows) if window.task == task)

    def __add__(self, other: "LabelledWindows") -> "LabelledWindows":
        return LabelledWindows(self.windows + other.windows, self.labels + other.labels)


def labelled_windows(spans: Iterable[Mapping[str, Any]], any_task: bool = False) -> LabelledWindows:
    """The rows of a split of `load_spans`, or any mappings with `task`, `anchor`, `context` and a `label` as text.

    Args:
        spans: The rows.
        any_task: Whether rows of tasks that nobody knows are taken, too.

    Raises:
        UsageError: If a column is missing, a task is unknown, or no label names are known.
    """
    names = getattr(getattr(spans, "features", {}).get("label"), "names", None)
    windows, labels = [], []
    for place, row in enumerate(_rows(spans)):
        try:
            windows.append(ContextWindow.from_item(row))
            if not any_task:
                check_tasks(windows[-1].task, list(load_tasks()))
            label = row["label"]
        except (KeyError, ValueError) as error:
            message = f"expected spans with task, anchor, context and label: row {place}: {error}"
            raise UsageError(message) from error
        labels.append(label if names is None else names[label])
    if names is None and any(not isinstance(label, str) for label in labels):
        raise UsageError("expected labels as text, or a column of class labels that knows their names; found numbers")
    return LabelledWindows(windows, labels)


def _rows(spans: Any) -> Iterable[Mapping[str, Any]]:
    """The rows, without the columns that nobody asks for where these can be left out."""
    columns = ["task", "anchor", "context", "label"]
    if hasattr(spans, "select_columns") and set(columns) <= set(spans.column_names):
        return spans.select_columns(columns)
    return spans


def read_spans_folder(folder: str | Path) -> tuple[dict[str, LabelledWindows], dict[str, Any] | None]:
    """The splits of a folder that `stigma-hf build-dataset` wrote, and the record of where its rows come from.

    Returns:
        Split name to its spans, and the provenance record; None if there is none.

    Raises:
        UsageError: If the folder holds no spans, or lacks the split to train on or the one to choose by.
    """
    from datasets import Dataset
    from pyarrow import parquet

    root = Path(folder)
    files = {split: root / "all" / f"{split}.parquet" for split in SPLITS}
    missing = [split for split in ("train", "validation") if not files[split].is_file()]
    if missing:
        raise UsageError(
            f"{root}: expected a folder of `stigma-hf build-dataset MIMIC --annotations CSV --out DIR`, with "
            f"all/train.parquet and all/validation.parquet, found no {' and no '.join(missing)}"
        )
    spans = {
        split: labelled_windows(Dataset(parquet.read_table(file))) for split, file in files.items() if file.is_file()
    }
    record = root / "provenance.json"
    try:
        provenance = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else None
    except ValueError as error:
        raise UsageError(f"{record}: expected a JSON record of where the rows come from: {error}") from error
    return spans, provenance
