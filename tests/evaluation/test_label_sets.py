import numpy as np
import pytest
from hypothesis import given, settings
from prediction_samples import LABELS, odd_predictions, random_predictions

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.label_sets import fit_label_sets, measure_coverage
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.temperature import scaled


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("temperature", [0.3, 1.0], ids=["overconfident", "calibrated"])
def test_sets_hold_the_true_label_as_often_as_stated(coverage, temperature):
    measured = []
    for seed in range(150):
        predictions = scaled(random_predictions(seed, n_spans=400, sharpness=1), temperature)
        rule = fit_label_sets(predictions.where(np.arange(200)), coverage)
        measured.append(measure_coverage(rule, predictions.where(np.arange(200, 400))).measured)
    assert coverage - 0.005 <= np.mean(measured) <= coverage + 1 / 201 + 0.01


def test_a_better_model_needs_smaller_sets():
    sizes = []
    for sharpness in (0.5, 2, 6):
        predictions = random_predictions(0, n_spans=1000, sharpness=sharpness)
        sizes.append(measure_coverage(fit_label_sets(predictions), predictions).mean_size)
    assert sizes[0] > sizes[1] > sizes[2] >= 1


@settings(max_examples=60, deadline=None)
@given(odd_predictions())
def test_on_its_own_validation_spans_a_rule_keeps_its_promise_and_no_set_is_empty(predictions):
    for coverage in (0.5, 0.9):
        rule = fit_label_sets(predictions, coverage)
        found = measure_coverage(rule, predictions)
        assert found.measured >= coverage
        assert rule.contains(predictions.probabilities).any(axis=1).all()
        assert rule.contains(predictions.probabilities)[np.arange(len(predictions)), predictions.predicted].all()


def test_with_too_few_spans_every_label_is_in_every_set():
    predictions = random_predictions(0, n_spans=5)
    rule = fit_label_sets(predictions, 0.9)
    assert rule.label_sets(predictions.probabilities) == [list(LABELS)] * 5
    assert rule.n_spans == 5
    assert fit_label_sets(random_predictions(0, n_spans=9), 0.9).threshold > 0


def test_label_sets_are_named_in_label_order_and_measured_by_label():
    validation = Predictions.of("other", ["a", "b"], ["a"] * 9 + ["b"], [[0.7, 0.3]] * 10)
    rule = fit_label_sets(validation, 0.8)
    assert rule.threshold == 0.7
    assert rule.label_sets(np.array([[0.25, 0.75], [0.5, 0.5], [0.71, 0.29]])) == [["b"], ["a", "b"], ["a"]]
    found = measure_coverage(rule, validation)
    assert (found.measured, found.mean_size, found.single, found.per_label) == (0.9, 1, 1, {"a": 1, "b": 0})


def test_what_cannot_be_is_refused_and_what_is_not_there_is_none():
    predictions = random_predictions(0)
    with pytest.raises(UsageError, match="coverage between 0 and 1, found 90"):
        fit_label_sets(predictions, 90)
    with pytest.raises(UsageError, match="expected the labels exclude, .*, found a, b"):
        measure_coverage(fit_label_sets(predictions), Predictions.of("other", ["a", "b"], ["a"], [[1, 0]]))
    nothing = predictions.where(np.zeros(len(predictions), dtype=bool))
    found = measure_coverage(fit_label_sets(predictions), nothing)
    assert (found.measured, found.mean_size, set(found.per_label.values())) == (None, None, {None})
