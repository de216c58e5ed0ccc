"""The shift that one set of spans allows to test: leave a service or an anchor out, then ask about it.

Both sides of a comparison are asked about the same spans, of patients that neither was trained on. In distribution,
all spans are dealt out to folds by patient, and each is predicted by a model of the other folds. Held out, a model is
trained on no span of the group and of no patient of the group, and on the same share of the other patients as a model
of the folds; what it lacks are the spans of the group.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stigma_hf.baseline.training_data import LabelledWindows, labelled_windows
from stigma_hf.errors import UsageError
from stigma_hf.evaluation.predicting import predict_spans
from stigma_hf.evaluation.predictions import COLUMNS
from stigma_hf.evaluation.significance import paired_bootstrap
from stigma_hf.mimic.splits import SPLITS
from stigma_hf.reporting.data import label_texts
from stigma_hf.reporting.problems import Problems
from stigma_hf.reproduction.labelled_data import LabelledData
from stigma_hf.reproduction.transfer_answers import Answered
from stigma_hf.reproduction.transfer_learners import Learner, TrainedModel
from stigma_hf.tasks import load_tasks

ALL_GROUPS = "all of these"
"""Name of the groups together: every span is predicted by the model that its own group was held out from."""


@dataclass(frozen=True)
class ShiftSettings:
    """How shift is tested.

    Attributes:
        folds: Folds in distribution, from 2 on.
        seed: Seed of the folds and of the resamples.
        resamples: Resamples of the patients, from 1 on.
        level: Share of resamples inside an interval.
        min_cell: Spans, or patients, below which nothing is said of a group.
    """

    folds: int = 5
    seed: int = 0
    resamples: int = 1000
    level: float = 0.95
    min_cell: int = 20


@dataclass(frozen=True)
class ShiftScore:
    """A group in distribution and held out.

    Attributes:
        model: Name of the model.
        by: Column that makes the groups.
        group: The group; `ALL_GROUPS` for all that are reported together.
        task: Task id.
        n_spans: Its spans.
        n_patients: Patients they are of.
        figures: Name to `first` (held out), `second` (in distribution), `difference`, `low` and `high`.
    """

    model: str
    by: str
    group: str
    task: str
    n_spans: int
    n_patients: int
    figures: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Shift:
    """Every group of a column.

    Attributes:
        scores: Of the groups that are large enough, those of each task and all together last.
        withheld: Task to the groups that are too small.
    """

    scores: list[ShiftScore]
    withheld: dict[str, list[str]]


class ShiftTest:
    """The spans of a data set, ready for groups to be left out.

    Args:
        data: The spans.
        settings: How shift is tested.
        problems: Where to note what failed; the rest is measured.

    Raises:
        UsageError: If the data does not name patients, or has too few for the folds.
    """

    def __init__(self, data: LabelledData, settings: ShiftSettings, problems: Problems) -> None:
        self._settings, self._problems, self._data = settings, problems, data
        self._rows = [row for split in SPLITS for row in _rows(data, split)]
        self._windows = labelled_windows(self._rows)
        patients = [row.get("subject_id") for row in self._rows]
        if any(patient is None for patient in patients):
            raise UsageError("expected spans with a subject_id, to keep patients apart, found spans without")
        self._patients = np.unique(np.array([str(patient) for patient in patients]), return_inverse=True)[1]
        if (n_patients := len(np.unique(self._patients))) < settings.folds:
            raise UsageError(f"expected at least {settings.folds} patients for as many folds, found {n_patients}")
        self._is_validation = np.array([row["split"] == "validation" for row in self._rows])
        self._tasks = np.array([row["task"] for row in self._rows])

    def in_distribution(self, learner: Learner, on_step: Callable[[str], Any] | None = None) -> Answered:
        """The answers on every span of models that were trained on the patients of the other folds."""
        from sklearn.model_selection import GroupKFold

        dealt = GroupKFold(self._settings.folds, shuffle=True, random_state=self._settings.seed)
        answered = Answered()
        for fold, (trained, asked) in enumerate(dealt.split(self._patients, groups=self._patients)):
            answered += self._ask(learner, f"patient-fold-{fold}", trained, asked, on_step)
        return answered

    def held_out(
        self, learner: Learner, by: str, in_distribution: Answered, on_step: Callable[[str], Any] | None = None
    ) -> Shift:
        """Each group of a column, left out of the training.

        Args:
            learner: What to train.
            by: The column.
            in_distribution: What `in_distribution` gave for the same learner.
            on_step: Called with what is done next.

        Raises:
            UsageError: If the spans have no such column.
        """
        values = [row.get(by) for row in self._rows]
        if all(value is None for value in values):
            raise UsageError(f"expected spans with the column {by}, to hold its groups out, found none")
        scores: list[ShiftScore] = []
        withheld: dict[str, list[str]] = {}
        answered = Answered()
        for group in sorted({str(value) for value in values if value is not None}):
            members = np.flatnonzero([value is not None and str(value) == group for value in values])
            large = [task for task in load_tasks() if self._is_large(members[self._tasks[members] == task])]
            for task in dict.fromkeys(self._tasks[members]):
                if task not in large:
                    withheld.setdefault(str(task), []).append(group)
            if large:
                others = self._share_of_others(members)
                of_group = self._ask(learner, f"without-{by}-{group}", others, members, on_step).of_tasks(large)
                answered += of_group
                scores += self._compare(learner.name, by, group, of_group, in_distribution)
        scores += self._compare(learner.name, by, ALL_GROUPS, answered, in_distribution)
        return Shift(scores, withheld)

    def _share_of_others(self, members: np.ndarray) -> np.ndarray:
        """Rows of the patients who are not in a group, of as large a share of them as a model of the folds has."""
        others = np.setdiff1d(self._patients, self._patients[members])
        n_kept = len(others) - len(others) // self._settings.folds
        kept = np.random.default_rng(self._settings.seed).permutation(others)[:n_kept]
        return np.flatnonzero(np.isin(self._patients, kept))

    def _is_large(self, rows: np.ndarray) -> bool:
        return min(len(rows), len(np.unique(self._patients[rows]))) >= self._settings.min_cell

    def _ask(
        self,
        learner: Learner,
        part: str,
        trained: np.ndarray,
        asked: np.ndarray,
        on_step: Callable[[str], Any] | None,
    ) -> Answered:
        """Train on some rows and ask about others; no answers if that fails."""
        step = f"{learner.name}, {part}"
        if on_step:
            on_step(step)
        splits = {
            "train": self._windows.rows(trained[~self._is_validation[trained]]),
            "validation": self._windows.rows(trained[self._is_validation[trained]]),
        }
        training = _Training(learner, splits, part, self._data.rows.provenance)
        model = self._problems.attempt_anything(step, None, training)
        if model is None:
            return Answered()
        wanted = set(self._tasks[asked])
        known = [task for task in model.model.config.labels if task in wanted]
        for task in sorted(wanted - set(known)):
            problem = "too few labels among the training spans, or no validation span; it was left out"
            self._problems.add(step, task, f"{task}: {problem}")
        rows = [self._rows[place] for place in asked]
        predicted = predict_spans(model.model, rows, known, tokenizer=model.tokenizer)
        for task, problem in predicted.problems.items():
            self._problems.add(step, task, problem, is_logged=True)
        return Answered({task: (asked[self._tasks[asked] == task], p) for task, p in predicted.tasks.items()})

    def _compare(
        self, model: str, by: str, group: str, held_out: Answered, in_distribution: Answered
    ) -> list[ShiftScore]:
        """The scores of each task of a group, on the spans that were answered on both sides."""
        scores = []
        for task, (rows, predictions) in held_out.tasks.items():
            if task not in in_distribution.tasks:
                continue
            others, of_others = in_distribution.tasks[task]
            both, here, there = np.intersect1d(rows, others, return_indices=True)
            if not self._is_large(both):
                continue
            compared = paired_bootstrap(
                predictions.where(here),
                of_others.where(there),
                resamples=self._settings.resamples,
                seed=self._settings.seed,
                level=self._settings.level,
            )
            n_patients = len(np.unique(self._patients[both]))
            found = {name: asdict(difference) for name, difference in compared.items()}
            scores.append(ShiftScore(model, by, group, task, len(both), n_patients, found))
        return scores


def _rows(data: LabelledData, split: str) -> list[dict[str, Any]]:
    """The spans of a split with labels as text and the name of the split."""
    of_split = data.rows.splits[split]
    columns = {
        name: of_split[name][:] for name in ("task", "anchor", "context", *COLUMNS) if name in of_split.column_names
    }
    columns["label"] = label_texts(of_split)
    return [dict(zip(columns, row, strict=True)) | {"split": split} for row in zip(*columns.values(), strict=True)]


@dataclass(frozen=True)
class _Training:
    """One training; calling it trains."""

    learner: Learner
    spans: Mapping[str, LabelledWindows]
    part: str
    provenance: Mapping[str, Any] | None

    def __call__(self) -> TrainedModel:
        return self.learner.train(self.spans, self.spans, f"shift/{self.part}", self.provenance)
