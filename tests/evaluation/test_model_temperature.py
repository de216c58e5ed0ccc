"""A temperature in the configuration of a model scales its answers, survives saving, and is refused if it is none."""

import numpy as np
import pytest
from encoder.tiny_encoders import WINDOWS, tiny_classifier, tokenizer_of
from transformers import pipeline

from stigma_hf import BaselineConfig
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.evaluation.predicting import predict_spans
from stigma_hf.evaluation.temperature import calibrate, scaled, store_temperatures


def spans():
    """Labels of one anchor in shares that the printed counts do not have."""
    labels = ["difficult"] * 6 + ["disbelief"] * 13 + ["exclude"]
    return [{"task": "adamant", "anchor": "claims", "context": "she claims", "label": label} for label in labels]


def test_a_fitted_temperature_scales_the_answers_of_a_baseline_and_is_saved_with_it(tmp_path):
    pipe = pipeline("stigma-classification")
    before = predict_spans(pipe, spans()).tasks["adamant"]
    calibration = calibrate(before)
    store_temperatures(pipe.model.config, {"adamant": calibration})
    expected = scaled(before, calibration.temperature).probabilities
    assert abs(expected - before.probabilities).max() > 0.1
    pipe.save_pretrained(tmp_path)
    for model in (pipe, pipeline("stigma-classification", model=str(tmp_path))):
        after = predict_spans(model, spans()).tasks["adamant"]
        assert after.probabilities == pytest.approx(expected, abs=1e-12)
        assert after.predicted.tolist() == before.predicted.tolist()
        assert calibrate(after).temperature == pytest.approx(1, abs=1e-3)
        (answer,) = model("she claims pain")
        assert list(answer["probabilities"].values()) == pytest.approx(expected[0].tolist())


def test_a_temperature_divides_the_logits_of_an_encoder_for_its_task_alone():
    model, tokenizer = tiny_classifier(), tokenizer_of("bert")
    before = model.predict_proba(WINDOWS, tokenizer)
    model.config.temperature = {"adamant": 0.5}
    for window, old, new in zip(WINDOWS, before, model.predict_proba(WINDOWS, tokenizer), strict=True):
        expected = old**2 / (old**2).sum() if window.task == "adamant" else old
        assert new == pytest.approx(expected, abs=1e-6)
        assert new.dtype == np.float32


@pytest.mark.parametrize("config", [BaselineConfig, AnchorPooledConfig])
@pytest.mark.parametrize(
    ("temperature", "message"),
    [
        ({"mood": 1.0}, "expected temperatures of the tasks adamant, .*found one of 'mood'"),
        ({"adamant": 0}, "the temperature of 'adamant' to be a number above 0, found 0"),
        ({"adamant": float("nan")}, "to be a number above 0, found nan"),
        ({"adamant": "1"}, "to be a number above 0, found '1'"),
    ],
)
def test_a_temperature_that_is_none_is_refused(config, temperature, message):
    with pytest.raises(ValueError, match=message):
        config(labels={"adamant": ["difficult", "disbelief"]}, temperature=temperature)
