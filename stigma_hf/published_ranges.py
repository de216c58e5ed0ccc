"""Which macro F1 the majority baselines can have, given the label counts printed in Harrigian et al. 2023."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file

import numpy as np

from stigma_hf.baseline.counts import read_published_counts
from stigma_hf.majority_scores import FOLDS, Majority, macro_f1, predict_majority, score_majority
from stigma_hf.mimic.splits import PROPORTIONS
from stigma_hf.tasks import RESOURCES, load_tasks

DRAWS = 10_000
_DRAWS_AT_ONCE = 500
_ROUNDING = 0.005


@dataclass(frozen=True)
class PublishedScore:
    """Mean and standard deviation of a macro F1 as Table 1 prints them, to two decimals."""

    mean: float
    sd: float

    @property
    def bounds(self) -> tuple[float, float]:
        """The means that print like this one: from the first, below the second."""
        return self.mean - _ROUNDING, self.mean + _ROUNDING


@dataclass(frozen=True)
class Range:
    """The middle 95 % of some scores."""

    low: float
    high: float

    @classmethod
    def of(cls, scores: np.ndarray) -> "Range":
        """From the percentiles 2.5 to 97.5."""
        low, high = np.percentile(scores, [2.5, 97.5])
        return cls(float(low), float(high))

    def allows(self, published: PublishedScore) -> bool:
        """Whether a score in the range prints as the published one."""
        low, high = published.bounds
        return self.low < high and low <= self.high

    def __str__(self) -> str:
        return f"{self.low:.3f} to {self.high:.3f}"


@dataclass(frozen=True)
class Draws:
    """Scores over many random splits of the published counts of one task.

    Attributes:
        one_split: Macro F1 after training on the whole training split, each of shape (draws,).
        fold_mean: Mean macro F1 over the folds, each of shape (draws,).
        constant: Macro F1 of giving every test span the same label, shape (draws, labels).
        most_frequent: Most frequent label of the training split, as its place in label order, shape (draws,).
    """

    one_split: dict[Majority, np.ndarray]
    fold_mean: dict[Majority, np.ndarray]
    constant: np.ndarray
    most_frequent: np.ndarray


def read_counts(dataset: str) -> dict[str, np.ndarray]:
    """Published spans per anchor and label, shape (anchors, labels), by task; `dataset` is `mimic` or `jhm`."""
    labels = {task.id: task.labels for task in load_tasks().values()}
    with as_file(RESOURCES / "published" / "anchor_label_counts.csv") as path:
        counts = read_published_counts(path, dataset, labels)
    return {task: np.array([rows[anchor] for anchor in sorted(rows)]) for task, rows in counts.items()}


def read_table1(dataset: str) -> dict[tuple[str, str], PublishedScore]:
    """Table 1 by model and task; `dataset` is `mimic` or `jhm`."""
    lines = (RESOURCES / "published" / "table1_macro_f1.csv").read_text(encoding="utf-8").splitlines()
    return {
        (row["model"], row["task"]): PublishedScore(float(row["mean"]), float(row["sd"]))
        for row in csv.DictReader(lines)
        if row["dataset"] == dataset
    }


def draw_scores(counts: np.ndarray, draws: int = DRAWS, seed: int = 0) -> Draws:
    """Deal spans out to the splits in the published proportions, many times, and score the baselines.

    Spans are dealt out one by one, not by patient: most patients of the annotated spans have only one.

    Args:
        counts: Spans per anchor and label, shape (anchors, labels).
        draws: How many times.
        seed: Seed of the draws.
    """
    parts = [_score(folds, test) for folds, test in _deal(counts, draws, seed)]
    return Draws(
        {majority: np.concatenate([part.one_split[majority] for part in parts]) for majority in Majority},
        {majority: np.concatenate([part.fold_mean[majority] for part in parts]) for majority in Majority},
        np.concatenate([part.constant for part in parts]),
        np.concatenate([part.most_frequent for part in parts]),
    )


def _deal(counts: np.ndarray, draws: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Some draws at a time: folds of the training spans, (draws, folds, anchors, labels), and test spans."""
    random = np.random.default_rng(seed)
    train, validation, test = PROPORTIONS
    shares = [train / FOLDS] * FOLDS + [validation, test]
    for start in range(0, draws, _DRAWS_AT_ONCE):
        size = (min(_DRAWS_AT_ONCE, draws - start), *counts.shape)
        dealt = np.moveaxis(random.multinomial(counts, shares, size), -1, 1)
        yield dealt[:, :FOLDS], dealt[:, -1]


def _score(folds: np.ndarray, test: np.ndarray) -> Draws:
    """Score the baselines on some draws."""
    train = folds.sum(axis=1)
    without_fold = train[:, None] - folds
    constant = [macro_f1(np.full(test.shape[:-1], label), test) for label in range(test.shape[-1])]
    return Draws(
        {majority: score_majority(majority, train, test) for majority in Majority},
        {majority: score_majority(majority, without_fold, test[:, None]).mean(axis=1) for majority in Majority},
        np.stack(constant, axis=1),
        predict_majority(Majority.OVERALL, train)[:, 0],
    )
