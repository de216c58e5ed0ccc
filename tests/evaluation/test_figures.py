import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_samples import LABELS, odd_predictions, random_predictions
from sklearn import metrics

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.confusion import confusion_matrix
from stigma_hf.evaluation.figures import HEADLINE, PER_LABEL, figures
from stigma_hf.evaluation.predictions import Predictions

EXACT = {"rel": 0, "abs": 1e-12, "nan_ok": True}


def scikit_learn_figures(predictions):
    """The same figures by scikit-learn; NaN where it has none."""
    true, predicted, probabilities = predictions.true, predictions.predicted, predictions.probabilities
    places = np.arange(len(predictions.labels))
    f1_all = metrics.f1_score(true, predicted, average="macro", labels=places, zero_division=0)
    per_label = metrics.precision_recall_fscore_support(true, predicted, labels=places, zero_division=0)
    roc_auc, average_precision = [], []
    for place in places:
        has_label, scores = true == place, probabilities[:, place]
        is_defined = 0 < has_label.sum() < len(true)
        roc_auc.append(metrics.roc_auc_score(has_label, scores) if is_defined else np.nan)
        average_precision.append(metrics.average_precision_score(has_label, scores) if has_label.any() else np.nan)
    return {
        "macro_f1": metrics.f1_score(true, predicted, average="macro", zero_division=0),
        "macro_f1_all_labels": f1_all,
        "accuracy": metrics.accuracy_score(true, predicted),
        "precision": per_label[0],
        "recall": per_label[1],
        "f1": per_label[2],
        "roc_auc": roc_auc,
        "average_precision": average_precision,
        "macro_roc_auc": np.nan if np.isnan(roc_auc).all() else np.nanmean(roc_auc),
        "macro_average_precision": np.nanmean(average_precision),
        "brier": sum(metrics.brier_score_loss(true == p, probabilities[:, p], pos_label=True) for p in places),
        "log_loss": metrics.log_loss(true, probabilities, labels=places),
        "calibration_error": plain_calibration_error(predictions),
    }


def plain_calibration_error(predictions, bins=10):
    gaps = [0.0] * bins
    for is_right, confidence in zip(predictions.is_right, predictions.confidence, strict=True):
        bin_of = next(b for b in range(bins) if confidence <= (b + 1) / bins or b == bins - 1)
        gaps[bin_of] += is_right - confidence
    return sum(map(abs, gaps)) / len(predictions)


@settings(max_examples=150, deadline=None)
@given(odd_predictions())
def test_figures_equal_those_of_scikit_learn_on_few_and_odd_spans(predictions):
    expected = scikit_learn_figures(predictions)
    for name, values in figures(predictions).items():
        assert values[0] == pytest.approx(expected[name], **EXACT), name


@pytest.mark.parametrize("seed", range(3))
def test_figures_equal_those_of_scikit_learn_on_many_spans(seed):
    predictions = random_predictions(seed, n_spans=900)
    expected = scikit_learn_figures(predictions)
    found = figures(predictions)
    assert set(found) == set(expected) == {*HEADLINE, *PER_LABEL}
    for name, values in found.items():
        assert values[0] == pytest.approx(expected[name], **EXACT), name


def test_macro_roc_auc_equals_the_one_versus_rest_mean_of_scikit_learn():
    predictions = random_predictions(5)
    expected = metrics.roc_auc_score(predictions.true, predictions.probabilities, multi_class="ovr", average="macro")
    assert figures(predictions, ["macro_roc_auc"])["macro_roc_auc"][0] == pytest.approx(expected, **EXACT)


@settings(max_examples=60, deadline=None)
@given(odd_predictions(max_spans=12), st.data())
def test_a_weight_is_a_number_of_copies_of_a_span(predictions, data):
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(predictions), max_size=len(predictions)).filter(any))
    copies = scikit_learn_figures(predictions.where(np.repeat(np.arange(len(predictions)), counts)))
    weights = np.array([[1.0] * len(predictions), counts])
    for name, values in figures(predictions, weights=weights).items():
        assert values[1] == pytest.approx(copies[name], **EXACT), name


@settings(max_examples=60, deadline=None)
@given(odd_predictions())
def test_the_confusion_matrix_equals_that_of_scikit_learn(predictions):
    places = np.arange(len(predictions.labels))
    expected = metrics.confusion_matrix(predictions.true, predictions.predicted, labels=places)
    found = confusion_matrix(predictions.true, predictions.predicted, len(places))
    assert found.tolist() == expected.tolist()


def test_macro_f1_is_over_the_labels_that_occur_unless_all_are_asked_for():
    predictions = Predictions.of("other", LABELS, ["negative", "neutral"], np.eye(4)[[1, 2]])
    found = figures(predictions, ["macro_f1", "macro_f1_all_labels"])
    assert found["macro_f1"][0] == 1
    assert found["macro_f1_all_labels"][0] == 0.5


def test_without_spans_every_headline_figure_is_undefined():
    nothing = Predictions.of("other", LABELS, [], np.empty((0, 4)))
    found = figures(nothing)
    assert all(np.isnan(found[name]).all() for name in HEADLINE)
    assert found["f1"].tolist() == [[0, 0, 0, 0]]


def test_one_class_alone_leaves_roc_auc_undefined_and_the_rest_computed():
    predictions = Predictions.of("other", LABELS, ["negative"] * 3, np.eye(4)[[1, 1, 2]])
    found = figures(predictions)
    assert np.isnan(found["roc_auc"]).all()
    assert np.isnan(found["macro_roc_auc"]).all()
    assert np.isnan(found["average_precision"][0]).tolist() == [True, False, True, True]
    assert found["accuracy"][0] == pytest.approx(2 / 3)


def test_only_the_figures_asked_for_are_given_and_others_refused():
    predictions = random_predictions(0, n_spans=20)
    assert list(figures(predictions, ["accuracy", "brier"])) == ["accuracy", "brier"]
    with pytest.raises(UsageError, match="expected figures among macro_f1, .*, found f2"):
        figures(predictions, ["f2"])
