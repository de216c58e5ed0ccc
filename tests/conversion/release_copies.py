"""Copies of the released fixtures, and what the released toolkit predicted for them."""

import json
import os
import shutil

from recordings import PARITY, recorded

BERT = "mimic-iv-discharge_clinical-bert"
MAJORITY = "mimic-iv-discharge_baseline-majority"
STATISTICAL = "mimic-iv-discharge_baseline-statistical"
ENCODER = str(PARITY / "bert" / "encoder")
TASKS = ("adamant", "compliance", "other")


def copy_of(folder, to):
    """A copy of a folder to change; weights are linked, so replace them and never write into them."""
    shutil.copytree(folder, to, copy_function=_copy_or_link)
    return to


def _copy_or_link(source, target):
    (os.link if source.endswith("model.pth") else shutil.copyfile)(source, target)


def expected_rows():
    """Every recorded prediction of the released models, as lines of `--expected`."""
    spans = {(row["task"], row["id"]): row for row in recorded("baseline/unseen.jsonl")}
    odd = {(row["task"], row["id"]): row for row in recorded("baseline/unseen_odd.jsonl")}
    sources = [("baseline/expected_probabilities.json", spans), ("baseline/expected_probabilities_odd.json", odd)]
    rows = []
    for name, texts in sources:
        for model, tasks in json.loads((PARITY / name).read_text()).items():
            for task, of in tasks.items():
                rows += _rows(f"mimic-iv-discharge_{model}", task, of, texts)
    for name, texts in (("bert/expected.json", spans), ("bert/expected_odd.json", odd)):
        for task, of in json.loads((PARITY / name).read_text()).items():
            rows += _rows(BERT, task, of, texts)
    return rows


def _rows(model, task, recorded_of_task, texts):
    for number, probabilities in zip(recorded_of_task["ids"], recorded_of_task["probabilities"], strict=True):
        span = texts[task, number]
        is_nothing = None in probabilities
        yield {
            "model": model,
            "task": task,
            "anchor": span["keyword"],
            "context": span["text"],
            "probabilities": None if is_nothing else dict(zip(recorded_of_task["labels"], probabilities, strict=True)),
        }


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
