import json

import numpy as np
import pytest

from stigma_hf.baseline.folds import fold_spans
from stigma_hf.errors import UsageError
from stigma_hf.training.cross_validation import cross_validate
from training.small_spans import small_recipe

RECIPE = small_recipe(training={"max_steps": 4, "eval_steps": 4})


@pytest.fixture(scope="module")
def validated(splits, tmp_path_factory):
    out = tmp_path_factory.mktemp("folds")
    return out, cross_validate(RECIPE, splits, out, folds=2, device="cpu")


def training_of(folder):
    return json.loads((folder / "config.json").read_text())["training"]


def test_each_fold_is_a_model_scored_on_the_same_test_spans(validated, splits):
    out, summary = validated
    folds = [training_of(out / f"fold-{fold}") for fold in range(2)]
    expected = list(fold_spans(splits, 2))
    for fold, training in enumerate(folds):
        assert training["run"]["fold"] == fold
        for task, about in training["tasks"].items():
            assert about["spans"]["train"] == len(expected[fold]["train"].of_task(task).labels)
            assert about["spans"]["test"] == len(splits["test"].of_task(task).labels)
    assert folds[0]["run"]["spans"]["test"] == folds[1]["run"]["spans"]["test"]
    assert folds[0]["run"]["spans"]["train"] != folds[1]["run"]["spans"]["train"]
    assert json.loads((out / "cross_validation.json").read_text()) == summary
    for task, about in summary["macro_f1"].items():
        scores = [training["tasks"][task]["scores"]["test"]["macro_f1"] for training in folds]
        assert about["test"] == {"mean": np.mean(scores), "sd": np.std(scores), "folds": scores}


def test_finished_folds_are_not_trained_again(validated, splits, caplog):
    out, summary = validated
    before = [(out / f"fold-{fold}" / "model.safetensors").stat().st_mtime_ns for fold in range(2)]
    assert cross_validate(RECIPE, splits, out, folds=2, device="cpu", resume=True) == summary
    assert before == [(out / f"fold-{fold}" / "model.safetensors").stat().st_mtime_ns for fold in range(2)]


def test_folds_may_be_trained_one_by_one(validated, splits, tmp_path):
    _, summary = validated
    assert cross_validate(RECIPE, splits, tmp_path, folds=2, only_fold=1, device="cpu") is None
    assert [path.name for path in tmp_path.iterdir()] == ["fold-1"]
    assert cross_validate(RECIPE, splits, tmp_path, folds=2, only_fold=0, device="cpu") == summary


def test_folds_of_different_trainings_are_not_summed_up(splits, tmp_path):
    cross_validate(RECIPE, splits, tmp_path, folds=2, only_fold=0, device="cpu")
    with pytest.raises(UsageError, match="fold 1 was trained in another way than fold 0"):
        cross_validate(RECIPE, splits, tmp_path, folds=2, only_fold=1, device="cpu", seed=7)


@pytest.mark.parametrize("fold", [-1, 2])
def test_a_fold_that_is_not_there_is_refused(splits, tmp_path, fold):
    with pytest.raises(UsageError, match=f"expected a fold from 0 to 1, found {fold}"):
        cross_validate(RECIPE, splits, tmp_path, folds=2, only_fold=fold, device="cpu")
