"""Every two models beside each other: over patients on one split, and over the folds of cross-validations."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from stigma_hf.evaluation.figures import HEADLINE, figures
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.resampling import LEVEL, Resamples
from stigma_hf.evaluation.significance import paired_bootstrap, paired_t_test
from stigma_hf.reporting.problems import Problems

COMPARED = ("macro_f1", "accuracy")
"""Figures that models are compared by."""


def compare_models(
    predicted: Mapping[str, Mapping[str, Predictions]],
    draws: Mapping[str, Resamples],
    problems: Problems,
    level: float = LEVEL,
) -> list[dict[str, Any]]:
    """Paired bootstrap of every two models on every task that both were evaluated on.

    Args:
        predicted: Model to task to its predictions.
        draws: Task to draws over its spans; tasks without any are left out.
        problems: Where to note models that cannot be compared.
        level: Share of resamples inside an interval.
    """
    tests = []
    for task, of_task in draws.items():
        models = [model for model, tasks in predicted.items() if task in tasks]
        for first, second in combinations(models, 2):
            pair = predicted[first][task], predicted[second][task]
            settings = (COMPARED, of_task, 0, level)
            found = problems.attempt(f"{first} and {second}", task, paired_bootstrap, *pair, *settings)
            tests += [
                {"task": task, "figure": figure, "first": first, "second": second, **_renamed(asdict(difference))}
                for figure, difference in (found or {}).items()
            ]
    return tests


def _renamed(difference: dict[str, Any]) -> dict[str, Any]:
    """A difference whose two values do not share the names of the models."""
    return {
        "first_value": difference.pop("first"),
        "second_value": difference.pop("second"),
        **difference,
    }


def summarise_folds(folds: Sequence[Mapping[str, Predictions] | None]) -> dict[str, dict[str, dict[str, Any]]]:
    """Task to figure to its value in each fold, their mean and their standard deviation.

    Args:
        folds: Task to predictions, for each fold; None for a fold that failed.
    """
    tasks = list(dict.fromkeys(task for fold in folds for task in fold or {}))
    summary: dict[str, dict[str, dict[str, Any]]] = {}
    for task in tasks:
        of_folds = [figures(fold[task], HEADLINE) if fold and task in fold else None for fold in folds]
        summary[task] = {}
        for name in HEADLINE:
            values = [None if found is None else _known(float(found[name][0])) for found in of_folds]
            defined = [value for value in values if value is not None]
            summary[task][name] = {
                "folds": values,
                "mean": float(np.mean(defined)) if defined else None,
                "sd": float(np.std(defined)) if defined else None,
            }
    return summary


def compare_folds(
    summaries: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]], problems: Problems, level: float = LEVEL
) -> list[dict[str, Any]]:
    """Paired t-test over folds of every two cross-validations, as published.

    Args:
        summaries: Model to what `summarise_folds` gave.
        problems: Where to note models that cannot be compared.
        level: Confidence level of the intervals.
    """
    tests = []
    for first, second in combinations(summaries, 2):
        for task in (task for task in summaries[first] if task in summaries[second]):
            for figure in COMPARED:
                scores = [summaries[model][task][figure]["folds"] for model in (first, second)]
                found = problems.attempt(f"{first} and {second}", task, paired_t_test, *scores, level)
                if found is not None:
                    tests.append({"task": task, "figure": figure, "first": first, "second": second, **asdict(found)})
    return tests


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
