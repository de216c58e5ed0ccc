import pytest

from reproduction.labelled_folder import write_folder
from stigma_hf.baseline.folds import fold_spans
from stigma_hf.errors import UsageError
from stigma_hf.reproduction.divisions import Folds, PatientShares
from stigma_hf.reproduction.labelled_data import read_labelled_data


@pytest.fixture(scope="module")
def spans(data):
    return read_labelled_data(data)


def patients_of(spans, division):
    """The patients of a part's training spans, found by the contexts, which are all different."""
    of_context = dict(zip([w.context for w in spans.spans["train"].windows], spans.patients, strict=True))
    return {of_context[window.context] for window in division.splits["train"].windows}


def test_folds_are_the_published_ones(spans):
    divisions = Folds(3)
    assert divisions.parts() == ["fold-0", "fold-1", "fold-2"]
    for number, expected in enumerate(fold_spans(spans.spans, 3)):
        division = divisions.divide(spans, f"fold-{number}")
        assert division.splits == expected
        assert division.drawn_from is spans.spans
        assert division.fold == number and division.seed is None


def test_parts_of_a_draw_hold_the_smaller_ones_and_whole_patients(spans):
    divisions = PatientShares((0.1, 0.4, 1.0), draws=2)
    assert divisions.parts()[:2] == ["draw-0-of-0.1", "draw-1-of-0.1"]
    small, middle, whole = (divisions.divide(spans, f"draw-0-of-{share}") for share in ("0.1", "0.4", "1"))
    sets = [patients_of(spans, division) for division in (small, middle, whole)]
    assert sets[0] < sets[1] < sets[2] == set(spans.patients)
    assert [len(of_part) for of_part in sets] == [4, 18, 45]
    for division, of_part in zip((small, middle, whole), sets, strict=True):
        assert len(division.splits["train"].labels) == sum(patient in of_part for patient in spans.patients)
    assert whole.splits["train"] == spans.spans["train"]
    assert small.splits["validation"] is spans.spans["validation"]


def test_baselines_learn_no_words_of_patients_that_were_not_drawn(spans):
    division = PatientShares().divide(spans, "draw-0-of-0.25")
    assert division.drawn_from["train"] == division.splits["train"]


def test_draws_differ_and_repeat(spans):
    first, second = (PatientShares().divide(spans, f"draw-{draw}-of-0.25") for draw in (0, 1))
    assert patients_of(spans, first) != patients_of(spans, second)
    assert (first.seed, second.seed) == (42, 43)
    assert PatientShares(seed=43).divide(spans, "draw-0-of-0.25").splits == second.splits
    assert PatientShares((0.25,), draws=9).divide(spans, "draw-0-of-0.25").splits == first.splits


def test_patients_are_counted_for_each_task(spans):
    counted = PatientShares().divide(spans, "draw-0-of-1").n_patients
    tasks = [window.task for window in spans.spans["train"].windows]
    expected = {
        task: len({patient for patient, of in zip(spans.patients, tasks, strict=True) if of == task})
        for task in set(tasks)
    }
    assert counted == expected


def test_spans_without_patients_are_refused(tmp_path):
    spans = read_labelled_data(write_folder(tmp_path, without=["subject_id"]))
    with pytest.raises(UsageError, match="expected training spans with subject_id"):
        PatientShares().divide(spans, "draw-0-of-0.25")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Folds(1), "expected at least 2 folds, found 1"),
        (lambda: PatientShares((0.0, 1.0)), "expected shares above 0 and at most 1"),
        (lambda: PatientShares(()), "expected shares above 0"),
        (lambda: PatientShares((0.5, 0.1)), "ascending, found 0.5, 0.1"),
        (lambda: PatientShares(draws=0), "expected at least 1 draw, found 0"),
    ],
)
def test_divisions_that_cannot_be_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()
