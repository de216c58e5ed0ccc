import csv
import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from transformers import pipeline

from stigma_hf import BaselineClassifier, BaselineConfig
from stigma_hf.baseline.window_text import WindowText
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
    written, embedded = (json.loads((folder / "counts.json").read_text()) for folder in (tmp_path, EMBEDDED_MODEL))
    assert written == embedded
    written, embedded = (BaselineConfig.from_pretrained(folder).to_dict() for folder in (tmp_path, EMBEDDED_MODEL))
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
        ('{"adamant": {"a": "123"}, "compliance": {}, "other": {}}', "expected 3 counts"),
        ('{"adamant": [1, 2, 3], "compliance": {}, "other": {}}', "expected counts per anchor, found list"),
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
    with pytest.raises(
        ValueError, match="expected estimator among majority-overall, .*, scikit-learn, found 'oracle'"
    ):
        BaselineConfig(estimator="oracle")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"adamant": ["b"]}, r"expected each label of 'adamant' once in its tie_order \(a, b\), found \['b'\]"),
        ({"other": ["b"]}, r"'other' once in its tie_order \(no labels: the task is unknown\)"),
    ],
)
def test_a_tie_order_that_does_not_hold_the_labels_is_refused(order, message):
    with pytest.raises(ValueError, match=message):
        BaselineConfig(labels={"adamant": ["a", "b"]}, tie_order=order)


def test_embedded_model_gives_ties_to_the_rarest_label_as_the_released_baseline():
    config = BaselineConfig.from_pretrained(EMBEDDED_MODEL)
    assert {task: order[0] for task, order in config.tie_order.items()} == {
        "adamant": "exclude",
        "compliance": "positive",
        "other": "neutral",
    }
    for task, anchors in json.loads((EMBEDDED_MODEL / "counts.json").read_text()).items():
        for row in anchors.values():
            assert sorted(row)[-1] > sorted(row)[-2], f"a printed tie in {task}"


@pytest.mark.parametrize("counts", [[1, 2], [0, 0, 0], {"claims": [1, 2, 3]}, [1, 2, "3"]])
def test_counts_of_all_spans_that_do_not_fit_the_labels_are_refused(counts):
    config = BaselineConfig(estimator="majority-overall", labels={"adamant": ["a", "b", "c"]})
    with pytest.raises(ValueError, match="expected 3 counts from 0 on, one of them above 0"):
        BaselineClassifier(config, {"adamant": counts})


def regression(labels=("a", "b")):
    config = BaselineConfig(estimator="scikit-learn", labels={"adamant": list(labels)})
    windows = [ContextWindow("adamant", "claims", f"claims {word}") for word in ("pain", "fever", "pain", "fever")]
    pipeline = make_pipeline(WindowText(), CountVectorizer(), MultinomialNB())
    return config, pipeline, windows


def test_any_fitted_estimator_over_windows_serves():
    config, pipeline, windows = regression(["a", "b", "c"])
    model = BaselineClassifier(config, estimators={"adamant": pipeline.fit(windows, ["c", "a", "c", "a"])})
    probabilities = model([ContextWindow("adamant", "claims", "pain"), ContextWindow("adamant", "claims", "")])
    assert [row.argmax() for row in probabilities["probabilities"]] == [2, 0]
    assert [row[1] for row in probabilities["probabilities"]] == [0, 0]


def test_an_estimator_that_is_not_fitted_is_refused():
    config, pipeline, _ = regression()
    with pytest.raises(ValueError, match="expected a fitted estimator for 'adamant', found one that is not fitted"):
        BaselineClassifier(config, estimators={"adamant": pipeline})


def test_an_estimator_without_probabilities_is_refused():
    config, _, _ = regression()
    with pytest.raises(ValueError, match="expected an estimator with predict_proba for 'adamant', found LinearSVC"):
        BaselineClassifier(config, estimators={"adamant": LinearSVC()})


def test_labels_that_the_task_does_not_have_are_refused():
    config, pipeline, windows = regression()
    fitted = pipeline.fit(windows, ["a", "z", "a", "z"])
    with pytest.raises(ValueError, match="expected the labels a, b for 'adamant', found z"):
        BaselineClassifier(config, estimators={"adamant": fitted})


def test_a_task_without_an_estimator_is_refused():
    config, _, _ = regression()
    with pytest.raises(ValueError, match="expected estimators for the tasks adamant, found none for 'adamant'"):
        BaselineClassifier(config)


def test_pipeline_serves_a_trained_folder_with_the_usual_output(folders):
    pipe = pipeline("stigma-classification", model=str(folders["logistic-regression-context-anchor"]))
    note = "Pt is not compliant with meds.\nShe was pleasant."
    first, second = pipe(note)
    assert list(first) == ["task", "anchor", "start", "end", "word", "label", "score", "probabilities", "context"]
    assert note[first["start"] : first["end"]] == first["word"] == "compliant"
    assert list(second["probabilities"]) == list(load_tasks()["other"].labels)
    assert sum(second["probabilities"].values()) == pytest.approx(1)
    assert pipe([note, "", note], batch_size=2) == [[first, second], [], [first, second]]


@pytest.mark.parametrize("name", ["majority-overall", "majority-per-anchor", "logistic-regression-context"])
def test_an_empty_context_and_an_unseen_anchor_are_answered(folders, name):
    model = BaselineClassifier.from_pretrained(folders[name])
    rows = model([ContextWindow("other", "never seen", ""), ContextWindow("other", "never seen", "x")])[
        "probabilities"
    ]
    assert all(row.sum() == pytest.approx(1) and (row > 0).all() for row in rows)
    assert rows[0].tolist() == rows[1].tolist()
    if name == "majority-per-anchor":
        assert rows[0].tolist() == [0.25] * 4


def test_the_embedded_default_needs_neither_skops_nor_scikit_learn():
    script = """
import sys
import transformers.pipelines
before = {name.split(".")[0] for name in sys.modules}
from transformers import pipeline
import stigma_hf
pipeline("stigma-classification")("he claims pain")
after = {name.split(".")[0] for name in sys.modules}
print(sorted((after - before) & {"skops", "sklearn"}))
"""
    script = script.replace('assert pipeline("stigma-classification", model=None)("he claims pain")\n', "")
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == "[]"
