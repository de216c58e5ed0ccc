import json

import pytest
import yaml
from reporting.small_data import without
from training.small_spans import small_recipe

from reproduction.analysis_samples import NOTE_WORD, annotated_rows, run, table_lines, write_annotated
from stigma_hf.baseline.folds import train_folds
from stigma_hf.baseline.recipes import load_recipe
from stigma_hf.baseline.training import score, train_baseline
from stigma_hf.cli.reproduce_analyses import table3
from stigma_hf.errors import UsageError
from stigma_hf.reproduction.labelled_data import read_labelled_data
from stigma_hf.reproduction.transfer import read_published_transfer
from stigma_hf.reproduction.transfer_learners import Learner
from stigma_hf.reproduction.transfer_report import TransferPlan, reproduce_table3
from stigma_hf.reproduction.transfer_text import render_table3, transfer_rows

MAJORITIES = ("majority-overall", "majority-per-anchor")


def other_rows():
    """Spans of other notes, in which some anchors are used in another way."""
    splits = annotated_rows()
    for rows in splits.values():
        for row in rows:
            row["note_id"] = f"8{row['note_id']}"
            if row["anchor"] == "combative" and row["label"] == "negative":
                row["label"] = "exclude"
    return splits


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return write_annotated(tmp_path_factory.mktemp("data") / "here")


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    return write_annotated(tmp_path_factory.mktemp("data") / "there", other_rows())


def plan(here, there, out, **settings):
    return TransferPlan(here, there, out, **{"recipes": MAJORITIES, "folds": 3, "by": (), "device": "cpu", **settings})


@pytest.fixture(scope="module")
def report(here, there, tmp_path_factory):
    return reproduce_table3(plan(here, there, tmp_path_factory.mktemp("out")))


def found(report, model, task, source, target):
    (entry,) = [
        e
        for e in report["transfer"]
        if (e["model"], e["task"], e["source"], e["target"]) == (model, task, source, target)
    ]
    return entry["figures"]["macro_f1"]


@pytest.mark.parametrize("name", ["majority-per-anchor", "logistic-regression-context-anchor"])
def test_scores_at_home_are_those_of_the_published_cross_validation(here, there, tmp_path, name):
    report = reproduce_table3(plan(here, there, tmp_path, recipes=(name,), folds=2))
    models = train_folds(load_recipe(name), read_labelled_data(here).spans, folds=2)
    expected = [model.config.training["tasks"]["other"]["scores"]["test"]["macro_f1"] for model in models]
    assert found(report, name, "other", "here", "here")["folds"] == pytest.approx(expected, abs=1e-12)


def test_scores_abroad_are_those_of_the_same_models(report, here, there):
    data, target = read_labelled_data(here), read_labelled_data(there).spans["test"].of_task("other")
    models = train_folds(load_recipe("majority-per-anchor"), data.spans, folds=3)
    expected = [score(model, target)["macro_f1"] for model in models]
    assert found(report, "majority-per-anchor", "other", "here", "there")["folds"] == pytest.approx(expected)


def test_words_used_otherwise_cost_those_who_learned_them_elsewhere(report):
    home = found(report, "majority-per-anchor", "other", "there", "there")["mean"]
    assert found(report, "majority-per-anchor", "other", "here", "there")["mean"] < home - 0.1


def test_every_model_goes_both_ways_and_stands_beside_the_published(report):
    rows = list(transfer_rows(report, "other"))
    assert [row[0] for row in rows] == [
        "Majority Overall",
        "Majority Per Anchor",
        "published: Bert (Clinical), mimic here",
        "published: Bert (Clinical), jhm here",
    ]
    assert rows[2][1:] == ["0.86\u00b10.01", "0.89\u00b10.03", "0.93\u00b10.02", "0.81\u00b10.03"]
    assert all(cell for row in rows for cell in row)
    assert len(read_published_transfer()) == 12


def test_text_says_what_is_what_and_holds_no_note(report):
    text = render_table3(report)
    assert "SYNTHETIC" in text and "Here is here, there is there" in text
    assert "here, test: " in text and "there, train: " in text
    assert NOTE_WORD not in text + json.dumps(report)


def test_shared_spans_are_counted(here, tmp_path):
    splits = annotated_rows()
    splits["train"] = [*splits["train"], *splits["test"][:7]]
    report = reproduce_table3(plan(here, write_annotated(tmp_path / "there", splits), tmp_path / "out"))
    assert report["sets"]["here"]["n_test_spans_in_training_of"] == {"there": 7}
    assert "7 of the 240 test spans of here are training or validation spans of there" in render_table3(report)


