import numpy as np
import pytest

from reproduction.analysis_samples import annotated_rows, write_annotated
from stigma_hf.baseline.recipes import load_recipe
from stigma_hf.errors import UsageError
from stigma_hf.reporting.problems import Problems
from stigma_hf.reproduction.labelled_data import read_labelled_data
from stigma_hf.reproduction.transfer_learners import Learner
from stigma_hf.reproduction.transfer_report import TransferPlan, reproduce_table3
from stigma_hf.reproduction.transfer_shift import ALL_GROUPS, ShiftSettings, ShiftTest
from stigma_hf.reproduction.transfer_text import render_table3

SETTINGS = ShiftSettings(folds=3, resamples=30)


class Watched(Learner):
    """Keeps what it is trained on."""

    def train(self, spans, drawn_from, part, provenance=None, fold=None):
        seen.append((part, spans))
        return super().train(spans, drawn_from, part, provenance, fold)


seen = []


def one_service_each(rows):
    """Splits in which no patient has spans of two services."""
    return {
        split: [row | {"service": "SURG" if row["subject_id"] % 2 else "MED"} for row in of_split]
        for split, of_split in rows.items()
    }


@pytest.fixture(scope="module")
def rows():
    return annotated_rows()


@pytest.fixture(scope="module")
def data(rows, tmp_path_factory):
    return read_labelled_data(write_annotated(tmp_path_factory.mktemp("data") / "spans", rows))


@pytest.fixture
def learner(tmp_path):
    seen.clear()
    return Watched(load_recipe("majority-per-anchor"), tmp_path)


@pytest.fixture(scope="module")
def all_rows_in_order(rows):
    return [row for split in ("train", "validation", "test") for row in rows[split]]


def test_in_distribution_every_span_is_predicted_once_by_a_model_of_other_patients(data, learner, all_rows_in_order):
    answered = ShiftTest(data, SETTINGS, Problems()).in_distribution(learner)
    places = np.concatenate([places for places, _ in answered.tasks.values()])
    assert sorted(places) == list(range(len(all_rows_in_order)))
    for places, predictions in answered.tasks.values():
        assert predictions.true_labels.tolist() == [all_rows_in_order[place]["label"] for place in places]
    assert len(seen) == 3
    patient_of = {row["context"]: row["subject_id"] for row in all_rows_in_order}
    left_out = [
        set(patient_of.values()) - {patient_of[window.context] for split in spans.values() for window in split.windows}
        for _, spans in seen
    ]
    assert set.union(*left_out) == set(patient_of.values())
    assert sum(map(len, left_out)) == len(set(patient_of.values()))


def test_held_out_models_see_neither_the_group_nor_its_patients(data, learner, all_rows_in_order):
    test = ShiftTest(data, SETTINGS, Problems())
    shift = test.held_out(learner, "anchor", test.in_distribution(learner))
    parts = {part: spans for part, spans in seen if "without-anchor" in part}
    assert set(parts) == {f"shift/without-anchor-{row['anchor']}" for row in all_rows_in_order}
    spans = parts["shift/without-anchor-refused"]
    patients = {row["subject_id"] for row in all_rows_in_order if row["anchor"] == "refused"}
    allowed = {row["context"] for row in all_rows_in_order if row["subject_id"] not in patients}
    windows = [window for split in spans.values() for window in split.windows]
    assert windows and all(window.context in allowed and window.anchor != "refused" for window in windows)
    # Two thirds of the others, as with three folds.
    patient_of = {row["context"]: row["subject_id"] for row in all_rows_in_order}
    others = len(set(patient_of.values()) - patients)
    assert len({patient_of[window.context] for window in windows}) == others - others // 3
    assert not shift.withheld


def test_unseen_anchor_costs_a_baseline_that_knows_anchors_alone(data, learner):
    test = ShiftTest(data, SETTINGS, Problems())
    shift = test.held_out(learner, "anchor", test.in_distribution(learner))
    (refused,) = [score for score in shift.scores if score.group == "refused"]
    accuracy = refused.figures["accuracy"]
    assert refused.task == "compliance" and accuracy["first"] < accuracy["second"] - 0.3
    assert accuracy["difference"] == pytest.approx(accuracy["first"] - accuracy["second"])
    assert accuracy["low"] <= accuracy["difference"] <= accuracy["high"] < 0


