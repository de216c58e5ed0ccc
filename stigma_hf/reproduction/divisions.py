"""Which training and validation spans each run of an experiment gets; the test spans are always the same."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from stigma_hf.baseline.folds import fold_spans
from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.errors import UsageError
from stigma_hf.majority_scores import FOLDS
from stigma_hf.reproduction.labelled_data import LabelledData

Splits = dict[str, LabelledWindows]

DEFAULT_SHARES = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Division:
    """What one run trains on.

    Attributes:
        splits: Its splits, those of all tasks together.
        drawn_from: Where baselines learn phrases and vocabulary, as in `train_baseline`.
        seed: Seed of its training; that of the recipe if None.
        fold: Number of the fold, if it is one.
        n_patients: Task to the patients of its training spans; empty where nobody asks.
    """

    splits: Splits
    drawn_from: Splits
    seed: int | None
    fold: int | None
    n_patients: dict[str, int]


class Divisions(Protocol):
    """A way to divide the spans, into parts that have names."""

    def parts(self) -> list[str]:
        """Names of the parts, which may stand in file names."""
        ...

    def divide(self, data: LabelledData, part: str) -> Division:
        """What the run of a part trains on."""
        ...

    def settings(self) -> dict[str, Any]:
        """What makes these parts different from others of the same names."""
        ...


@dataclass(frozen=True)
class Folds:
    """The published cross-validation: training and validation spans dealt out to so many folds.

    Attributes:
        number: How many, from 2 on.
    """

    number: int = FOLDS

    def __post_init__(self) -> None:
        if self.number < 2:
            raise UsageError(f"expected at least 2 folds, found {self.number}")

    def parts(self) -> list[str]:
        """`fold-0` and so on, as `stigma-hf train --folds` names them."""
        return [f"fold-{fold}" for fold in range(self.number)]

    def divide(self, data: LabelledData, part: str) -> Division:
        """The splits of a fold; phrases and vocabulary are those of all training spans, as published."""
        fold = self.parts().index(part)
        splits = list(fold_spans(data.spans, self.number))[fold]
        return Division(splits, data.spans, None, fold, {})

    def settings(self) -> dict[str, Any]:
        """The number of folds."""
        return {"folds": self.number}


@dataclass(frozen=True)
class PatientShares:
    """Growing parts of the training patients, drawn several times; each part of a draw holds the smaller ones.

    Attributes:
        shares: Shares of the patients with training spans, above 0 and at most 1, ascending.
        draws: How often patients are drawn.
        seed: Seed of the first draw; each next one has the next seed, and so has its training.
    """

    shares: tuple[float, ...] = DEFAULT_SHARES
    draws: int = 3
    seed: int = 42

    def __post_init__(self) -> None:
        if not self.shares or any(not 0 < share <= 1 for share in self.shares):
            raise UsageError(f"expected shares above 0 and at most 1, found {', '.join(map(str, self.shares))}")
        if list(self.shares) != sorted(set(self.shares)):
            raise UsageError(f"expected each share once, ascending, found {', '.join(map(str, self.shares))}")
        if self.draws < 1:
            raise UsageError(f"expected at least 1 draw, found {self.draws}")

    def parts(self) -> list[str]:
        """`draw-0-of-0.1` and so on, the smallest shares first, for they are done soonest."""
        return [self.part(draw, share) for share in self.shares for draw in range(self.draws)]

    def part(self, draw: int, share: float) -> str:
        """The name of a part."""
        return f"draw-{draw}-of-{share:g}"

    def divide(self, data: LabelledData, part: str) -> Division:
        """The spans of some training patients and all validation spans; nothing is learned from other spans."""
        draw, share = next(
            (draw, share) for share in self.shares for draw in range(self.draws) if self.part(draw, share) == part
        )
        if data.patients is None:
            raise UsageError("expected training spans with subject_id, to draw patients; found no such column")
        order = _draw_order(tuple(data.patients), self.seed + draw)
        kept = set(order[: max(1, round(share * len(order)))])
        train = data.spans["train"]
        places = [place for place, patient in enumerate(data.patients) if patient in kept]
        splits = {**data.spans, "train": train.rows(places)}
        patients: dict[str, set[Any]] = {}
        for place in places:
            patients.setdefault(train.windows[place].task, set()).add(data.patients[place])
        n_patients = {task: len(of_task) for task, of_task in patients.items()}
        return Division(splits, splits, self.seed + draw, None, n_patients)

    def settings(self) -> dict[str, Any]:
        """The seed: other shares and further draws do not change a part."""
        return {"seed": self.seed}


@lru_cache(maxsize=16)
def _draw_order(patients: tuple[Any, ...], seed: int) -> list[Any]:
    """The patients, each once, in a random order."""
    found = sorted(set(patients), key=str)
    return [found[place] for place in np.random.default_rng(seed).permutation(len(found))]
