import csv
import json
import runpy
import shutil
from pathlib import Path

import pytest

from stigma_hf import BaselineClassifier, BaselineConfig
from stigma_hf.catalog import EMBEDDED_MODEL
from stigma_hf.context_window import ContextWindow
from stigma_hf.tasks import RESOURCES, load_tasks

ROOT = Path(__file__).parents[2]


def test_embedded_model_holds_the_printed_counts_of_every_annotated_anchor():
    counts = json.loads((EMBEDDED_MODEL / "counts.json").read_text())
    printed = {}
    with open(str(RESOURCES / "published" / "anchor_label_counts.csv"), newline="") as file:
        for row in csv.DictReader(file):
            if row["dataset"] == "mimic" and int(row["count"]):
                printed[row["task"], row["anchor"], row["label"]] = int(row["count"])
    held = {
        (task, anchor, label): count
        for task, anchors in counts.items()
        for anchor, row in anchors.items()
        for label, count in zip(load_tasks()[task].labels, row, strict=True)
        if count
    }
    assert held == printed
    assert sum(held.values()) == 5043


def test_embedded_model_is_what_its_command_writes(tmp_path):
    if not (ROOT / "train").is_dir():
        pytest.skip("needs a checkout")
    runpy.run_path(str(ROOT / "train" / "published_counts.py"))["published_counts_model"]().save_pretrained(tmp_path)
    for name in ("counts.json", "config.json"):
        written, embedded = (json.loads((folder / name).read_text()) for folder in (tmp_path, EMBEDDED_MODEL))
        written.pop("transformers_version", None), embedded.pop("transformers_version", None)
        assert written == embedded


def test_probabilities_are_the_smoothed_shares_of_the_printed_counts(pipe):
    (span,) = pipe("she claims pain")
    # 178 disbelief and 8 exclude of 186 printed spans, alpha 1
    assert span["probabilities"] == pytest.approx({"difficult": 1 / 189, "disbelief": 179 / 189, "exclude": 9 / 189})


def test_a_model_round_trips_with_equal_probabilities(tmp_path):
    labels = {"adamant": ["difficult", "disbelief"]}
    model = BaselineClassifier(BaselineConfig(labels=labels, alpha=0.3), {"adamant": {"claims": [1, 7]}})
    model.save_pretrained(tmp_path)
    again = BaselineClassifier.from_pretrained(tmp_path)
    window = [ContextWindow("adamant", "claims", "claims")]
    assert again(window)["probabilities"][0].tolist() == model(window)["probabilities"][0].tolist()
    assert again.config.labels == labels


def test_a_task_the_model_does_not_know_is_refused(tmp_path):
    model = BaselineClassifier(BaselineConfig(labels={"adamant": ["a", "b"]}), {"adamant": {}})
    with pytest.raises(ValueError, match="knows the tasks adamant, not 'other'"):
        model([ContextWindow("other", "angry", "angry")])


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ("{", "expected JSON with counts"),
        ('{"adamant": {}}', "found none for 'compliance'"),
        ('{"adamant": {"a": [1]}, "compliance": {}, "other": {}}', "expected 3 counts"),
    ],
)
def test_a_folder_with_broken_counts_is_refused(tmp_path, counts, message):
    shutil.copytree(EMBEDDED_MODEL, tmp_path, dirs_exist_ok=True)
    (tmp_path / "counts.json").write_text(counts)
    with pytest.raises(ValueError, match=message):
        BaselineClassifier.from_pretrained(tmp_path)


def test_a_folder_without_counts_is_refused_by_name(tmp_path):
    shutil.copy(EMBEDDED_MODEL / "config.json", tmp_path)
    with pytest.raises(OSError, match=r"counts\.json"):
        BaselineClassifier.from_pretrained(tmp_path)


def test_an_unknown_estimator_is_refused():
    with pytest.raises(ValueError, match="expected estimator among majority-per-anchor, found 'oracle'"):
        BaselineConfig(estimator="oracle")
