"""Predictions that the released toolkit made, in a file, to compare a conversion with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.context_window import ContextWindow
from stigma_hf.errors import UsageError


@dataclass(frozen=True)
class ExpectedPrediction:
    """What a released model answered for one window.

    Attributes:
        model: Its released name; empty if the file does not say.
        window: The window.
        probabilities: Label to probability; None if it answered not-a-number.
    """

    model: str
    window: ContextWindow
    probabilities: dict[str, float] | None


def read_expected(path: str | Path) -> list[ExpectedPrediction]:
    """The predictions in a file of JSON lines.

    Each line has `task`, `anchor`, `context`, and `probabilities`: label to probability, or null where the released
    model answered not-a-number. `model`, a released name, is needed if the file holds answers of several models.

    Raises:
        UsageError: If there is no such file or a line is none of these; its number is in the message.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: expected a file of JSON lines, found none ({type(error).__name__})") from error
    predictions = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                predictions.append(_prediction(json.loads(line)))
            except ValueError as error:
                raise UsageError(f"{path}, line {number}: {_reason(error)}") from error
    if not predictions:
        raise UsageError(f"{path}: expected a prediction a line, found none")
    return predictions


def _reason(error: ValueError) -> str:
    return "expected a JSON object" if isinstance(error, json.JSONDecodeError) else str(error)


def _prediction(row: Any) -> ExpectedPrediction:
    if not isinstance(row, dict):
        raise ValueError(f"expected a JSON object, found {type(row).__name__}")
    window = ContextWindow.from_item(row)
    probabilities = row.get("probabilities", ())
    is_answer = isinstance(probabilities, dict) and all(type(p) in (int, float) for p in probabilities.values())
    if probabilities is not None and not (is_answer and probabilities):
        raise ValueError("expected probabilities as label to number, or null, found something else")
    return ExpectedPrediction(str(row.get("model", "")), window, probabilities)


def of_model(
    predictions: Sequence[ExpectedPrediction], model: str, only_model: bool
) -> dict[str, list[ExpectedPrediction]]:
    """The predictions of one model by task.

    Args:
        predictions: Those of a file.
        model: Its released name.
        only_model: Whether no other model is converted, so that the file need not say whose predictions they are.

    Raises:
        UsageError: If the file does not say and several models are converted.
    """
    if not only_model and any(not prediction.model for prediction in predictions):
        raise UsageError(
            "expected the released name under `model` in each line of expected predictions, for several "
            "models are converted; add it, or convert one model at a time"
        )
    found: dict[str, list[ExpectedPrediction]] = {}
    for prediction in predictions:
        if prediction.model in ("", model):
            found.setdefault(prediction.window.task, []).append(prediction)
    return found
