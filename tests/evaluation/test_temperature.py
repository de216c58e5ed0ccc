from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_samples import LABELS, odd_predictions, random_predictions
from scipy.special import softmax

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.calibration import calibration_curve, log_losses
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.temperature import (
    HIGHEST,
    LOWEST,
    calibrate,
    fit_temperature,
    scale,
    scaled,
    store_temperatures,
)

LOGITS = st.lists(st.floats(-30, 30), min_size=3, max_size=3)


@settings(max_examples=100, deadline=None)
@given(LOGITS, st.floats(LOWEST, HIGHEST))
def test_scaling_probabilities_is_dividing_logits(logits, temperature):
    found = scale(softmax(np.array(logits)), temperature)
    assert found == pytest.approx(softmax(np.array(logits) / temperature), abs=1e-12)


def test_a_temperature_of_one_changes_no_digit():
    probabilities = np.array([[0.1, 0.2, 0.7]], dtype=np.float32)
    assert scale(probabilities, 1.0).tolist() == probabilities.tolist()
    assert scale(probabilities, 1.5).dtype == np.float32


@settings(max_examples=60, deadline=None)
@given(odd_predictions(), st.floats(LOWEST, HIGHEST))
def test_scaling_keeps_predicted_labels_ties_and_zeros(predictions, temperature):
    found = scaled(predictions, temperature)
    assert np.isfinite(found.probabilities).all()
    assert found.predicted.tolist() == predictions.predicted.tolist()
    best = predictions.probabilities == predictions.probabilities.max(axis=1, keepdims=True)
    assert (found.probabilities[best] >= found.probabilities.max(axis=1).repeat(best.sum(axis=1))).all()
    assert (found.probabilities[predictions.probabilities == 0] == 0).all()


@pytest.mark.parametrize("truth", [0.4, 1.0, 3.0])
def test_the_temperature_that_spoilt_a_calibrated_model_is_found_again(truth):
    calibrated = random_predictions(0, n_spans=6000)
    spoilt = scaled(calibrated, 1 / truth)
    found = calibrate(spoilt, test=scaled(random_predictions(1, n_spans=2000), 1 / truth))
    assert found.temperature == pytest.approx(truth, rel=0.06)
    assert not found.is_at_end
    assert found.n_spans == 6000
    for split in ("validation", "test"):
        assert found.after[split]["accuracy"] == found.before[split]["accuracy"]
        assert found.after[split]["calibration_error"] < 0.04
        if truth != 1:
            assert found.after[split]["calibration_error"] < found.before[split]["calibration_error"]
            assert found.after[split]["log_loss"] < found.before[split]["log_loss"]
            assert found.after[split]["brier"] < found.before[split]["brier"]


@settings(max_examples=25, deadline=None)
@given(odd_predictions())
def test_no_temperature_does_better_on_the_validation_spans(predictions):
    found = log_losses(scaled(predictions, fit_temperature(predictions))).mean()
    for temperature in [1, *np.geomspace(LOWEST * 1.01, HIGHEST / 1.01, 15)]:
        assert found <= log_losses(scaled(predictions, float(temperature))).mean() + 1e-6


def test_the_temperature_of_a_model_that_is_always_right_cannot_be_settled(caplog):
    always_right = Predictions.of("other", LABELS, ["negative"] * 3, [[0.1, 0.7, 0.1, 0.1]] * 3)
    found = calibrate(always_right)
    assert found.is_at_end
    assert found.temperature < 0.1
    assert "3 validation spans cannot settle a temperature" in caplog.text
    config = SimpleNamespace(temperature={})
    store_temperatures(config, {"other": found})
    assert config.temperature == {}


def test_a_model_that_says_the_same_of_all_labels_cannot_be_settled_either():
    assert calibrate(Predictions.of("other", ["a", "b"], ["a", "b"], [[0.5, 0.5]] * 2)).is_at_end


def test_without_validation_spans_there_is_no_temperature_and_empty_other_splits_are_left_out():
    nothing = Predictions.of("other", LABELS, [], np.empty((0, 4)))
    with pytest.raises(UsageError, match="expected validation spans to fit a temperature on, found none"):
        calibrate(nothing)
    assert set(calibrate(random_predictions(0), test=nothing).after) == {"validation"}


def test_a_temperature_is_stored_on_top_of_the_one_that_predictions_had():
    config = SimpleNamespace(temperature={"other": 2.0, "adamant": 0.5})
    calibration = calibrate(scaled(random_predictions(0, n_spans=3000), 1 / 1.5))
    before = config.temperature
    store_temperatures(config, {"other": calibration, "compliance": calibration})
    assert config.temperature["other"] == pytest.approx(2 * calibration.temperature)
    assert config.temperature["compliance"] == calibration.temperature
    assert config.temperature["adamant"] == 0.5
    assert before == {"other": 2.0, "adamant": 0.5}


def test_a_calibration_curve_adds_up_to_the_calibration_error():
    predictions = random_predictions(0, n_spans=500)
    curve = calibration_curve(predictions)
    assert [(each.low, each.high) for each in curve[:2]] == [(0, 0.1), (0.1, 0.2)]
    assert sum(each.n_spans for each in curve) == 500
    gaps = [each.n_spans * abs(each.share - each.mean_probability) for each in curve if each.n_spans]
    assert sum(gaps) / 500 == pytest.approx(calibrate(predictions).before["validation"]["calibration_error"])
    assert curve[0].share is None


def test_the_calibration_curve_of_a_label_is_about_its_own_probability():
    predictions = random_predictions(0, n_spans=500)
    curve = calibration_curve(predictions, "negative", bins=4)
    inside = (predictions.probabilities[:, 1] > 0.75) & (predictions.probabilities[:, 1] <= 1)
    assert curve[3].n_spans == inside.sum()
    assert curve[3].share == pytest.approx((predictions.true[inside] == 1).mean())
    assert curve[3].mean_probability == pytest.approx(predictions.probabilities[inside, 1].mean())


def test_a_probability_on_an_edge_belongs_to_the_bin_below_and_zero_to_the_first():
    predictions = Predictions.of("other", ["a", "b"], ["a", "b"], [[0.3, 0.7], [0.0, 1.0]])
    curve = calibration_curve(predictions, "a")
    assert [each.n_spans for each in curve] == [1, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert calibration_curve(predictions)[9].n_spans == 1
    assert calibration_curve(predictions)[6].n_spans == 1
