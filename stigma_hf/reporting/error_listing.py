"""The spans that a model got wrong, by id: where to look, without what stands there."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from stigma_hf.evaluation.predictions import Predictions

_SHOWN = ("note_id", "clean_start", "clean_end", "anchor")


def list_errors(predictions: Predictions) -> list[dict[str, Any]]:
    """Wrongly labelled spans, those that the model was surest of first; None for what the data does not say."""
    return [_entry(predictions, row) for row in _wrong_rows(predictions)]


def errors_with_text(predictions: Predictions, contexts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The same, each with its context window: text of a patient's note.

    Args:
        predictions: The predictions.
        contexts: Context window of each span.
    """
    for row in _wrong_rows(predictions):
        yield {"task": predictions.task, **_entry(predictions, row), "context": contexts[row]}


def _wrong_rows(predictions: Predictions) -> list[int]:
    confidence = predictions.confidence
    return sorted(np.flatnonzero(~predictions.is_right).tolist(), key=lambda row: (-confidence[row], row))


def _entry(predictions: Predictions, row: int) -> dict[str, Any]:
    columns = predictions.columns
    place = {name: columns[name].tolist()[row] if name in columns else None for name in _SHOWN}
    probabilities = predictions.probabilities[row]
    true, predicted = int(predictions.true[row]), int(predictions.predicted[row])
    return {
        **place,
        "true": predictions.labels[true],
        "predicted": predictions.labels[predicted],
        "probability": float(probabilities[predicted]),
        "probability_of_true": float(probabilities[true]),
    }
