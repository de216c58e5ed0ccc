"""The spans that an evaluation reads: a folder that `stigma-hf build-dataset` wrote."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.predictions import COLUMNS
from stigma_hf.reporting.problems import Problems

_NEEDED = ("task", "anchor", "context", "label")


@dataclass(frozen=True)
class EvaluationData:
    """Splits of labelled spans.

    Attributes:
        splits: Split name to its rows, those that there are.
        provenance: The data set's own record of where its rows come from; None if it has none.
    """

    splits: dict[str, Any]
    provenance: dict[str, Any] | None

    @property
    def source(self) -> str:
        """Where the rows come from, `unknown` if nobody says."""
        return str((self.provenance or {}).get("source", "unknown"))

    def labels_of_anchors(self, split: str) -> dict[str, dict[str, Counter[str]]]:
        """Task to anchor to how often each label stands in a split; empty if there is no such split."""
        counted: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        if split in self.splits:
            rows = self.splits[split]
            columns = (rows["task"][:], rows["anchor"][:], label_texts(rows))
            for task, anchor, label in zip(*columns, strict=True):
                if label is not None:
                    counted[task][anchor][label] += 1
        return counted

    def contexts(self, split: str, task: str) -> list[str]:
        """The context windows of a task in a split, in the order of its spans: text of notes."""
        rows = self.splits[split]
        return [context for of, context in zip(rows["task"][:], rows["context"][:], strict=True) if of == task]


def label_texts(rows: Any) -> list[Any]:
    """The labels of a split as text, whether it stores them as text or as class numbers; None where there is none."""
    names = getattr(rows.features["label"], "names", None)
    labels = rows["label"][:]
    return labels if names is None else [None if label in (None, -1) else names[label] for label in labels]


def read_evaluation_data(folder: str | Path, splits: Sequence[str], problems: Problems) -> EvaluationData:
    """The splits of a folder of spans, the first of which has to be there.

    Args:
        folder: Folder of `stigma-hf build-dataset`.
        splits: Splits to read: the one to evaluate, then others that are of use.
        problems: Where to note those of the others that cannot be read.

    Raises:
        UsageError: If the split to evaluate is missing, empty, or holds no spans.
    """
    root = Path(folder).expanduser()
    files = {split: root / "all" / f"{split}.parquet" for split in splits}
    evaluated = splits[0]
    if not files[evaluated].is_file():
        found = ", ".join(sorted(file.stem for file in (root / "all").glob("*.parquet"))) or "no split at all"
        raise UsageError(
            f"{root}: expected a folder of `stigma-hf build-dataset MIMIC --annotations CSV --out DIR` with "
            f"all/{evaluated}.parquet, found {found}; choose another --split or folder"
        )
    read = {evaluated: _read_split(files[evaluated])}
    if not len(read[evaluated]):
        raise UsageError(f"{files[evaluated]}: expected spans to evaluate on, found none; choose another --split")
    for split in splits[1:]:
        if files[split].is_file():
            rows = problems.attempt(None, None, _read_split, files[split])
            if rows is not None:
                read[split] = rows
    return EvaluationData(read, _provenance(root / "provenance.json"))


def _read_split(file: Path) -> Any:
    """The rows of a split, with the columns that an evaluation has a use for."""
    import pyarrow as pa
    from datasets import Dataset
    from pyarrow import parquet

    try:
        rows = Dataset(parquet.read_table(file))
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{file}: expected a Parquet file of spans: {type(error).__name__}") from error
    if missing := [name for name in _NEEDED if name not in rows.column_names]:
        raise UsageError(f"{file}: expected spans with {', '.join(_NEEDED)}, found no {' and no '.join(missing)}")
    return rows.select_columns([name for name in dict.fromkeys((*_NEEDED, *COLUMNS)) if name in rows.column_names])


def _provenance(file: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except ValueError as error:
        raise UsageError(f"{file}: expected a JSON record of where the rows come from: {error}") from error
    return record if isinstance(record, dict) else None
