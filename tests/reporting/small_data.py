"""A folder of invented spans with metadata, as `stigma-hf build-dataset` writes it."""

import json
import random

import pyarrow as pa
from pyarrow import parquet

from stigma_hf.reporting.settings import EvaluationSettings
from stigma_hf.tasks import load_tasks

ANCHORS = {
    "adamant": {"claims": "disbelief", "adamant": "difficult"},
    "compliance": {"refused": "negative", "compliant": "positive"},
    "other": {"pleasant": "positive", "combative": "negative", "angry": "negative"},
}
"""Anchors and the label that most of their spans have."""

CLEAR = {"pleasant"}
"""Anchors whose spans all have that label."""

FILLERS = (
    "patient was seen in clinic today and reports that home care nurse will call about the results of labs".split()
)


def some_rows(number, seed, tasks=tuple(ANCHORS)):
    random_ = random.Random(seed)
    rows = []
    for i in range(number):
        task = tasks[i % len(tasks)]
        anchor = random_.choice(list(ANCHORS[task]))
        usual = ANCHORS[task][anchor]
        label = usual if anchor in CLEAR or random_.random() < 0.7 else random_.choice(load_tasks()[task].labels)
        before, after = (random_.choices(FILLERS, k=9) for _ in range(2))
        patient = random_.randrange(number)
        rows.append(
            {
                "note_id": f"{seed}{patient:04}-DS-{i}",
                "subject_id": patient,
                "hadm_id": patient,
                "task": task,
                "anchor": anchor,
                "clean_start": 100 + i,
                "clean_end": 100 + i + len(anchor),
                "context": " ".join([*before, anchor, *after]),
                "label": label,
                "sex": "Female" if patient % 2 else "Male",
                "race": "Rare group" if i < 6 else "Common group",
                "insurance": None if patient % 4 == 0 else "Medicare",
                "service": random_.choice(["MED", "SURG"]),
            }
        )
    return rows


def all_rows():
    return {"train": some_rows(300, 1), "validation": some_rows(120, 2), "test": some_rows(240, 3)}


def write_data(folder, splits, source="synthetic"):
    (folder / "all").mkdir(parents=True)
    for split, rows in splits.items():
        parquet.write_table(pa.Table.from_pylist(rows), folder / "all" / f"{split}.parquet")
    if source:
        (folder / "provenance.json").write_text(json.dumps({"source": source, "release": "2.2"}))
    return folder


def without(rows, *columns):
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def settings(**given):
    """Settings that are fast to evaluate with."""
    return EvaluationSettings(**{"resamples": 60, "batch_size": 64, **given})
