"""Linear probes: how well something can be told from features, by a logistic regression in folds of patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.reproduction.summary import mean_and_sd

MAX_ITERATIONS = 1000
"""Of the solver; a probe that has not settled by then is used as it is, for it is scored on other patients."""


@dataclass(frozen=True)
class ProbeScore:
    """Macro F1 of a probe on patients that it was not fitted on.

    Attributes:
        mean: Over the folds; None if no fold could be fitted.
        sd: Standard deviation over the folds, as published; None likewise.
        folds: Of each fold; None where it could not be fitted.
        problem: What went wrong, in a sentence; None if nothing did.
    """

    mean: float | None
    sd: float | None
    folds: list[float | None]
    problem: str | None = None


def patient_folds(patients: np.ndarray, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to fit on and rows to score on, for folds that no patient is on both sides of.

    Args:
        patients: The patient of each row.
        folds: Number of folds, from 2 on.
        seed: Seed of the order in which patients are dealt out.

    Raises:
        UsageError: If there are fewer patients than folds.
    """
    from sklearn.model_selection import GroupKFold

    if (n_patients := len(np.unique(patients))) < folds or folds < 2:
        raise UsageError(f"expected 2 folds or more and as many patients, found {folds} folds, {n_patients} patients")
    return list(GroupKFold(folds, shuffle=True, random_state=seed).split(patients, groups=patients))


def probe_majority(target: np.ndarray, folds: Sequence[tuple[np.ndarray, np.ndarray]]) -> ProbeScore:
    """The score of always saying what is most frequent."""
    from sklearn.dummy import DummyClassifier

    return _score(DummyClassifier(strategy="most_frequent"), np.zeros((len(target), 1)), target, folds)


def probe_columns(
    columns: Sequence[np.ndarray], target: np.ndarray, folds: Sequence[tuple[np.ndarray, np.ndarray]]
) -> ProbeScore:
    """The score of a probe that reads categories, one-hot, each alone and all of them combined.

    Args:
        columns: Each with a category for every row.
        target: What is to be told.
        folds: Rows to fit and to score on.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    probe = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=MAX_ITERATIONS))
    return _score(probe, interactions(columns), target, folds)


def probe_vectors(
    vectors: np.ndarray, target: np.ndarray, folds: Sequence[tuple[np.ndarray, np.ndarray]]
) -> ProbeScore:
    """The score of a probe that reads vectors, standardised by the mean and deviation of the rows it is fitted on."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _score(make_pipeline(StandardScaler(), LogisticRegression(max_iter=MAX_ITERATIONS)), vectors, target, folds)


def interactions(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Categories alone and in every combination, shape (rows, combinations), the single ones first.

    A combination that was never seen then still has its parts.

    Example:
        >>> interactions([np.array(["claims", "insists"]), np.array(["MED", "SURG"])]).tolist()
        [['claims', 'MED', 'claims x MED'], ['insists', 'SURG', 'insists x SURG']]
    """
    chosen = [of for size in range(1, len(columns) + 1) for of in combinations(columns, size)]
    return np.array([[" x ".join(map(str, row)) for row in zip(*of, strict=True)] for of in chosen], dtype=object).T


def _score(
    probe: Any, features: np.ndarray, target: np.ndarray, folds: Sequence[tuple[np.ndarray, np.ndarray]]
) -> ProbeScore:
    """Fit on one side of each fold and score on the other; a side with one class only cannot be fitted."""
    import warnings

    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import f1_score
    from threadpoolctl import threadpool_limits

    values: list[float | None] = []
    problem = None
    for place, (fitted, scored) in enumerate(folds):
        if len(np.unique(target[fitted])) < 2:
            problem = f"fold {place}: expected at least two classes to fit on, found one"
            values.append(None)
            continue
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            told = clone(probe).fit(features[fitted], target[fitted]).predict(features[scored])
        values.append(float(f1_score(target[scored], told, average="macro", zero_division=0)))
    return ProbeScore(*mean_and_sd(values), values, problem)
