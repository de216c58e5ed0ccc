"""Estimates against what they must be by arithmetic, and their errors against the spread they ought to have."""

from dataclasses import replace

import numpy as np
import pytest

from prevalence.simulated_corpus import Population, Scenario
from stigma_hf.prevalence.design import SampleDesign
from stigma_hf.prevalence.estimators import AdjustedCount, PredictionPowered, counted
from stigma_hf.prevalence.spans import UNKNOWN, CorpusSpans

LABELS = ("negative", "neutral")


def corpus(anchor, said, true, sampled, patient=None):
    gold = np.where(np.isin(np.arange(len(true)), sampled), true, None)
    patients = np.arange(len(true)) if patient is None else patient
    return CorpusSpans.from_columns("compliance", LABELS, anchors=anchor, patients=patients, predicted=said, gold=gold)


@pytest.fixture(scope="module")
def small():
    """Thirty spans of one anchor and ten of another; four and two of them labelled."""
    anchor = np.repeat(["declined", "refused"], [30, 10])
    true = np.array(["negative", "neutral", "neutral"] * 10 + ["negative"] * 9 + ["neutral"])
    said = np.array(["negative"] * 15 + ["neutral"] * 15 + ["negative"] * 10)
    return corpus(anchor, said, true, [0, 3, 1, 16, 30, 39])


@pytest.fixture(scope="module")
def drawn():
    population = Population(Scenario(n_patients=20_000, n_anchors=12, corpus_patients=1500, per_task=400))
    return population.corpus(np.random.default_rng(3))


def everything(spans):
    return np.ones(len(spans))


def test_counting_is_the_share_of_predictions(small):
    assert counted(small, everything(small)).tolist() == [25 / 40, 15 / 40]
    assert counted(small, (small.anchor == 1).astype(float)).tolist() == [1, 0]


def test_labels_alone_are_weighted_by_how_many_spans_of_their_anchor_they_stand_for(small):
    mean = PredictionPowered(SampleDesign(small), power=0).mean(everything(small))
    # declined: 2 of 4 negative, 30 spans; refused: 1 of 2, 10 spans.
    assert mean.value == pytest.approx([(30 * 2 / 4 + 10 * 1 / 2) / 40, (30 * 2 / 4 + 10 * 1 / 2) / 40])


def test_predictions_are_corrected_by_what_the_labels_of_each_anchor_say(small):
    mean = PredictionPowered(SampleDesign(small), power=1).mean(everything(small))
    # Among the labelled: declined is said negative 3 of 4 times, and is 2 of 4; refused 2 of 2, and is 1 of 2.
    assert mean.value[0] == pytest.approx((15 - 30 * 1 / 4 + 10 - 10 * 1 / 2) / 40)


def test_adjusted_count_with_two_labels_is_that_of_rogan_and_gladen(small):
    # Labelled spans stand for 30 / 4 and 10 / 2. All true negatives are said to be; of the others 1 and 39, not 16.
    true_rate, false_rate = 1, (7.5 + 5) / (7.5 + 7.5 + 5)
    method = AdjustedCount(SampleDesign(small))
    assert method.problem == ""
    for members in (everything(small), (small.anchor == 0).astype(float)):
        share = (counted(small, members)[0] - false_rate) / (true_rate - false_rate)
        assert method.mean(members).value == pytest.approx([share, 1 - share])


def test_with_every_span_labelled_the_estimate_is_the_truth_and_its_error_that_of_a_clustered_mean(drawn):
    true = np.random.default_rng(0).integers(0, 3, len(drawn))
    design = SampleDesign(replace(drawn, gold=true))
    mean = PredictionPowered(design).mean(everything(drawn))
    assert mean.value == pytest.approx(np.bincount(true) / len(true))
    n = len(mean.patients)
    sums = np.stack([np.bincount(drawn.patient, (true == k) - mean.value[k], n) for k in range(3)], axis=1)
    expected = np.square(sums / len(drawn)).sum(axis=0) * n / (n - 1)
    # Means of anchors have their own small corrections.
    assert mean.variance == pytest.approx(expected, rel=0.02)


def test_a_group_with_all_labels_has_its_true_share_however_the_others_differ(drawn):
    true = np.random.default_rng(0).integers(0, 3, len(drawn))
    in_group = drawn.groups["group"].codes == 2
    mean = PredictionPowered(SampleDesign(replace(drawn, gold=true)), power=1).mean(in_group.astype(float))
    assert mean.value == pytest.approx(np.bincount(true[in_group]) / in_group.sum(), abs=0.002)


