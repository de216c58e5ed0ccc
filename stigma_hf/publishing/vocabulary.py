"""Features of a model that are words of few notes: who reads them may learn of a patient."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from stigma_hf.baseline import storage
from stigma_hf.baseline.counts import anchor_key
from stigma_hf.baseline.modeling import BaselineClassifier
from stigma_hf.baseline.phrases import PhraseLearner
from stigma_hf.lexicon import Lexicon
from stigma_hf.publishing.findings import Finding
from stigma_hf.publishing.training_text import TrainingText


@dataclass(frozen=True)
class Vocabulary:
    """The features of one step of a task's estimator that are text.

    Attributes:
        task: The task.
        step: Name of the step; `counts` for those of a majority.
        notes: Feature to the number of training notes that it stands in.
        can_be_pruned: Whether features can be left out and all others stay as they are.
    """

    task: str
    step: str
    notes: Mapping[str, int]
    can_be_pruned: bool

    def rare(self, min_notes: int) -> set[str]:
        """The features of fewer notes."""
        return {feature for feature, notes in self.notes.items() if notes < min_notes}


def find_rare_features(model: BaselineClassifier, training: TrainingText, min_notes: int) -> list[Finding]:
    """Which file of a baseline holds features of fewer notes than there must be.

    Args:
        model: The baseline.
        training: What it was trained on.
        min_notes: Notes that each feature must stand in.

    Raises:
        ValueError: If a step keeps text that cannot be counted.
    """
    findings = []
    counted = count_notes(model, training)
    for is_prunable, advice in (
        (True, "leave them out with --prune FOLDER, or train it again with a higher min_count"),
        (False, "train it again with a higher min_count or min_df"),
    ):
        rare = sum(len(v.rare(min_notes)) for v in counted if v.can_be_pruned is is_prunable)
        if rare:
            file = storage.COUNTS_FILE if model.counts else storage.ESTIMATORS_FILE
            findings.append(Finding(file, f"{rare} features of fewer than {min_notes} training notes", advice))
    return findings


def count_notes(model: BaselineClassifier, training: TrainingText) -> list[Vocabulary]:
    """In how many training notes each feature of a baseline stands.

    Args:
        model: The baseline.
        training: What it was trained on.

    Raises:
        ValueError: If a step keeps text that cannot be counted.
    """
    counts = {task: of_task for task, of_task in model.counts.items() if isinstance(of_task, Mapping)}
    negated = model.config.negated_anchors
    vocabularies = [_count_anchors(task, of_task, negated, training) for task, of_task in counts.items()]
    for task, estimator in model.estimators.items():
        vocabularies += _count_features(task, estimator, training)
    return vocabularies


def _count_anchors(task: str, counts: Mapping[str, Any], negated: bool, training: TrainingText) -> Vocabulary:
    """Notes of the anchors that are not published ones; those are no text of a note."""
    published = set(Lexicon.default().anchors.get(task, ()))
    seen: dict[str, set[str]] = {key: set() for key in counts if key not in published}
    for window, note in zip(training.windows, training.notes, strict=True):
        if window.task == task and (key := anchor_key(window, negated)) in seen:
            seen[key].add(note)
    return Vocabulary(task, "counts", {key: len(notes) for key, notes in seen.items()}, True)


def _count_features(task: str, estimator: Any, training: TrainingText) -> Iterator[Vocabulary]:
    """Notes of the features of each step that keeps text."""
    of_task = [place for place, window in enumerate(training.windows) if window.task == task]
    rows: Any = [training.windows[place] for place in of_task]
    notes = np.unique([training.notes[place] for place in of_task], return_inverse=True)[1]
    # Phrases are learned from the windows of all tasks, and so are counted there.
    all_rows: Any = training.windows
    all_notes = np.unique(training.notes, return_inverse=True)[1]
    steps = getattr(estimator, "steps", None)
    if steps is None:
        raise ValueError(f"expected the estimator of {task} to be a scikit-learn pipeline, found another")
    for place, (name, step) in enumerate(steps[:-1]):
        if isinstance(step, PhraseLearner):
            yield Vocabulary(task, name, _count_phrases(step, all_rows, all_notes), True)
        rows = step.transform(rows)
        all_rows = None if all_rows is None else step.transform(all_rows)
        vocabulary = getattr(step, "vocabulary_", None)
        if vocabulary is not None:
            counted = _notes_per_column(rows, notes)
            features = {feature: int(counted[column]) for feature, column in vocabulary.items()}
            yield Vocabulary(task, name, features, can_prune(steps[place:]))
            all_rows = None
        elif _keeps_text(step):
            raise ValueError(f"expected steps whose features are known, found {type(step).__name__} for {task}")


def _count_phrases(learner: PhraseLearner, rows: Any, notes: np.ndarray) -> dict[str, int]:
    """Notes in which each phrase of each pass is joined."""
    counted: dict[str, int] = {}
    for last in range(len(learner.phrases_)):
        up_to = copy(learner)
        up_to.__dict__.pop("_passes", None)
        up_to.phrases_ = learner.phrases_[: last + 1]
        wanted: dict[str, set[int]] = {f"{left} {right}": set() for left, right, _ in learner.phrases_[last]}
        for note, tokens in zip(notes.tolist(), up_to.transform(rows), strict=True):
            for token in wanted.keys() & set(tokens):
                wanted[token].add(note)
        counted |= {phrase: len(found) for phrase, found in wanted.items()}
    return counted


def _notes_per_column(matrix: Any, notes: np.ndarray) -> np.ndarray:
    """In how many notes each column of a sparse matrix is not zero."""
    found = matrix.tocoo()
    pairs = np.unique(np.stack([found.col, notes[found.row]]), axis=1)
    return np.bincount(pairs[0], minlength=matrix.shape[1])


def _keeps_text(step: Any) -> bool:
    """Whether a fitted step that we do not know keeps text that it has seen."""
    if isinstance(step, PhraseLearner):
        return False
    learned = [value for name, value in vars(step).items() if name.endswith("_")]
    return any(_is_text(value) for value in learned)


def _is_text(value: Any) -> bool:
    if isinstance(value, str):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "OSU"
    if isinstance(value, Mapping):
        return any(map(_is_text, (*value.keys(), *value.values())))
    return isinstance(value, Iterable) and any(map(_is_text, value))


def can_prune(steps: Sequence[tuple[str, Any]]) -> bool:
    """Whether columns can be taken out of some last steps of a pipeline without a change to any other.

    Args:
        steps: The step with the vocabulary, and those after it.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    from stigma_hf.baseline.vocabulary import VocabularyCounter
    from stigma_hf.explanation import LINEAR

    (_, first), *middle, (_, last) = steps
    is_by_column = all(isinstance(step, TfidfTransformer) for _, step in middle)
    return isinstance(first, VocabularyCounter) and is_by_column and isinstance(last, LINEAR)
