import json
from math import isnan

import numpy as np
from hypothesis import given, settings
from prediction_samples import LABELS, odd_predictions, random_predictions

from stigma_hf.evaluation.figures import HEADLINE, PER_LABEL, figures
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.scores import draw_patients, score


def test_every_figure_has_its_value_and_an_interval_around_it():
    predictions = random_predictions(0, n_spans=400)
    scores = score(predictions, resamples=200)
    values = figures(predictions)
    assert set(scores.headline) == set(HEADLINE)
    for name, estimate in scores.headline.items():
        assert estimate.value == values[name][0]
        assert estimate.low < estimate.high
        assert estimate.n_undefined == 0
    for place, label in enumerate(LABELS):
        assert set(scores.per_label[label]) == set(PER_LABEL)
        for name, estimate in scores.per_label[label].items():
            assert estimate.value == values[name][0, place]
            assert estimate.low < estimate.value < estimate.high
    assert scores.headline["accuracy"].low < scores.headline["accuracy"].value < scores.headline["accuracy"].high
    assert scores.intervals.resamples == 200
    assert scores.intervals.n_clusters == scores.n_patients == len(set(predictions.clusters.tolist()))
    assert scores.cautions == []


def test_counts_fit_the_confusion_matrix():
    scores = score(random_predictions(0), resamples=0)
    assert [sum(row) for row in scores.confusion] == list(scores.support.values())
    assert [sum(column) for column in zip(*scores.confusion, strict=True)] == list(scores.n_predicted.values())
    assert sum(scores.support.values()) == scores.n_spans == 200
    assert list(scores.support) == list(LABELS)


def test_without_resamples_there_are_values_and_no_intervals():
    scores = score(random_predictions(0), resamples=0)
    assert scores.headline["macro_f1"].low is None
    assert scores.headline["macro_f1"].value > 0
    assert scores.intervals.resamples == 0


def test_shared_draws_give_the_intervals_of_their_own_seed():
    predictions = random_predictions(0)
    shared = score(predictions, draw_patients(predictions, 50, seed=9))
    assert shared.to_dict() == score(predictions, 50, seed=9).to_dict()
    assert shared.headline["accuracy"] != score(predictions, 50, seed=8).headline["accuracy"]


def without_nan(value):
    if isinstance(value, dict):
        return all(map(without_nan, value.values()))
    if isinstance(value, list):
        return all(map(without_nan, value))
    return not (isinstance(value, float) and isnan(value))


@settings(max_examples=40, deadline=None)
@given(odd_predictions())
def test_scores_are_json_without_nan_whatever_the_spans(predictions):
    written = score(predictions, resamples=5).to_dict()
    assert without_nan(written)
    assert json.loads(json.dumps(written, allow_nan=False)) == written


def test_a_split_without_spans_has_no_figures_and_says_so():
    nothing = Predictions.of("other", LABELS, [], np.empty((0, 4)))
    scores = score(nothing, resamples=10)
    assert {estimate.value for estimate in scores.headline.values()} == {None}
    assert scores.n_spans == 0
    assert scores.cautions == ["there are no spans: no figure is defined"]


def test_one_class_an_absent_one_and_a_single_patient_are_told():
    one_class = Predictions.of("other", LABELS, ["neutral"] * 2, np.eye(4)[[2, 1]], columns={"subject_id": [1, 1]})
    scores = score(one_class, resamples=10)
    assert scores.per_label["neutral"]["roc_auc"].value is None
    assert scores.headline["accuracy"].value == 0.5
    assert scores.headline["accuracy"].low is None
    assert "every span is neutral: no ROC AUC is defined" in scores.cautions[0]
    assert "all spans are of one patient" in scores.cautions[1]
    two = Predictions.of("other", LABELS, ["neutral", "positive"], np.eye(4)[[2, 1]], columns={"subject_id": [1, 2]})
    assert "no span is exclude or negative" in score(two, resamples=10).cautions[0]


def test_spans_without_patients_are_drawn_one_by_one_with_a_caution():
    predictions = Predictions.of("other", LABELS, ["neutral", "positive"] * 20, np.eye(4)[[2, 3] * 15 + [1, 3] * 5])
    scores = score(predictions, resamples=50)
    assert scores.n_patients is None
    assert scores.intervals.method == "percentile bootstrap over spans"
    assert scores.headline["accuracy"].low < scores.headline["accuracy"].high
    assert any("no subject_id: intervals take spans for independent" in caution for caution in scores.cautions)


def test_a_figure_that_some_resamples_lack_counts_them():
    rare = Predictions.of(
        "other",
        LABELS,
        ["positive"] + ["negative"] * 9,
        np.eye(4)[[3] + [1] * 9],
        columns={"subject_id": range(10)},
    )
    estimate = score(rare, resamples=300).per_label["positive"]["roc_auc"]
    assert estimate.value == 1
    # A patient is in none of (1 - 1/10) ** 10 of the resamples.
    assert 0.25 < estimate.n_undefined / 300 < 0.45