def test_all_groups_together_are_the_spans_of_each(rows, tmp_path, learner):
    data = read_labelled_data(write_annotated(tmp_path / "spans", one_service_each(rows)))
    test = ShiftTest(data, SETTINGS, Problems())
    shift = test.held_out(learner, "service", test.in_distribution(learner))
    for task in ("adamant", "compliance", "other"):
        of_task = [score for score in shift.scores if score.task == task]
        assert [score.group for score in of_task] == ["MED", "SURG", ALL_GROUPS]
        assert of_task[2].n_spans == of_task[0].n_spans + of_task[1].n_spans == 220


def test_small_groups_are_withheld_by_name_without_a_figure(rows, tmp_path, learner):
    splits = {split: [dict(row) for row in of_split] for split, of_split in rows.items()}
    for row in splits["train"][:19]:
        row["service"] = "PSYCH"
    data = read_labelled_data(write_annotated(tmp_path / "spans", splits))
    test = ShiftTest(data, SETTINGS, Problems())
    shift = test.held_out(learner, "service", test.in_distribution(learner))
    assert shift.withheld == {task: ["PSYCH"] for task in ("adamant", "compliance", "other")}
    assert not any(score.group == "PSYCH" for score in shift.scores)
    assert not any("PSYCH" in part for part, _ in seen)


def test_failed_training_is_noted_and_the_other_groups_measured(rows, tmp_path, learner, monkeypatch):
    data = read_labelled_data(write_annotated(tmp_path / "spans", one_service_each(rows)))
    test = ShiftTest(data, SETTINGS, Problems())
    answered = test.in_distribution(learner)
    train = Learner.train

    def fail(self, spans, drawn_from, part, provenance=None, fold=None):
        if part.endswith("MED"):
            raise RuntimeError("broken")
        return train(self, spans, drawn_from, part, provenance, fold)

    monkeypatch.setattr(Learner, "train", fail)
    problems = Problems()
    shift = ShiftTest(data, SETTINGS, problems).held_out(learner, "service", answered)
    assert {score.group for score in shift.scores} == {"SURG", ALL_GROUPS}
    (problem,) = problems.found
    assert problem["model"] == "majority-per-anchor, without-service-MED" and "RuntimeError" in problem["problem"]


def test_missing_column_is_noted_and_the_others_measured(data, learner, rows, tmp_path):
    with pytest.raises(UsageError, match="expected spans with the column unit, to hold its groups out, found none"):
        ShiftTest(data, SETTINGS, Problems()).held_out(learner, "unit", {})
    folder = write_annotated(tmp_path / "spans", rows)
    plan = TransferPlan(folder, None, tmp_path / "out", ("majority-overall",), by=("unit", "service"), shift=SETTINGS)
    report = reproduce_table3(plan)
    assert set(report["shift"]) == {"service"} and "column unit" in report["problems"][0]["problem"]
    text = render_table3(report)
    assert (
        "## Held out: service" in text and "Train here" not in text and "| all of these | Majority Overall |" in text
    )


def test_task_that_cannot_be_learned_without_a_group_is_noted(rows, tmp_path, learner):
    splits = one_service_each(rows)
    for row in (row for of_split in splits.values() for row in of_split):
        if row["task"] == "adamant" and row["service"] == "SURG":
            row["label"] = "disbelief"
    data, problems = read_labelled_data(write_annotated(tmp_path / "spans", splits)), Problems()
    test = ShiftTest(data, SETTINGS, problems)
    shift = test.held_out(learner, "service", test.in_distribution(learner))
    (problem,) = problems.found
    assert problem["model"].endswith("without-service-MED") and "adamant: too few labels" in problem["problem"]
    assert ("MED", "adamant") not in {(score.group, score.task) for score in shift.scores}
    assert ("MED", "other") in {(score.group, score.task) for score in shift.scores}


def test_too_few_patients_are_refused(rows, tmp_path):
    splits = {split: [dict(row) | {"subject_id": 1} for row in of_split] for split, of_split in rows.items()}
    data = read_labelled_data(write_annotated(tmp_path / "spans", splits))
    with pytest.raises(UsageError, match="expected at least 3 patients for as many folds, found 1"):
        ShiftTest(data, SETTINGS, Problems())
