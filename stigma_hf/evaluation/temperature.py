"""Temperature scaling: one number per task that makes the probabilities of a model mean what they say."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.calibration import log_losses
from stigma_hf.evaluation.figures import figures
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.temperature import scale

logger = logging.getLogger(__name__)

LOWEST, HIGHEST = 0.005, 20.0
"""Temperatures that a fit looks among."""

_SAME_LOSS = 1e-9
_FIGURES = ("log_loss", "brier", "calibration_error", "accuracy")


def fit_temperature(validation: Predictions) -> float:
    """The temperature with the least log loss on some predictions.

    Args:
        validation: Predictions on spans that the model was not trained on.

    Raises:
        UsageError: If there are no spans.

    Source: Guo et al. 2017 (ICML), On Calibration of Modern Neural Networks, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    if not len(validation):
        raise UsageError(f"{validation.task}: expected validation spans to fit a temperature on, found none")

    # The loss is convex in 1 / temperature, so it has one valley in the logarithm too.
    found = minimize_scalar(
        lambda logarithm: _loss(validation, float(np.exp(logarithm))),
        bounds=(np.log(LOWEST), np.log(HIGHEST)),
        method="bounded",
        options={"xatol": 1e-7},
    )
    return float(np.exp(found.x)) if found.fun < _loss(validation, 1.0) else 1.0


def scaled(predictions: Predictions, temperature: float) -> Predictions:
    """Predictions with scaled probabilities; the predicted labels are the same."""
    return replace(predictions, probabilities=scale(predictions.probabilities, temperature))


@dataclass(frozen=True)
class Calibration:
    """A fitted temperature and what it changes.

    Attributes:
        task: The task.
        temperature: What the probabilities of the predictions are to be scaled by.
        n_spans: Validation spans it was fitted on.
        is_at_end: Whether an end of the range does as well, so that the spans cannot settle the temperature: the model
            is never wrong on them, says the same of all labels, or is no better than chance.
        before: Split name to log loss, Brier score, calibration error and accuracy as they were; `validation`, on
            which it was fitted, flatters it.
        after: The same with scaled probabilities.
    """

    task: str
    temperature: float
    n_spans: int
    is_at_end: bool
    before: dict[str, dict[str, float]] = field(default_factory=dict)
    after: dict[str, dict[str, float]] = field(default_factory=dict)


def calibrate(validation: Predictions, **others: Predictions) -> Calibration:
    """Fit a temperature on validation spans and measure it there and elsewhere.

    Args:
        validation: Predictions on the validation spans.
        **others: Predictions on other splits by their name, to measure it on as well; empty ones are left out.

    Raises:
        UsageError: If there are no validation spans.
    """
    temperature = fit_temperature(validation)
    splits = {name: split for name, split in {"validation": validation, **others}.items() if len(split)}
    least = _loss(validation, temperature)
    is_at_end = any(_loss(validation, end) < least + _SAME_LOSS for end in (LOWEST, HIGHEST))
    if is_at_end:
        logger.warning(
            "%s: %d validation spans cannot settle a temperature: an end of the range from %g to %g does as well",
            validation.task,
            len(validation),
            LOWEST,
            HIGHEST,
        )
    return Calibration(
        validation.task,
        temperature,
        len(validation),
        is_at_end,
        {name: _measure(split) for name, split in splits.items()},
        {name: _measure(scaled(split, temperature)) for name, split in splits.items()},
    )


def store_temperatures(config: Any, calibrations: Mapping[str, Calibration]) -> None:
    """Write fitted temperatures to the configuration of a model, on top of those that its predictions had already.

    Args:
        config: The configuration; the model's next predictions are scaled, and its folder keeps it when saved.
        calibrations: Task to its calibration, fitted on predictions of this very model; one at an end of the
            range is not stored.
    """
    known = dict(config.temperature)
    for task, calibration in calibrations.items():
        if not calibration.is_at_end:
            known[task] = known.get(task, 1.0) * calibration.temperature
    config.temperature = known


def _loss(predictions: Predictions, temperature: float) -> float:
    return float(log_losses(scaled(predictions, temperature)).mean())


def _measure(predictions: Predictions) -> dict[str, float]:
    return {name: float(values[0]) for name, values in figures(predictions, _FIGURES).items()}
