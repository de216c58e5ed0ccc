"""Temperature: one number per task that makes the probabilities of a model mean what they say.

`stigma_hf.evaluation.temperature` fits it on validation spans; a model keeps it in its configuration and applies it
to every answer.
"""

from collections.abc import Collection, Mapping
from math import inf

import numpy as np


def scale(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities as they are when the logits are divided by a temperature; the best label stays the best.

    Args:
        probabilities: Shape (..., labels).
        temperature: Above 0; above 1 for less confidence, below 1 for more.

    Example:
        >>> scale(np.array([0.8, 0.2]), 2.0).round(3).tolist()
        [0.667, 0.333]
    """
    if temperature == 1:
        return probabilities
    # Against the largest, so that a power of a small number does not vanish from all labels at once.
    powers = (probabilities / probabilities.max(axis=-1, keepdims=True)) ** (1 / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def check_temperature(temperature: Mapping[str, float], tasks: Collection[str]) -> None:
    """Raise unless a configuration holds temperatures, each of a task it knows.

    Raises:
        ValueError: If a task is unknown, or a temperature is no number above 0.
    """
    for task, value in temperature.items():
        if task not in tasks:
            raise ValueError(f"expected temperatures of the tasks {', '.join(tasks)}, found one of {task!r}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
            raise ValueError(f"expected the temperature of {task!r} to be a number above 0, found {value!r}")
