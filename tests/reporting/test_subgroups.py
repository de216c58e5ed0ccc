import numpy as np
import pytest
from evaluation.prediction_samples import random_predictions

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.figures import figures
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.scores import draw_patients
from stigma_hf.reporting.subgroups import NOT_RECORDED, compare_groups


def grouped(sizes, **columns):
    """Predictions in groups of these sizes by service."""
    names = [name for name, size in sizes.items() for _ in range(size)]
    base = random_predictions(0, len(names))
    given = {**base.columns, "subject_id": range(len(names)), "service": names, **columns}
    return Predictions.of(base.task, base.labels, base.true_labels.tolist(), base.probabilities, columns=given)


def test_each_group_has_its_own_figures_and_gaps_to_the_largest():
    predictions = grouped({"MED": 60, "SURG": 40})
    draws = draw_patients(predictions, 200)
    grouping = compare_groups(predictions, "service", draws)
    assert grouping.reference == "MED"
    largest, other = grouping.groups
    service = predictions.columns["service"]
    expected = [figures(predictions.where(service == name))["accuracy"][0] for name in ("MED", "SURG")]
    assert [largest.headline["accuracy"].value, other.headline["accuracy"].value] == pytest.approx(expected)
    assert largest.gaps == {}
    gap = other.gaps["accuracy"]
    assert gap.value == pytest.approx(expected[1] - expected[0])
    assert gap.low < gap.value < gap.high


def test_small_groups_are_withheld_and_counted():
    predictions = grouped({"MED": 60, "SURG": 19, "PSYCH": 20, "EYE": 6})
    grouping = compare_groups(predictions, "service")
    assert [group.group for group in grouping.groups] == ["MED", "PSYCH"]
    assert grouping.withheld == ("EYE", "SURG")
    assert grouping.n_withheld_spans == 25


def test_withheld_spans_that_are_few_are_not_told():
    grouping = compare_groups(grouped({"MED": 60, "SURG": 7}), "service")
    assert grouping.withheld == ("SURG",)
    assert grouping.n_withheld_spans is None


def test_a_group_of_many_spans_of_few_patients_is_withheld():
    predictions = grouped({"MED": 60, "SURG": 40}, subject_id=[*range(60), *([1] * 20), *([2] * 20)])
    assert compare_groups(predictions, "service").withheld == ("SURG",)


def test_spans_whose_group_is_not_recorded_are_a_group():
    predictions = grouped({"MED": 60, "": 30}, service=[*["MED"] * 60, *[None] * 30])
    assert [group.group for group in compare_groups(predictions, "service").groups] == ["MED", NOT_RECORDED]


def test_every_group_too_small_leaves_no_reference():
    grouping = compare_groups(grouped({"MED": 5, "SURG": 4}), "service")
    assert (grouping.reference, grouping.groups) == (None, ())


def test_a_label_that_a_group_lacks_is_named():
    base = random_predictions(1, 60)
    true = ["negative"] * 30 + base.true_labels.tolist()[30:]
    columns = {"subject_id": range(60), "service": ["MED"] * 30 + ["SURG"] * 30}
    predictions = Predictions.of(base.task, base.labels, true, base.probabilities, columns=columns)
    first = compare_groups(predictions, "service").groups[0]
    assert first.absent_labels == ("exclude", "neutral", "positive")


def test_the_same_draws_serve_all_groups():
    predictions = grouped({"MED": 50, "SURG": 50}, subject_id=[*range(50), *range(50)])
    twice = predictions.where(np.r_[0:50, 0:50])
    columns = {**twice.columns, "service": predictions.columns["service"]}
    same = Predictions(twice.task, twice.labels, twice.true, twice.probabilities, twice.predicted, columns)
    gap = compare_groups(same, "service", draw_patients(same, 100)).groups[1].gaps["accuracy"]
    assert (gap.value, gap.low, gap.high) == (0, 0, 0)


def test_a_column_that_is_not_there_is_an_error():
    with pytest.raises(UsageError, match="expected spans with the column 'race'"):
        compare_groups(random_predictions(0), "race")
