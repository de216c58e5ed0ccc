import json
import shutil

import numpy as np
import pytest
from pyarrow import parquet
from sklearn.metrics import confusion_matrix, f1_score

from reporting.small_data import settings, some_rows, without, write_data
from stigma_hf.errors import UsageError
from stigma_hf.evaluation.prediction_files import load_predictions
from stigma_hf.reporting.evaluate import evaluate_models


def problems_of(evaluation):
    return [entry["problem"] for entry in evaluation.report["problems"]]


def by_name(report):
    return {model["name"]: model for model in report["models"]}


def test_headline_figures_are_those_of_scikit_learn_on_the_saved_predictions(report, folder):
    for name, model in by_name(report).items():
        for task, predictions in load_predictions(folder / "predictions" / f"{name}.parquet").items():
            scores = model["tasks"][task]["scores"]
            expected = f1_score(predictions.true, predictions.predicted, average="macro", zero_division=0)
            assert scores["headline"]["macro_f1"]["value"] == pytest.approx(expected, abs=1e-12)
            matrix = confusion_matrix(predictions.true, predictions.predicted, labels=range(len(predictions.labels)))
            assert scores["confusion"] == matrix.tolist()
            assert scores["headline"]["macro_f1"]["low"] <= expected <= scores["headline"]["macro_f1"]["high"]


def test_same_settings_give_the_same_report(models, data, evaluation):
    again = evaluate_models(list(models.values()), data, settings(calibrate=True, coverage=0.9))
    strip = {"record"}
    first, second = ({k: v for k, v in each.report.items() if k not in strip} for each in (evaluation, again))
    assert json.dumps(first) == json.dumps(second)


def test_another_seed_gives_other_intervals_and_the_same_figures(models, data):
    path = models["majority-per-anchor"]
    one, two = (evaluate_models([path], data, settings(seed=seed)).report["models"][0] for seed in (0, 1))
    one, two = (model["tasks"]["other"]["scores"]["headline"]["accuracy"] for model in (one, two))
    assert one["value"] == two["value"]
    assert (one["low"], one["high"]) != (two["low"], two["high"])


def test_record_names_command_seed_data_versions_and_models(report):
    record = report["record"]
    assert record["command"] and record["seed"] == 0 and record["seconds"] is not None
    assert set(record["data"]) == {"test", "train", "validation"}
    assert record["data"]["test"]["n_spans"] == 240
    assert record["provenance"]["source"] == "synthetic"
    assert {"torch", "scikit-learn"} <= set(record["package_versions"])
    digests = {model["about"][0]["digest"] for model in report["models"]}
    assert len(digests) == 2 and None not in digests


def test_names_in_the_report_are_those_that_others_rely_on(report):
    assert set(report) == {
        "schema_version", "source", "split", "settings", "tasks", "models", "comparisons", "problems", "record",
    }  # fmt: skip
    assert report["schema_version"] == 1
    model = report["models"][0]
    assert set(model) == {"name", "path", "is_cross_validation", "about", "tasks", "folds"}
    result = model["tasks"]["other"]
    assert set(result) == {
        "scores", "roc", "calibration_curve", "calibration", "label_sets", "ambiguous_anchors", "errors_by_anchor",
        "subgroups", "errors",
    }  # fmt: skip
    assert set(result["errors"][0]) == {
        "note_id", "clean_start", "clean_end", "anchor", "true", "predicted", "probability", "probability_of_true",
    }  # fmt: skip
    grouping = result["subgroups"][0]
    assert set(grouping) == {"by", "reference", "groups", "withheld", "n_withheld_spans"}
    assert set(grouping["groups"][0]) == {"group", "n_spans", "n_patients", "headline", "gaps", "absent_labels"}
    test = report["comparisons"]["paired_bootstrap"][0]
    assert set(test) == {
        "task", "figure", "first", "second", "first_value", "second_value", "difference", "low", "high", "p_value",
        "n_undefined",
    }  # fmt: skip


def test_temperature_is_fitted_on_validation_and_shown_before_and_after(report):
    fitted = by_name(report)["majority-per-anchor"]["tasks"]["other"]["calibration"]
    assert fitted["n_spans"] == 40
    assert set(fitted["before"]) == set(fitted["after"]) == {"validation", "test"}
    assert fitted["after"]["validation"]["log_loss"] <= fitted["before"]["validation"]["log_loss"]
    assert fitted["before"]["test"]["accuracy"] == fitted["after"]["test"]["accuracy"]


