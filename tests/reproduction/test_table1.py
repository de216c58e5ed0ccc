import csv
import json
import shutil

import numpy as np
import pytest
from scipy.stats import ttest_rel
from training.small_spans import NOTE_WORD

from reproduction.labelled_folder import splits, write_folder
from stigma_hf.baseline.folds import train_folds
from stigma_hf.baseline.recipes import PUBLISHED, load_recipe
from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.errors import UsageError
from stigma_hf.reproduction.table1 import reproduce_table1
from stigma_hf.reproduction.table1_rows import parse_encoders, table1_rows
from stigma_hf.tasks import RESOURCES, load_tasks


@pytest.fixture(scope="module")
def made(data, tmp_path_factory, jobs_done_here):
    """The folder of a table of the baselines."""
    out = tmp_path_factory.mktemp("table1")
    reproduce_table1(data, out, only=["baselines"])
    return out


@pytest.fixture
def table(made):
    return json.loads((made / "table1.json").read_text())


@pytest.fixture
def copy(made, tmp_path):
    return shutil.copytree(made, tmp_path / "out")


def row_of(table, name):
    return next(row for row in table["rows"] if row["name"] == name)


def test_figures_are_those_of_the_published_cross_validation(table):
    for name in PUBLISHED:
        expected = [model.config.training["tasks"] for model in train_folds(load_recipe(name), splits())]
        for task in load_tasks():
            scores = [of_fold[task]["scores"]["test"]["macro_f1"] for of_fold in expected]
            cell = row_of(table, name)["tasks"][task]
            assert cell["folds"] == scores and cell["n_folds"] == 5
            assert (cell["mean"], cell["sd"]) == pytest.approx((np.mean(scores), np.std(scores)))


def test_published_figures_stand_beside_them(table):
    cell = row_of(table, "logistic-regression-context-anchor")["tasks"]["compliance"]
    assert (cell["published_mean"], cell["published_sd"]) == (0.80, 0.02)
    assert cell["difference"] == pytest.approx(cell["mean"] - 0.80)


def test_every_published_row_is_made_and_only_unpublished_poolings_are_added():
    lines = (RESOURCES / "published" / "table1_macro_f1.csv").read_text(encoding="utf-8").splitlines()
    published = list(dict.fromkeys(row["model"] for row in csv.DictReader(lines)))
    made = [row.published for row in table1_rows()]
    assert [name for name in made if name in published] == published
    added = [name for name in made if name not in published]
    assert added == [f"Bert (Web) - {pooling}" for pooling in ("CLS Token", "Sentence Mean", "BERT Pooler")]


def test_the_best_of_each_task_is_marked(table):
    for task in load_tasks():
        means = {row["name"]: row["tasks"][task]["mean"] for row in table["rows"]}
        best = {row["name"] for row in table["rows"] if row["tasks"][task]["is_best"]}
        assert best == {name for name, mean in means.items() if round(mean, 2) == round(max(means.values()), 2)}


def test_rows_are_compared_fold_by_fold(table):
    pair = {"first": "logistic-regression-context-anchor", "second": "majority-per-anchor", "task": "other"}
    (test,) = [test for test in table["paired_t_tests"] if pair.items() <= test.items()]
    scores = [row_of(table, pair[which])["tasks"]["other"]["folds"] for which in ("first", "second")]
    assert test["p_value"] == pytest.approx(ttest_rel(*scores).pvalue)
    assert len(table["paired_t_tests"]) == 6 * 3


def test_encoders_are_compared_with_a_baseline_each_other_and_other_poolings():
    from stigma_hf.reproduction.table1 import _compared

    pairs = [(first.name, second.name) for first, second in _compared(table1_rows())]
    assert len(pairs) == len(set(pairs)) == 6 + 8 + 4 + 6
    assert ("clinical-bert", "logistic-regression-context-anchor") in pairs
    assert ("clinical-bert-cls", "base-bert-cls") in pairs
    assert ("base-bert", "base-bert-pooler") in pairs


def test_files_are_marked_synthetic_and_traceable_and_hold_no_text(made):
    written = json.loads((made / "table1.json").read_text())
    assert written["record"]["data"]["test"]["n_spans"] == 24
    assert [kind["n_runs"] for kind in written["made_with"]] == [60]
    text = (made / "table1.md").read_text()
    assert "> **SYNTHETIC: invented patients" in text
    assert "| LR (Context + Anchor) | " in text and "0.65\u00b10.03" in text and "**" in text
    assert "fingerprint" in text and NOTE_WORD not in text + json.dumps(written)


def test_what_is_finished_is_not_done_again(data, table, copy, jobs_done):
    lost = copy / "runs" / "majority-overall" / "other" / "fold-3.json"
    lost.unlink()
    seen = []
    again = reproduce_table1(
        data, copy, only=["baselines"], on_run=lambda run, *counts: seen.append((str(run), *counts))
    )
    assert again["rows"] == table["rows"] and again["n_runs_done_before"] == 59
    assert [str(run) for run in jobs_done] == ["majority-overall, other, fold-3"]
    assert seen == [("None", 59, 60), ("majority-overall, other, fold-3", 60, 60)]
    assert lost.is_file()


