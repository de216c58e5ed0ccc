import numpy as np
import pytest
from prediction_samples import LABELS, random_predictions
from scipy.stats import ttest_rel

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.significance import paired_bootstrap, paired_t_test


def model(seed, accuracy, n_spans=300):
    """The answers of a model that is right by chance, on spans that every seed shares."""
    random = np.random.default_rng(seed)
    is_right = random.random(n_spans) < accuracy
    places = np.where(is_right, np.arange(n_spans) % 4, (np.arange(n_spans) + 1) % 4)
    true = [LABELS[place % 4] for place in range(n_spans)]
    return Predictions.of("other", LABELS, true, np.eye(4)[places], columns={"subject_id": range(n_spans)})


def test_a_model_is_no_better_than_itself():
    predictions = model(0, 0.7)
    for difference in paired_bootstrap(predictions, predictions, resamples=50).values():
        assert difference.first == difference.second
        assert (difference.difference, difference.low, difference.high, difference.p_value) == (0, 0, 0, 1)


def test_a_much_better_model_is_told_from_a_worse_one_either_way_round():
    better, worse = model(1, 0.85), model(2, 0.65)
    ahead = paired_bootstrap(better, worse, ["accuracy"], resamples=999)["accuracy"]
    behind = paired_bootstrap(worse, better, ["accuracy"], resamples=999)["accuracy"]
    assert ahead.difference == pytest.approx(better.is_right.mean() - worse.is_right.mean())
    assert 0 < ahead.low < ahead.difference < ahead.high
    assert ahead.p_value == behind.p_value == pytest.approx(2 / 1000)
    assert (behind.low, behind.high) == pytest.approx((-ahead.high, -ahead.low))


def test_equally_good_models_are_rarely_told_apart():
    p_values = [
        paired_bootstrap(model(2 * i, 0.7), model(2 * i + 1, 0.7), ["accuracy"], resamples=200)["accuracy"].p_value
        for i in range(150)
    ]
    assert 0.01 < np.mean(np.array(p_values) < 0.05) < 0.10


def test_figures_that_are_not_defined_have_no_difference():
    one_class = Predictions.of("other", LABELS, ["negative"] * 5, np.eye(4)[[1, 1, 1, 2, 2]])
    difference = paired_bootstrap(one_class, one_class, ["macro_roc_auc", "accuracy"], resamples=20)
    assert difference["macro_roc_auc"].difference is None
    assert difference["macro_roc_auc"].p_value is None
    assert difference["accuracy"].difference == 0


def test_models_on_other_spans_labels_or_figures_are_refused():
    first = random_predictions(0, n_spans=20)
    with pytest.raises(UsageError, match="expected both models on the same spans in the same order"):
        paired_bootstrap(first, first.where(np.arange(20)[::-1]))
    with pytest.raises(UsageError, match="20 and 10 spans that differ"):
        paired_bootstrap(first, first.where(np.arange(10)))
    with pytest.raises(UsageError, match="one task and label order, found other"):
        paired_bootstrap(first, random_predictions(0, n_spans=20, labels=LABELS[:3]))
    with pytest.raises(UsageError, match="expected figures among macro_f1, .* found f1"):
        paired_bootstrap(first, first, ["f1"])


def test_the_test_over_folds_equals_that_of_scipy():
    first, second = [0.84, 0.81, 0.86, 0.83, 0.85], [0.80, 0.82, 0.81, 0.79, 0.83]
    found, expected = paired_t_test(first, second), ttest_rel(first, second)
    assert found.t == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-12)
    assert found.mean_difference == pytest.approx(np.mean(first) - np.mean(second))
    assert found.low < found.mean_difference < found.high
    assert (found.n_folds, found.n_left_out) == (5, 0)


def test_a_fold_that_failed_is_left_out_of_both_and_counted():
    found = paired_t_test([0.8, None, 0.9, 0.7], [0.7, 0.6, 0.6, None])
    expected = ttest_rel([0.8, 0.9], [0.7, 0.6])
    assert (found.n_folds, found.n_left_out) == (2, 2)
    assert found.p_value == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(
    ("first", "second", "mean"),
    [([], [], None), ([None], [0.5], None), ([0.8], [0.5], 0.3), ([0.8, 0.9, 0.7], [0.7, 0.8, 0.6], 0.1)],
)
def test_folds_that_allow_no_test_have_none(first, second, mean):
    found = paired_t_test(first, second)
    assert (found.t, found.p_value, found.low) == (None, None, None)
    assert found.mean_difference == pytest.approx(mean)


def test_unequal_numbers_of_folds_are_refused():
    with pytest.raises(UsageError, match="scores of the same folds, found 2 and 3"):
        paired_t_test([1, 2], [1, 2, 3])
