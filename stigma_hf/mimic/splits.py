"""Which patients train, validate and test a model, and folds for cross-validation."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from stigma_hf.errors import UsageError

Split = Literal["released", "hash"]

SPLITS = ("train", "validation", "test")
PROPORTIONS = (0.7, 0.2, 0.1)
PUBLISHED_SEED = 42


def released_split(subject_ids: Iterable[int], seed: int = PUBLISHED_SEED) -> dict[int, str]:
    """The published assignment of patients: drawn one by one over the sorted ids.

    It depends on every patient: one more or one less, and those after it are drawn anew. It means the published
    splits only over all patients with an admission in MIMIC-IV 2.2.

    Args:
        subject_ids: Patients, in any order and any number of times.
        seed: Seed of the draw; the published models used 42.

    Returns:
        Split of each patient, patients in order.
    """
    patients = np.unique(np.fromiter(subject_ids, dtype=np.int64))
    drawn = np.random.RandomState(seed).choice(SPLITS, size=len(patients), p=PROPORTIONS)
    return dict(zip(patients.tolist(), drawn.tolist(), strict=True))


def hash_split(subject_ids: Iterable[int], seed: int = PUBLISHED_SEED) -> dict[int, str]:
    """An assignment in which each patient's split depends on that patient alone, so it outlives releases.

    Args:
        subject_ids: Patients, in any order and any number of times.
        seed: Another seed gives another assignment.

    Returns:
        Split of each patient, patients in order.
    """
    bounds = np.cumsum(PROPORTIONS[:-1])
    assigned = {}
    for patient in np.unique(np.fromiter(subject_ids, dtype=np.int64)).tolist():
        digest = hashlib.sha256(f"{seed}:{patient}".encode()).digest()
        position = int.from_bytes(digest[:8], "big") / 2**64
        assigned[patient] = SPLITS[int(np.searchsorted(bounds, position, side="right"))]
    return assigned


def check_disjoint(patients: Mapping[str, Iterable[int]]) -> None:
    """Raise if a patient is in two splits.

    Args:
        patients: Split name to the patients in it.

    Raises:
        ValueError: If so; how many patients and which splits are in the message.
    """
    names = list(patients)
    sets = {name: set(patients[name]) for name in names}
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            if shared := sets[first] & sets[second]:
                raise ValueError(
                    f"{len(shared)} patients are in both {first} and {second}; splits must not share patients"
                )


def cross_validation(
    n_train: int, n_validation: int, folds: int | tuple[int, float] | None, seed: int = PUBLISHED_SEED
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of each fold: which train, and which of the validation rows select the model.

    As published, training and validation rows are dealt out apart, so that no patient is on both sides of a fold.

    Args:
        n_train: Number of training rows.
        n_validation: Number of validation rows.
        folds: A number k leaves one k-th of the training rows out of each fold and selects on one k-th of the
            validation rows. A pair (n, share) draws that share of both, n times. None is a single fold of all rows.
        seed: Seed of the draw.

    Returns:
        Row numbers, one pair per fold; ascending, but for the pair form, which keeps the drawn order.

    Raises:
        UsageError: If there are fewer than two folds or the share is not above 0 and at most 1.
    """
    random = np.random.RandomState(seed)
    if folds is None:
        return [(np.arange(n_train), np.arange(n_validation))]
    if isinstance(folds, int):
        if folds < 2:
            raise UsageError(f"expected at least 2 folds, found {folds}")
        train_fold = random.permutation(np.arange(n_train) % folds)
        validation_fold = random.permutation(np.arange(n_validation) % folds)
        return [(np.flatnonzero(train_fold != i), np.flatnonzero(validation_fold == i)) for i in range(folds)]
    draws, share = folds
    if draws < 1 or not 0 < share <= 1:
        raise UsageError(f"expected a number of draws and a share of at most 1, found {folds!r}")
    train = [random.choice(n_train, int(n_train * share), replace=False) for _ in range(draws)]
    validation = [random.choice(n_validation, int(n_validation * share), replace=False) for _ in range(draws)]
    return list(zip(train, validation, strict=True))
