import numpy as np
import pytest
from hypothesis import given, settings
from prediction_samples import LABELS, odd_predictions, random_predictions
from sklearn.metrics import accuracy_score, f1_score

from stigma_hf.errors import UsageError
from stigma_hf.evaluation import resampling
from stigma_hf.evaluation.figures import HEADLINE, PER_LABEL
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.resampling import Resamples, percentile_interval, resampled_figures
from stigma_hf.evaluation.scores import draw_patients


def plain_resamples(predictions, resamples):
    """The rows of each resample: all spans of each patient, as often as the patient was drawn."""
    patients = np.unique(predictions.clusters)
    for counts in resamples.counts:
        drawn = np.repeat(patients, counts)
        yield np.concatenate([np.flatnonzero(predictions.clusters == patient) for patient in drawn])


@settings(max_examples=40, deadline=None)
@given(odd_predictions())
def test_each_resample_is_scored_as_scikit_learn_scores_the_spans_of_the_drawn_patients(predictions):
    resamples = draw_patients(predictions, resamples=5)
    found = resampled_figures(predictions, resamples, ["macro_f1", "accuracy"])
    for place, rows in enumerate(plain_resamples(predictions, resamples)):
        true, predicted = predictions.true[rows], predictions.predicted[rows]
        expected = f1_score(true, predicted, average="macro", zero_division=0)
        assert found["macro_f1"][place] == pytest.approx(expected, abs=1e-12)
        assert found["accuracy"][place] == pytest.approx(accuracy_score(true, predicted), abs=1e-12)


def test_as_many_patients_are_drawn_as_there_are():
    resamples = draw_patients(random_predictions(0, n_patients=30), resamples=50)
    assert resamples.counts.sum(axis=1).tolist() == [resamples.counts.shape[1]] * 50
    assert resamples.n_clusters == resamples.counts.shape[1] <= 30


def test_the_draw_depends_on_the_seed_and_not_on_the_order_of_spans():
    predictions = random_predictions(0)
    shuffled = predictions.where(np.random.default_rng(1).permutation(len(predictions)))
    names = [*HEADLINE, *PER_LABEL]
    first, again = (
        resampled_figures(each, draw_patients(each, 20, seed=3), names) for each in (predictions, shuffled)
    )
    for name in names:
        assert first[name] == pytest.approx(again[name], abs=1e-12, nan_ok=True)
    other = resampled_figures(predictions, draw_patients(predictions, 20, seed=4), ["accuracy"])
    assert other["accuracy"].tolist() != first["accuracy"].tolist()


def test_parts_of_a_few_resamples_give_what_one_part_gives(monkeypatch):
    predictions = random_predictions(0)
    resamples = draw_patients(predictions, 23)
    whole = resampled_figures(predictions, resamples, ["macro_f1", "roc_auc", "brier"])
    monkeypatch.setattr(resampling, "_WEIGHTS_AT_ONCE", 5 * len(predictions))
    assert len(list(resamples.weights())) == 5
    for name, values in resampled_figures(predictions, resamples, list(whole)).items():
        assert values == pytest.approx(whole[name], abs=1e-12)


def test_a_group_shares_the_draws_of_all_spans():
    predictions = random_predictions(0)
    resamples = draw_patients(predictions, 10)
    is_angry = predictions.column("anchor") == "angry"
    group = resampled_figures(predictions.where(is_angry), resamples.where(is_angry), ["accuracy"])["accuracy"]
    for place, rows in enumerate(plain_resamples(predictions, resamples)):
        rows = rows[is_angry[rows]]
        assert group[place] == pytest.approx(predictions.is_right[rows].mean())


def test_draws_over_other_spans_missing_patients_and_no_resamples_are_refused():
    predictions = random_predictions(0, n_spans=10)
    with pytest.raises(UsageError, match="expected resamples of 9 spans, found 10"):
        resampled_figures(predictions.where(np.arange(9)), draw_patients(predictions, 2), ["accuracy"])
    with pytest.raises(UsageError, match="expected a subject_id for every span, found none for 1 of 3"):
        Resamples.draw(np.array([1, None, 2], dtype=object))
    with pytest.raises(UsageError, match="whole number from 1 on, found 0"):
        Resamples.draw(5, resamples=0)
    with pytest.raises(UsageError, match="level between 0 and 1, found 95"):
        percentile_interval(np.ones(3), 95)


def test_an_interval_is_over_the_resamples_that_have_a_value():
    values = np.append(np.arange(101.0), [np.nan] * 7)
    assert percentile_interval(values, 0.9) == pytest.approx((5, 95))
    assert percentile_interval(values[-7:]) == (None, None)


def intervals_that_hold_the_truth(by_patient, repeats=200, accuracy=0.7):
    """Share of simulated splits whose interval holds the accuracy; the spans of a patient stand or fall together."""
    random = np.random.default_rng(0)
    held = 0
    for _ in range(repeats):
        patients = np.repeat(np.arange(60), random.integers(1, 9, size=60))
        is_right = (random.random(60) < accuracy)[patients]
        given = np.where(is_right, "negative", "neutral")
        probabilities = np.eye(4)[[LABELS.index(label) for label in given]]
        predictions = Predictions.of("other", LABELS, ["negative"] * len(given), probabilities)
        resamples = Resamples.draw(patients if by_patient else len(patients), 400)
        low, high = percentile_interval(resampled_figures(predictions, resamples, ["accuracy"])["accuracy"])
        held += low <= accuracy <= high
    return held / repeats


def test_intervals_hold_the_truth_as_often_as_they_say_if_patients_are_drawn_and_not_spans():
    assert 0.90 <= intervals_that_hold_the_truth(by_patient=True) <= 0.98
    assert intervals_that_hold_the_truth(by_patient=False) < 0.80
