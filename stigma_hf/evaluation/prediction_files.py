"""Keep predictions in a Parquet file, without any text of notes."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.predictions import COLUMNS, Predictions, as_column

_LABELS = b"stigma_hf_labels"
_OWNER_ONLY = 0o600


def save_predictions(predictions: Iterable[Predictions], path: str | Path) -> None:
    """Write the predictions of a model, of any number of tasks, to one file that only its owner can read.

    Args:
        predictions: One for each task.
        path: The file; replaced if it exists. Its rows have `task`, `true`, `predicted`, `probabilities` (in the label
            order that the schema's metadata holds) and the columns among `COLUMNS`, and nothing else.

    Raises:
        UsageError: If a task comes twice, or the file cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    given = list(predictions)
    labels = {each.task: list(each.labels) for each in given}
    if len(labels) < len(given):
        raise UsageError(f"expected predictions of each task once, found {', '.join(each.task for each in given)}")
    kept = [name for name in COLUMNS if any(name in each.columns for each in given)]
    rows: dict[str, list] = {name: [] for name in ("task", "true", "predicted", "probabilities", *kept)}
    for each in given:
        rows["task"] += [each.task] * len(each)
        rows["true"] += each.true_labels.tolist()
        rows["predicted"] += each.predicted_labels.tolist()
        rows["probabilities"] += each.probabilities.tolist()
        for name in kept:
            rows[name] += each.columns.get(name, np.full(len(each), None)).tolist()
    types = {name: pa.string() for name in ("task", "true", "predicted")} | {"probabilities": pa.list_(pa.float64())}
    table = pa.table({name: pa.array(values, types.get(name)) for name, values in rows.items()})
    try:
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, _OWNER_ONLY), "wb") as file:
            parquet.write_table(table.replace_schema_metadata({_LABELS: json.dumps(labels).encode()}), file)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def load_predictions(path: str | Path) -> dict[str, Predictions]:
    """The predictions of a file that `save_predictions` wrote, by task.

    Raises:
        UsageError: If it is no such file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{path}: expected a Parquet file of predictions: {type(error).__name__}") from error
    recorded = (table.schema.metadata or {}).get(_LABELS)
    if recorded is None:
        raise UsageError(f"{path}: expected a Parquet file of predictions, found one that records no label order")
    columns = {name: as_column(table[name].to_pylist()) for name in table.column_names}
    loaded = {}
    for task, labels in json.loads(recorded).items():
        rows = columns["task"] == task
        places = {label: place for place, label in enumerate(labels)}
        loaded[task] = Predictions(
            task,
            tuple(labels),
            np.array([places[label] for label in columns["true"][rows]], dtype=np.int64),
            np.array(columns["probabilities"][rows].tolist(), dtype=np.float64).reshape(-1, len(labels)),
            np.array([places[label] for label in columns["predicted"][rows]], dtype=np.int64),
            {name: as_column(columns[name][rows]) for name in COLUMNS if name in columns},
        )
    return loaded