def test_nothing_is_fitted_unless_asked_for(models, data):
    evaluation = evaluate_models([models["majority-overall"]], data, settings())
    assert "validation" not in evaluation.report["record"]["data"]
    for result in evaluation.report["models"][0]["tasks"].values():
        assert result["calibration"] is None and result["label_sets"] is None


def test_a_model_that_cannot_be_loaded_costs_the_others_nothing(models, data, tmp_path, evaluation):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text('{"model_type": "stigma-baseline", "estimator": "no such"}')
    found = evaluate_models([*models.values(), str(tmp_path / "broken")], data, settings(calibrate=True, coverage=0.9))
    (problem,) = [entry for entry in found.report["problems"] if entry["model"] == "broken"]
    assert "no such" in problem["problem"]
    assert by_name(found.report)["broken"]["about"] == [None]
    assert found.report["models"][:2] == evaluation.report["models"]


def test_a_model_that_fails_while_it_runs_is_named_without_its_message(models, data, monkeypatch):
    from stigma_hf.baseline.counts import MajorityPerAnchor

    def fail(self, windows):
        raise RuntimeError(f"the note says {windows[0].context}")

    monkeypatch.setattr(MajorityPerAnchor, "predict_proba", fail)
    found = evaluate_models(list(models.values()), data, settings())
    assert any("failed with RuntimeError at test_evaluate.py" in problem for problem in problems_of(found))
    assert "the note says" not in json.dumps(found.report)
    assert by_name(found.report)["majority-overall"]["tasks"]


def test_no_model_that_works_is_an_error(data, tmp_path):
    with pytest.raises(UsageError, match="at least one model that labels these spans, found none: .*no model folder"):
        evaluate_models([str(tmp_path / "absent")], data, settings())


def test_labels_that_the_model_does_not_know_leave_out_their_task_alone(models, rows, tmp_path):
    test = [{**row, "label": "sarcastic"} if row["task"] == "other" else row for row in rows["test"]]
    data = write_data(tmp_path / "data", {**rows, "test": test})
    found = evaluate_models([models["majority-overall"]], data, settings())
    assert set(found.report["models"][0]["tasks"]) == {"adamant", "compliance"}
    assert any("found 'sarcastic'" in problem for problem in problems_of(found))


def test_a_split_of_one_label_has_figures_but_no_areas(models, rows, tmp_path):
    test = [row for row in rows["test"] if row["label"] == "positive" and row["task"] == "other"]
    data = write_data(tmp_path / "data", {**rows, "test": test})
    found = evaluate_models([models["majority-per-anchor"]], data, settings())
    assert any("expected spans of this task in the split, found none" in problem for problem in problems_of(found))
    result = found.report["models"][0]["tasks"]["other"]
    assert result["scores"]["headline"]["accuracy"]["value"] is not None
    assert result["scores"]["headline"]["macro_roc_auc"]["value"] is None
    assert set(result["roc"].values()) == {None}
    assert "every span is positive" in result["scores"]["cautions"][0]
    json.dumps(found.report, allow_nan=False)


def test_missing_metadata_is_reported_and_the_rest_computed(models, rows, tmp_path):
    test = without(rows["test"], "sex", "service")
    data = write_data(tmp_path / "data", {**rows, "test": test})
    found = evaluate_models([models["majority-per-anchor"]], data, settings())
    assert problems_of(found) == ["the spans have no column sex and no service: nothing is said of its groups"]
    subgroups = found.report["models"][0]["tasks"]["other"]["subgroups"]
    assert [grouping["by"] for grouping in subgroups] == ["race", "insurance", "anchor"]


def test_missing_patients_cost_the_intervals_alone(models, rows, tmp_path):
    test = [{**row, "subject_id": None} if i % 5 == 0 else row for i, row in enumerate(rows["test"])]
    data = write_data(tmp_path / "data", {**rows, "test": test})
    found = evaluate_models(list(models.values()), data, settings())
    assert any("expected a subject_id for every span" in problem for problem in problems_of(found))
    accuracy = found.report["models"][0]["tasks"]["other"]["scores"]["headline"]["accuracy"]
    assert accuracy["value"] is not None and accuracy["low"] is None
    assert found.report["comparisons"]["paired_bootstrap"] == []


