"""Train a baseline on every fold of the published cross-validation."""

from collections.abc import Iterator, Mapping
from typing import Any

from stigma_hf.baseline.modeling import BaselineClassifier
from stigma_hf.baseline.recipes import Recipe
from stigma_hf.baseline.training import train_baseline
from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.majority_scores import FOLDS
from stigma_hf.mimic.splits import cross_validation
from stigma_hf.tasks import load_tasks


def fold_spans(spans: Mapping[str, LabelledWindows], folds: int = FOLDS) -> Iterator[dict[str, LabelledWindows]]:
    """The splits of each fold: training and validation spans dealt out task by task, all others as they are.

    Args:
        spans: The splits; `train` and `validation` are dealt out.
        folds: Their number, from 2 on.

    Source: Harrigian et al. 2023 (ACL short papers), evaluation section and released toolkit.
    """
    parts = [(spans["train"].of_task(task), spans["validation"].of_task(task)) for task in load_tasks()]
    rows = [cross_validation(len(train.labels), len(validation.labels), folds) for train, validation in parts]
    for of_fold in zip(*rows, strict=True):
        train = validation = LabelledWindows([], [])
        for (of_train, of_validation), (trains, validates) in zip(parts, of_fold, strict=True):
            train += of_train.rows(trains)
            validation += of_validation.rows(validates)
        yield {**spans, "train": train, "validation": validation}


def train_folds(
    recipe: Recipe,
    spans: Mapping[str, LabelledWindows],
    provenance: Mapping[str, Any] | None = None,
    folds: int = FOLDS,
) -> Iterator[BaselineClassifier]:
    """The baseline of a recipe on each fold; its `config.training` holds the scores, those of the test spans too.

    Args:
        recipe: How it is made.
        spans: The splits `train`, `validation` and `test`.
        provenance: Where the spans come from, as for `train_baseline`.
        folds: Number of folds, from 2 on.

    Raises:
        UsageError: If there is nothing to train on or to choose by.
    """
    for fold in fold_spans(spans, folds):
        yield train_baseline(recipe, fold, provenance, drawn_from=spans)
