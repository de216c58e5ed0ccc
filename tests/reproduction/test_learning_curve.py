import json
import shutil
from xml.etree import ElementTree

import numpy as np
import pytest
from training.small_spans import NOTE_WORD

from stigma_hf.baseline.recipes import load_recipe
from stigma_hf.baseline.training import train_baseline
from stigma_hf.errors import UsageError
from stigma_hf.reproduction.divisions import PatientShares
from stigma_hf.reproduction.labelled_data import read_labelled_data
from stigma_hf.reproduction.learning_curve import learning_curve
from stigma_hf.tasks import load_tasks

RECIPES = ["majority-per-anchor", "logistic-regression-context"]
DIVISIONS = PatientShares((0.3, 1.0), draws=2)


@pytest.fixture(scope="module")
def made(data, tmp_path_factory, jobs_done_here):
    """The folder of some learning curves."""
    out = tmp_path_factory.mktemp("curves")
    learning_curve(data, out, RECIPES, divisions=DIVISIONS)
    return out


@pytest.fixture
def curves(made):
    return json.loads((made / "learning-curve.json").read_text())


def test_points_are_scores_of_models_trained_on_a_part_of_the_patients(data, curves):
    spans = read_labelled_data(data)
    for model in curves["models"]:
        of_parts = [
            train_baseline(load_recipe(model["name"]), DIVISIONS.divide(spans, f"draw-{draw}-of-0.3").splits)
            for draw in (0, 1)
        ]
        for task in load_tasks():
            expected = [of_part.config.training["tasks"][task] for of_part in of_parts]
            scores = [about["scores"]["test"]["macro_f1"] for about in expected]
            small, whole = model["tasks"][task]
            assert small["draws"] == scores
            assert (small["mean"], small["sd"]) == pytest.approx((np.mean(scores), np.std(scores)))
            assert small["n_spans"] == np.mean([about["spans"]["train"] for about in expected])
            assert small["n_patients"] < whole["n_patients"] == 30
            assert whole["n_spans"] == 30 and whole["sd"] == 0


def test_files_are_marked_and_hold_no_text(made, curves):
    text = (made / "learning-curve.md").read_text()
    assert "SYNTHETIC" in text and "| 30% | " in text and "## Compliance" in text
    plot = (made / "learning-curve.svg").read_text()
    written = " ".join("".join(ElementTree.fromstring(plot).itertext()).split())
    for part in ("SYNTHETIC", "Compliance", "training patients", "Majority Per Anchor"):
        assert part in written
    assert NOTE_WORD not in text + plot + json.dumps(curves)


def test_more_draws_and_shares_go_on_with_what_is_there(data, made, curves, tmp_path, jobs_done):
    out = shutil.copytree(made, tmp_path / "out")
    more = learning_curve(data, out, RECIPES[:1], divisions=PatientShares((0.3, 0.6, 1.0), draws=2))
    assert {run.part for run in jobs_done} == {"draw-0-of-0.6", "draw-1-of-0.6"}
    assert more["models"][0]["tasks"]["other"][::2] == curves["models"][0]["tasks"]["other"]
    with pytest.raises(UsageError, match="division.seed was 42, now 7"):
        learning_curve(data, out, RECIPES[:1], divisions=PatientShares(seed=7))


def test_a_part_too_small_to_train_on_is_reported(data, tmp_path, jobs_done):
    curves = learning_curve(data, tmp_path, RECIPES, divisions=PatientShares((0.01, 1.0), draws=1))
    assert curves["problems"] and {entry["part"] for entry in curves["problems"]} == {"draw-0-of-0.01"}
    points = curves["models"][1]["tasks"]["other"]
    assert points[0]["mean"] is None and points[1]["mean"] is not None
    assert "## Problems" in (tmp_path / "learning-curve.md").read_text()


@pytest.mark.parametrize(
    ("recipes", "encoders", "message"),
    [
        (["oracle"], {}, "found 'oracle'"),
        (["tiny", "tiny"], {}, "expected each recipe once"),
        (["majority-overall"], {"majority-overall": "x"}, "expected the name of an encoder recipe"),
    ],
)
def test_mistakes_are_told(data, tmp_path, recipes, encoders, message):
    with pytest.raises(UsageError, match=message):
        learning_curve(data, tmp_path, recipes, encoders=encoders)