def test_task_with_one_label_is_left_out_and_the_rest_measured(here, tmp_path):
    splits = other_rows()
    for rows in splits.values():
        for row in rows:
            row["label"] = "disbelief" if row["task"] == "adamant" else row["label"]
    out = tmp_path / "out"
    report = reproduce_table3(plan(here, write_annotated(tmp_path / "there", splits), out, recipes=MAJORITIES[:1]))
    assert "adamant: expected two labels among the training spans" in " ".join(
        e["problem"] for e in report["problems"]
    )
    ways = {(entry["source"], entry["target"]) for entry in report["transfer"] if entry["task"] == "adamant"}
    assert ways == {("here", "here"), ("here", "there")}
    assert found(report, "majority-overall", "compliance", "there", "here")["mean"] > 0


def test_fold_that_failed_is_said_and_the_others_count(here, there, tmp_path, monkeypatch):
    train = Learner.train

    def fail(self, spans, drawn_from, part, provenance=None, fold=None):
        if part == "here/fold-1":
            raise RuntimeError(NOTE_WORD)
        return train(self, spans, drawn_from, part, provenance, fold)

    monkeypatch.setattr(Learner, "train", fail)
    report = reproduce_table3(plan(here, there, tmp_path, recipes=MAJORITIES[:1]))
    assert len(found(report, "majority-overall", "other", "here", "there")["folds"]) == 2
    assert len(found(report, "majority-overall", "other", "there", "there")["folds"]) == 3
    (row, *_) = transfer_rows(report, "other")
    assert [cell.endswith(" (2)") for cell in row[1:]] == [True, True, False, False]
    (problem,) = report["problems"]
    assert problem["model"] == "majority-overall on here, fold 1" and "RuntimeError" in problem["problem"]
    assert NOTE_WORD not in json.dumps(report)


def test_given_models_are_tested_as_they_are(here, there, tmp_path):
    spans = read_labelled_data(here).spans
    model = train_baseline(load_recipe("majority-per-anchor"), spans)
    model.save_pretrained(tmp_path / "ours")
    models = (str(tmp_path / "ours"), str(tmp_path / "absent"))
    report = reproduce_table3(plan(here, there, tmp_path / "out", recipes=(), models=models))
    expected = score(model, read_labelled_data(there).spans["test"].of_task("other"))["macro_f1"]
    assert found(report, "ours", "other", None, "there")["mean"] == pytest.approx(expected)
    assert "absent" in report["problems"][0]["problem"]
    (row, *_) = transfer_rows(report, "other")
    assert row[0] == "ours" and row[3:] == ["", ""]


def test_encoder_is_trained_once_and_kept(here, there, tmp_path, capsys):
    small = small_recipe(training={"max_steps": 2, "eval_steps": 2})
    file = tmp_path / "small.yaml"
    entries = {name: getattr(small, name) for name in ("title", "encoder", "batch_size", "training")}
    file.write_text(yaml.safe_dump({**entries, "tasks": ["other"]}))
    asked = plan(here, there, tmp_path / "out", recipes=(str(file),), folds=2)
    first = reproduce_table3(asked)
    kept = sorted((tmp_path / "out").rglob("model.safetensors"))
    assert len(kept) == 4
    times = [path.stat().st_mtime_ns for path in kept]
    assert reproduce_table3(asked)["transfer"] == first["transfer"]
    assert [path.stat().st_mtime_ns for path in kept] == times
    assert {entry["task"] for entry in first["transfer"]} == {"other"}
    assert "loss" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recipes": ("bert",)}, "expected a recipe file or one of"),
        ({"there": None}, "expected another set of spans or groups to hold out, found neither"),
        ({"there": None, "models": ("x",)}, "expected another set of spans to test the models on"),
    ],
)
def test_mistakes_end_in_one_error(here, there, tmp_path, settings, message):
    with pytest.raises(UsageError, match=message):
        reproduce_table3(plan(here, settings.pop("there", there), tmp_path / "out", **settings))


def test_one_folder_given_twice_is_refused(here, tmp_path):
    with pytest.raises(UsageError, match="expected two sets of spans, found .*here twice"):
        reproduce_table3(plan(here, here, tmp_path / "out"))


def test_command_prints_tables_that_fit_the_terminal(here, there, tmp_path):
    recipes = [part for name in MAJORITIES for part in ("--recipe", name)]
    arguments = ("--data", here, "--other", there, "--out", tmp_path / "out", "--folds", 2, "--by", "service")
    result = run(table3, *arguments, *recipes, "--resamples", 20)
    assert result.exit_code == 0, result.output
    assert len(table_lines(result)) > 10 and all(len(line.rstrip()) <= 100 for line in table_lines(result))
    assert "each service held out in turn" in result.flat and "\u2026" not in result.stdout
    assert json.loads((tmp_path / "out" / "table3.json").read_text())["shift"]["service"]["scores"]


def test_folder_without_patients_costs_only_the_shift_tests(there, tmp_path):
    splits = {split: without(rows, "subject_id") for split, rows in annotated_rows().items()}
    data = write_annotated(tmp_path / "here", splits)
    report = reproduce_table3(plan(data, there, tmp_path / "out", by=("service",)))
    assert report["shift"] == {} and report["transfer"]
    assert "expected spans with a subject_id, to keep patients apart" in report["problems"][0]["problem"]