def test_perfect_predictions_leave_only_the_error_of_drawing_patients(drawn):
    truth = np.where(drawn.gold == UNKNOWN, drawn.predicted, drawn.gold)
    spans = replace(drawn, predicted=truth, probabilities=np.eye(3)[truth])
    method = PredictionPowered(SampleDesign(spans))
    assert method.power == 1
    mean = method.mean(everything(spans))
    assert mean.value == pytest.approx(np.bincount(truth) / len(truth))
    assert np.abs(mean.labelled).max() < 1e-12


def test_the_power_is_the_one_with_the_least_variance(drawn):
    design = SampleDesign(drawn)
    best = PredictionPowered(design).power
    assert 0 < best <= 1

    def variance(power):
        return PredictionPowered(design, power).mean(everything(drawn)).variance.sum()

    assert variance(best) <= min(variance(power) for power in (0, 0.3, 0.6, 0.9, 1)) * (1 + 1e-9)


def test_shares_add_up_to_one_for_corpus_and_groups(drawn):
    method = PredictionPowered(SampleDesign(drawn))
    for weights in (everything(drawn), (drawn.groups["group"].codes == 1).astype(float)):
        assert method.mean(weights).value.sum() == pytest.approx(1)


def test_copies_of_a_patients_spans_do_not_make_intervals_shorter(drawn):
    twice = np.repeat(np.arange(len(drawn)), 2)
    columns = ("anchor", "patient", "note", "predicted", "probabilities", "gold")
    copied = replace(
        drawn, **{name: getattr(drawn, name)[twice] for name in columns}, text=np.arange(len(twice)), groups={}
    )
    once, double = (PredictionPowered(SampleDesign(spans), 1.0).mean(everything(spans)) for spans in (drawn, copied))
    assert double.value == pytest.approx(once.value)
    assert double.variance == pytest.approx(once.variance, rel=0.03)


def test_copies_of_a_text_with_other_patients_do_not_make_intervals_shorter(drawn):
    twice = np.repeat(np.arange(len(drawn)), 2)
    columns = ("anchor", "predicted", "probabilities", "gold", "text")
    patient = np.arange(len(twice))
    values = {name: getattr(drawn, name)[twice] for name in columns}
    copied = replace(drawn, **values, patient=patient, note=patient, groups={})
    alone = replace(drawn, patient=np.arange(len(drawn)))
    labels_once, labels_double = (
        PredictionPowered(SampleDesign(spans), 0.0).mean(everything(spans)) for spans in (alone, copied)
    )
    # With labels alone nearly all of the variance comes from drawing texts to label.
    assert labels_double.variance == pytest.approx(labels_once.variance, rel=0.1)


def test_errors_agree_with_a_bootstrap_of_patients(drawn):
    rng = np.random.default_rng(1)
    n_patients = int(drawn.patient.max()) + 1
    counts = np.bincount(drawn.patient)
    first = np.r_[0, counts.cumsum()[:-1]]
    values = []
    for _ in range(150):
        sampled = rng.integers(0, n_patients, n_patients)
        sizes = counts[sampled]
        places = np.repeat(first[sampled] - np.r_[0, sizes.cumsum()[:-1]], sizes) + np.arange(sizes.sum())
        columns = ("anchor", "predicted", "probabilities", "gold")
        patient = np.repeat(np.arange(n_patients), sizes)
        again = replace(
            drawn,
            **{name: getattr(drawn, name)[places] for name in columns},
            patient=patient,
            note=patient,
            text=np.arange(len(places)),
            groups={},
        )
        values.append(PredictionPowered(SampleDesign(again), 1.0).mean(everything(again)).value)
    error = np.sqrt(PredictionPowered(SampleDesign(drawn), 1.0).mean(everything(drawn)).variance)
    # The spread of 150 replicates is known to 6 % (one standard error).
    assert error == pytest.approx(np.std(values, axis=0), rel=0.25)


def test_a_matrix_without_a_label_cannot_be_inverted(small):
    spans = replace(small, gold=np.where(small.gold == 1, UNKNOWN, small.gold))
    assert AdjustedCount(SampleDesign(spans)).problem == "no labelled span is neutral"


def test_a_model_that_always_says_the_same_cannot_be_adjusted_and_has_no_power(small):
    spans = replace(
        small, predicted=np.zeros_like(small.predicted), probabilities=np.tile([0.7, 0.3], (len(small), 1))
    )
    design = SampleDesign(spans)
    assert AdjustedCount(design).problem == "the model hardly tells the labels apart"
    assert PredictionPowered(design).power == 0
