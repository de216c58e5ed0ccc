import json
import random

import numpy as np
import pytest
from mimic_tree import BASELINE, BUILD, PARITY

from stigma_hf.errors import UsageError
from stigma_hf.mimic.splits import PROPORTIONS, SPLITS, check_disjoint, cross_validation, hash_split, released_split

OURS = {"train": "train", "dev": "validation", "test": "test"}


@pytest.mark.parametrize("seed", [42, 7])
@pytest.mark.parametrize("path", [BUILD / "expected/split.json", BASELINE / "expected_split.json"], ids=str)
def test_released_split_equals_the_recorded_one(path, seed):
    recorded = json.loads(path.read_text())[f"random_state_{seed}"]
    patients = [int(patient) for patient in recorded]
    random.Random(1).shuffle(patients)
    assert released_split(patients * 2, seed) == {int(p): OURS[split] for p, split in recorded.items()}


def test_released_split_changes_with_one_patient_more():
    patients = range(1000, 2000)
    before, after = released_split(patients), released_split([*patients, 1])
    assert sum(before[patient] != after[patient] for patient in patients) > 300


def test_hash_split_stays_when_patients_come_and_go():
    before = hash_split(range(1000, 2000))
    after = hash_split([*range(1500, 3000)])
    assert all(before[patient] == after[patient] for patient in range(1500, 2000))


def test_hash_split_has_the_published_proportions_and_another_seed_another_assignment():
    split, other = hash_split(range(20_000)), hash_split(range(20_000), seed=1)
    for name, share in zip(SPLITS, PROPORTIONS, strict=True):
        assert list(split.values()).count(name) / 20_000 == pytest.approx(share, abs=0.01)
    assert split != other


def test_hash_split_is_the_same_on_every_machine():
    pinned = ["validation", "train", "train", "train", "train", "train", "train", "validation"]
    assert list(hash_split(range(10_000_000, 10_000_008)).values()) == pinned


def test_patient_in_two_splits_is_an_error():
    with pytest.raises(ValueError, match="1 patients are in both train and test"):
        check_disjoint({"train": [1, 2, 2], "validation": [3], "test": [2]})
    check_disjoint({"train": [1, 2, 2], "validation": [3], "test": []})


def folds():
    return [json.loads(line) for line in (PARITY / "folds.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    "fold", folds(), ids=lambda f: f"{f['n_train']}+{f['n_dev']} cv {f['cv']} seed {f['random_state']}"
)
def test_folds_equal_the_recorded_ones(fold):
    cv = tuple(fold["cv"]) if isinstance(fold["cv"], list) else fold["cv"]
    rows = cross_validation(fold["n_train"], fold["n_dev"], cv, fold["random_state"])
    assert [train.tolist() for train, _ in rows] == fold["train_index"]
    assert [validation.tolist() for _, validation in rows] == fold["dev_index"]


def test_folds_of_each_task_equal_the_recorded_ones():
    for task in json.loads((BUILD / "expected/split.json").read_text())["folds"].values():
        rows = cross_validation(len(task["y_train"]), len(task["y_dev"]), 5)
        assert [train.tolist() for train, _ in rows] == task["train_index"]
        assert [validation.tolist() for _, validation in rows] == task["dev_index"]


def test_every_row_is_left_out_of_one_fold():
    rows = cross_validation(103, 31, 5)
    left_out = np.concatenate([np.setdiff1d(np.arange(103), train) for train, _ in rows])
    assert sorted(left_out) == list(range(103))
    assert sorted(np.concatenate([validation for _, validation in rows])) == list(range(31))


@pytest.mark.parametrize("folds", [1, 0, (3, 0.0), (3, 1.5), (0, 0.5)])
def test_folds_that_cannot_be_are_refused(folds):
    with pytest.raises(UsageError, match="expected"):
        cross_validation(10, 5, folds)