def test_other_data_or_folds_in_the_same_folder_are_refused(data, copy, tmp_path, jobs_done):
    fewer = {split: rows.rows(range(len(rows.labels) - 1)) for split, rows in splits().items()}
    other = write_folder(tmp_path / "other", fewer)
    with pytest.raises(UsageError, match=r"data.train was '\w+', now '\w+'.*--overwrite"):
        reproduce_table1(other, copy, only=["majority-overall"])
    with pytest.raises(UsageError, match="division.folds was 5, now 2"):
        reproduce_table1(data, copy, only=["majority-overall"], folds=2)
    table = reproduce_table1(data, copy, only=["majority-overall"], folds=2, overwrite=True)
    assert len(row_of(table, "majority-overall")["tasks"]["other"]["folds"]) == 2


def test_a_run_that_fails_is_reported_and_tried_again(tmp_path, jobs_done):
    found = splits()
    labels = [
        "negative" if window.task == "compliance" else label
        for window, label in zip(found["train"].windows, found["train"].labels, strict=True)
    ]
    found["train"] = LabelledWindows(found["train"].windows, labels)
    data = write_folder(tmp_path / "spans", found)
    only = ["majority-overall", "logistic-regression-context"]
    table = reproduce_table1(data, tmp_path / "out", only=only, folds=2)
    cell = row_of(table, "logistic-regression-context")["tasks"]["compliance"]
    assert cell["folds"] == [None, None] and cell["mean"] is None and not cell["is_best"]
    assert row_of(table, "logistic-regression-context")["tasks"]["other"]["n_folds"] == 2
    assert [(entry["task"], entry["part"]) for entry in table["problems"]] == [
        ("compliance", "fold-0"),
        ("compliance", "fold-1"),
    ]
    assert "at least two labels, found 1" in table["problems"][0]["problem"]
    text = (tmp_path / "out" / "table1.md").read_text()
    assert "logistic-regression-context (compliance, fold-0; compliance, fold-1): expected training spans" in text
    jobs_done.clear()
    reproduce_table1(data, tmp_path / "out", only=only, folds=2)
    assert [(run.model, run.task) for run in jobs_done] == [("logistic-regression-context", "compliance")] * 2


def test_a_task_without_test_spans_is_left_out(tmp_path, jobs_done):
    found = splits()
    kept = [place for place, window in enumerate(found["test"].windows) if window.task != "other"]
    data = write_folder(tmp_path / "spans", {**found, "test": found["test"].rows(kept)})
    table = reproduce_table1(data, tmp_path / "out", only=["majority-overall"], folds=2)
    assert list(table["tasks"]) == ["adamant", "compliance"]
    assert table["problems"][0]["task"] == "other" and "left out" in table["problems"][0]["problem"]


def test_a_row_whose_encoder_is_missing_is_reported_once_and_the_rest_is_made(data, tmp_path, jobs_done):
    table = reproduce_table1(
        data,
        tmp_path / "out",
        only=["majority-overall", "clinical-bert"],
        encoders={"clinical": "nobody/none"},
        folds=2,
    )
    assert row_of(table, "majority-overall")["tasks"]["other"]["n_folds"] == 2
    assert row_of(table, "clinical-bert")["tasks"]["other"]["mean"] is None
    (problem,) = table["problems"]
    assert problem["model"] == "clinical-bert" and problem["part"] is None
    assert "not run: nobody/none: no encoder in a folder of this name" in problem["problem"]
    assert {run.model for run in jobs_done} == {"majority-overall"}


def test_nothing_done_at_all_is_an_error(data, tmp_path, jobs_done):
    with pytest.raises(UsageError, match="no run succeeded: not run: nobody/none"):
        reproduce_table1(data, tmp_path, only=["base-bert"], encoders={"base": "nobody/none"})


def test_tiny_rows_have_the_tiny_encoder_its_poolings_and_a_mark():
    rows = {row.name: row for row in table1_rows("tiny", only=["encoders"])}
    assert len(rows) == 8
    assert rows["clinical-bert-cls"].title == "Tiny (Clinical) - CLS Token"
    assert [rows[f"base-bert{suffix}"].recipe.pooling for suffix in ("", "-cls", "-mean", "-pooler")] == [
        "anchor",
        "cls",
        "mean",
        "pooler",
    ]
    assert all(row.recipe.encoder["hidden_size"] == 128 for row in rows.values())
    assert rows["base-bert"].recipe.training["seed"] != rows["clinical-bert"].recipe.training["seed"]


def test_encoders_are_given_by_name():
    encoders = parse_encoders(["base=here/bert", "clinical=emilyalsentzer/Bio_ClinicalBERT"])
    rows = {row.name: row.recipe for row in table1_rows(encoders=encoders, only=["encoders"])}
    assert rows["base-bert-mean"].encoder == "here/bert"
    assert rows["clinical-bert"].encoder == "emilyalsentzer/Bio_ClinicalBERT"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: table1_rows("huge"), "expected a size among full, tiny, found 'huge'"),
        (lambda: table1_rows(only=["bert"]), "expected rows among baselines, encoders, majority-overall.*found bert"),
        (lambda: table1_rows(encoders={"web": "x"}), "expected encoders named base or clinical, found web"),
        (lambda: table1_rows("tiny", {"base": "x"}), "expected no encoders with the size tiny"),
        (lambda: parse_encoders(["bert"]), "found 'bert'"),
        (lambda: parse_encoders(["base=a", "base=b"]), "once each, found 'base=b'"),
    ],
)
def test_mistakes_are_told(ask, message):
    with pytest.raises(UsageError, match=message):
        ask()
