"""Leave features of few notes out of a baseline, and change nothing else."""

import json
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from stigma_hf.baseline.configuration import MAJORITIES, BaselineConfig
from stigma_hf.baseline.modeling import BaselineClassifier
from stigma_hf.baseline.phrases import PhraseLearner
from stigma_hf.baseline.vocabulary import VocabularyCounter
from stigma_hf.errors import UsageError
from stigma_hf.mimic.output import finished_folder
from stigma_hf.publishing.findings import MIN_NOTES
from stigma_hf.publishing.training_text import TrainingText
from stigma_hf.publishing.vocabulary import count_notes

_TOLERANCE = 1e-12
_VOCABULARY_STEP = VocabularyCounter.__name__.lower()


def prune(folder: str | Path, out: str | Path, training: TrainingText, min_notes: int = MIN_NOTES) -> dict[str, int]:
    """Write a copy of a baseline without the features of few notes.

    A window that has none of them gets the same answer as before, which is tried on the training windows. In others a
    word that is left out is passed over, the words of a phrase that is left out stand alone, and an anchor that is
    left out of a majority is one that was never seen.

    Args:
        folder: Folder of the model.
        out: A new folder.
        training: What it was trained on.
        min_notes: Notes that each feature must stand in.

    Returns:
        Task to the number of features left out.

    Raises:
        UsageError: If it is no baseline, features cannot be left out without a change to others, or none would stay.
    """
    try:
        config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: expected the folder of a baseline, found no config.json to read") from error
    if config.get("model_type") != BaselineConfig.model_type:
        raise UsageError(f"{folder}: expected a baseline, which has a vocabulary, found {config.get('model_type')}")
    model = BaselineClassifier.from_pretrained(folder)
    tasks = deepcopy((model.config.training or {}).get("tasks") or {})
    left_out: Counter[str] = Counter()
    # Where a phrase goes, its neighbours may be joined otherwise, so that another feature becomes rare.
    while rare := _rare_features(model, training, min_notes):
        for (task, step), features in rare.items():
            left_out[task] += len(features)
            # What it scored was scored with them.
            tasks.get(task, {}).pop("scores", None)
            if step == _VOCABULARY_STEP and "vocabulary_size" in tasks.get(task, {}):
                tasks[task]["vocabulary_size"] -= len(features)
        model = _without(model, rare, training)
    record = {"min_notes": min_notes, "features": dict(left_out)}
    model.config.training = {**(model.config.training or {}), "tasks": tasks, "pruned": record}
    with finished_folder(out) as ready:
        model.save_pretrained(ready)
    return dict(left_out)


def _rare_features(
    model: BaselineClassifier, training: TrainingText, min_notes: int
) -> dict[tuple[str, str], set[str]]:
    """The features of few notes, by task and step."""
    rare = {}
    for vocabulary in count_notes(model, training):
        if features := vocabulary.rare(min_notes):
            rare[vocabulary.task, vocabulary.step] = features
            if not vocabulary.can_be_pruned:
                raise UsageError(
                    f"expected features of {vocabulary.task} that can be left out alone, found some in "
                    f"{vocabulary.step!r} that cannot; train it again with a higher min_count or min_df"
                )
    return rare


def _without(
    model: BaselineClassifier, rare: Mapping[tuple[str, str], set[str]], training: TrainingText
) -> BaselineClassifier:
    """A copy of a model without some features."""
    config = deepcopy(model.config)
    if config.estimator in MAJORITIES:
        return BaselineClassifier(config, {task: _drop(of_task, rare, task) for task, of_task in model.counts.items()})
    estimators = {}
    for task, estimator in model.estimators.items():
        smaller = deepcopy(estimator)
        for name, step in smaller.steps:
            if features := rare.get((task, name)):
                if isinstance(step, PhraseLearner):
                    step.phrases_ = [_kept(of_pass, features) for of_pass in step.phrases_]
                    step.__dict__.pop("_passes", None)
                else:
                    _drop_columns(smaller, name, features, task)
        _prove(estimator, smaller, [window for window in training.windows if window.task == task], task)
        estimators[task] = smaller
    return BaselineClassifier(config, estimators=estimators)


def _drop(counts: Any, rare: Mapping[tuple[str, str], set[str]], task: str) -> Any:
    if not isinstance(counts, Mapping):
        return counts
    return {anchor: row for anchor, row in counts.items() if anchor not in rare.get((task, "counts"), ())}


def _kept(phrases: Any, rare: set[str]) -> list[Any]:
    return [phrase for phrase in phrases if f"{phrase[0]} {phrase[1]}" not in rare]


def _drop_columns(estimator: Any, name: str, rare: set[str], task: str) -> None:
    """Take some columns out of the vocabulary of a pipeline and of all steps after it."""
    places = [step for step, _ in estimator.steps]
    _, counter = estimator.steps[places.index(name)]
    ordered = sorted(counter.vocabulary_, key=counter.vocabulary_.__getitem__)
    kept = [column for column, feature in enumerate(ordered) if feature not in rare]
    if not kept:
        raise UsageError(f"expected features of {task} in enough notes, found none; take a lower --min-notes")
    counter.vocabulary_ = {ordered[column]: place for place, column in enumerate(kept)}
    counter.__dict__.pop("_known", None)
    for _, step in estimator.steps[places.index(name) + 1 :]:
        if hasattr(step, "idf_"):
            step.idf_ = step.idf_[kept]
        if hasattr(step, "coef_"):
            step.coef_ = np.ascontiguousarray(step.coef_[:, kept])
        if hasattr(step, "n_features_in_"):
            step.n_features_in_ = len(kept)


def _prove(before: Any, after: Any, windows: Any, task: str) -> None:
    """Raise unless windows without any of the features get the same answers."""
    is_same = np.ones(len(windows), dtype=bool)
    rows, rows_after = windows, windows
    for (_, step), (_, step_after) in zip(before.steps, after.steps, strict=True):
        rows, rows_after = step.transform(rows), step_after.transform(rows_after)
        if isinstance(step, PhraseLearner):
            is_same &= [list(a) == list(b) for a, b in zip(rows, rows_after, strict=True)]
        if hasattr(step, "vocabulary_"):
            is_same &= np.asarray(rows.sum(axis=1) == rows_after.sum(axis=1)).ravel()
            break
    same = [window for window, is_one in zip(windows, is_same, strict=True) if is_one]
    if same and np.abs(before.predict_proba(same) - after.predict_proba(same)).max() > _TOLERANCE:
        raise UsageError(f"expected equal answers for {task} without the features left out, found others; not written")