def test_without_training_spans_nothing_is_said_of_ambiguous_anchors(models, rows, tmp_path):
    data = write_data(tmp_path / "data", {"test": rows["test"]})
    found = evaluate_models([models["majority-per-anchor"]], data, settings(calibrate=True))
    assert found.report["models"][0]["tasks"]["other"]["ambiguous_anchors"] is None
    assert "no training spans: nothing is said of ambiguous anchors" in problems_of(found)
    assert "other: no validation spans to fit a temperature on" in problems_of(found)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"split": "dev"}, "expected a split among train, validation, test, found 'dev'"),
        ({"groupings": ("gender",)}, "expected groups by anchor, sex, .* found 'gender'"),
        ({"level": 95}, "expected a level between 0 and 1, found 95"),
        ({"resamples": -1}, "expected resamples to be a whole number from 0 on, found -1"),
        ({"tasks": ("complaince",)}, "expected tasks among adamant, compliance, other, found 'complaince'"),
    ],
)
def test_a_setting_that_is_none_of_its_choices_is_refused(models, data, wrong, message):
    with pytest.raises(UsageError, match=message):
        evaluate_models(list(models.values()), data, settings(**wrong))


def test_an_absent_or_empty_split_is_an_error(models, rows, tmp_path):
    absent = write_data(tmp_path / "absent", {"train": rows["train"]})
    with pytest.raises(UsageError, match=r"with all/test.parquet, found train; choose another --split"):
        evaluate_models(list(models.values()), absent, settings())
    empty = write_data(tmp_path / "empty", {"test": rows["test"]})
    file = empty / "all" / "test.parquet"
    parquet.write_table(parquet.read_table(file).slice(0, 0), file)
    with pytest.raises(UsageError, match="expected spans to evaluate on, found none"):
        evaluate_models(list(models.values()), empty, settings())


def test_folds_are_scored_one_by_one_and_compared_with_those_of_another_model(models, data, tmp_path):
    for name, path in models.items():
        for fold in range(3):
            shutil.copytree(path, tmp_path / name / f"fold-{fold}")
    shutil.rmtree(tmp_path / "majority-overall" / "fold-1")
    found = evaluate_models([str(tmp_path / name) for name in models], data, settings())
    overall, per_anchor = found.report["models"]
    assert overall["is_cross_validation"] and not overall["tasks"]
    f1 = overall["folds"]["other"]["macro_f1"]
    assert f1["folds"][1] is None and f1["folds"][0] == f1["folds"][2] == f1["mean"]
    assert per_anchor["folds"]["other"]["accuracy"]["sd"] == pytest.approx(0)
    tests = found.report["comparisons"]["paired_t_test_over_folds"]
    (test,) = [test for test in tests if (test["task"], test["figure"]) == ("other", "macro_f1")]
    assert (test["n_folds"], test["n_left_out"]) == (2, 1)
    assert test["mean_difference"] == pytest.approx(f1["mean"] - per_anchor["folds"]["other"]["macro_f1"]["mean"])
    assert set(found.predictions) == {
        "majority-overall.fold-0", "majority-overall.fold-2", *(f"majority-per-anchor.fold-{i}" for i in range(3)),
    }  # fmt: skip


def test_models_in_folders_of_one_name_keep_apart(models, data, tmp_path):
    for parent in ("a", "b"):
        shutil.copytree(models["majority-overall"], tmp_path / parent / "model")
    paths = [str(tmp_path / parent / "model") for parent in ("a", "b")]
    found = evaluate_models(paths, data, settings(resamples=0))
    assert [model["name"] for model in found.report["models"]] == paths
    with pytest.raises(UsageError, match="expected each model once"):
        evaluate_models([paths[0], paths[0]], data, settings())


def test_roc_curves_have_the_areas_that_are_reported(report):
    for model in report["models"]:
        for result in model["tasks"].values():
            for label, curve in result["roc"].items():
                area = result["scores"]["per_label"][label]["roc_auc"]["value"]
                assert np.trapezoid(curve["true_positive_rate"], curve["false_positive_rate"]) == pytest.approx(area)


def test_spans_without_ids_are_listed_without_them(models, tmp_path, rows):
    test = without(some_rows(60, 9), "note_id", "clean_start", "clean_end", "subject_id")
    data = write_data(tmp_path / "data", {**rows, "test": test})
    found = evaluate_models([models["majority-overall"]], data, settings())
    assert {error["note_id"] for error in found.report["models"][0]["tasks"]["other"]["errors"]} == {None}


def test_a_broken_training_file_costs_what_needs_it_alone(models, rows, tmp_path):
    data = write_data(tmp_path / "data", rows)
    (data / "all" / "train.parquet").write_text("not Parquet")
    found = evaluate_models([models["majority-per-anchor"]], data, settings())
    assert any("train.parquet: expected a Parquet file of spans" in problem for problem in problems_of(found))
    assert set(found.report["models"][0]["tasks"]) == {"adamant", "compliance", "other"}
