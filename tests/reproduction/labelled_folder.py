"""A small folder of invented spans with patients, as `stigma-hf build-dataset` writes it."""

import json

import pyarrow
from pyarrow import parquet
from training.small_spans import some_spans

SIZES = {"train": 90, "validation": 30, "test": 24}


def splits(sizes=SIZES):
    return {split: some_spans(size, seed) for seed, (split, size) in enumerate(sizes.items(), start=1)}


def write_folder(folder, of_splits=None, source="synthetic", without=()):
    """Write the splits; two spans in a row are of one patient."""
    (folder / "all").mkdir(parents=True, exist_ok=True)
    for number, (split, rows) in enumerate((of_splits or splits()).items(), start=1):
        columns = {
            "note_id": [f"{number}-{place}" for place in range(len(rows.labels))],
            "subject_id": [1000 * number + place // 2 for place in range(len(rows.labels))],
            "clean_start": [10] * len(rows.labels),
            "task": [window.task for window in rows.windows],
            "anchor": [window.anchor for window in rows.windows],
            "context": [window.context for window in rows.windows],
            "label": rows.labels,
        }
        kept = {name: column for name, column in columns.items() if name not in without}
        parquet.write_table(pyarrow.table(kept), folder / "all" / f"{split}.parquet")
    (folder / "provenance.json").write_text(json.dumps({"source": source}))
    return folder
