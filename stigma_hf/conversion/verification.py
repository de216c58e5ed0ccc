"""Proof that a converted model answers what the released one answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stigma_hf.context_window import ContextWindow
from stigma_hf.decoding import rank_labels
from stigma_hf.errors import UsageError

TOLERANCE = {"baseline": 1e-9, "encoder": 1e-4}
"""Largest difference of a probability that counts as the same answer."""

Against = Literal["direct", "expected"]

Predictor = Callable[[Sequence[ContextWindow]], Sequence[np.ndarray]]
"""Probabilities of some windows in label order; raises ValueError for a window without its anchor's tokens."""


@dataclass(frozen=True)
class ReleasedAnswers:
    """What a released model answers for some windows of one task.

    Attributes:
        task: The task.
        against: Where the answers come from: `direct`, computed from the released parameters by plain arithmetic, or
            `expected`, given by a person.
        windows: The windows.
        probabilities: Per window, the probability of each label; None where the release answers nothing.
        targets: The labels in the order of the release, by which it breaks ties.
    """

    task: str
    against: Against
    windows: Sequence[ContextWindow]
    probabilities: Sequence[Mapping[str, float] | None]
    targets: Sequence[str]


@dataclass(frozen=True)
class Proof:
    """How a converted model did against released answers.

    Attributes:
        task: The task.
        against: Where the answers come from, as in `ReleasedAnswers`.
        windows: How many windows were compared.
        max_difference: Largest difference of a probability; 0 if there was nothing to compare.
        refused: Windows without a token of their anchor: the release answers not-a-number, this package raises an
            error that names the item.
    """

    task: str
    against: Against
    windows: int
    max_difference: float
    refused: int


def prove(
    predict: Predictor,
    labels: Sequence[str],
    answers: ReleasedAnswers,
    tolerance: float,
    tie_order: Sequence[str] = (),
) -> Proof:
    """Compare the probabilities and the labels of a converted model with those of the released one.

    Args:
        predict: The converted model.
        labels: Labels of the task in its order.
        answers: The released answers.
        tolerance: Largest difference that counts as the same answer.
        tie_order: The labels in the order in which the converted model lets them win ties.

    Raises:
        UsageError: If a probability differs by more, a label is another, or a window is refused by only one of them.
    """
    answered = [(w, p) for w, p in zip(answers.windows, answers.probabilities, strict=True) if p is not None]
    unanswered = [w for w, p in zip(answers.windows, answers.probabilities, strict=True) if p is None]
    where = f"{answers.task}, {answers.against} answers"
    for place, window in enumerate(unanswered):
        try:
            predict([window])
        except ValueError:
            continue
        raise UsageError(
            f"{where}: the release answers nothing for window {place} of those without an answer; ours does"
        )
    if not answered:
        return Proof(answers.task, answers.against, 0, 0.0, len(unanswered))
    expected = np.array([[released[label] for label in labels] for _, released in answered])
    found = np.array(predict([window for window, _ in answered]))
    differences = np.abs(found - expected).max(axis=1)
    worst = int(differences.argmax())
    if not differences[worst] <= tolerance:
        raise UsageError(
            f"{where}: expected probabilities within {tolerance:g} of the released ones, found a difference of "
            f"{differences[worst]:.3g} for window {worst}, and too large a one for "
            f"{int((differences > tolerance).sum())} of {len(answered)} windows"
        )
    for place, (_, released) in enumerate(answered):
        first, second = sorted(released.values(), reverse=True)[:2]
        if tolerance >= first - second > 0:
            continue
        label = rank_labels(dict(zip(labels, found[place].tolist(), strict=True)), tie_order)[0]
        if label != rank_labels(released, answers.targets)[0]:
            raise UsageError(f"{where}: expected the released label for window {place}, found {label!r}")
    return Proof(answers.task, answers.against, len(answered), float(differences[worst]), len(unanswered))
