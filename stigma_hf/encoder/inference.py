"""Run a classifier over many windows, fast, with the answers that one window at a time would get."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.onednn import OneDnnLinear
from stigma_hf.encoder.tokenization import WindowTokenizer, pad
from stigma_hf.temperature import scale

logger = logging.getLogger(__name__)

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory")
"""How GPUs and processors say it."""


def predict_proba(model: Any, windows: Sequence[ContextWindow], tokenizer: Any, batch_size: int) -> list[np.ndarray]:
    """Label probabilities of each window, in the label order of its task.

    Windows of like length share a batch, which saves the padding, and identical windows are encoded once.

    Args:
        model: An `AnchorPooledClassifier`; dropout is off while it runs.
        windows: What to classify.
        tokenizer: The model's tokenizer, a fast one.
        batch_size: Windows per forward pass. Halved, with a message, when memory runs out.

    Returns:
        One vector per window, shape (number of labels of its task,), float32.

    Raises:
        ValueError: If the model does not know a window's task, or a window lacks its anchor; the item is named by its
            place among the windows.
    """
    first_place: dict[ContextWindow, int] = {}
    for place, window in enumerate(windows):
        if window.task not in model.tasks:
            raise ValueError(f"item {place}: this model knows the tasks {', '.join(model.tasks)}, not {window.task!r}")
        first_place.setdefault(window, place)
    different = list(first_place)
    rows = WindowTokenizer(tokenizer, model.config).encode(different, list(first_place.values()))
    task_ids = [model.tasks.index(window.task) for window in different]
    order = sorted(range(len(rows)), key=lambda i: (_encoder_of(model, task_ids[i]), len(rows[i].input_ids)))
    answers: dict[ContextWindow, np.ndarray] = {}
    with _ready_to_run(model):
        while order:
            batch = order[:batch_size]
            try:
                inputs = pad([rows[i] for i in batch], tokenizer.pad_token_id)
                probabilities = _probabilities(model, inputs, [task_ids[i] for i in batch])
            except RuntimeError as error:
                if batch_size == 1 or not any(sign in str(error) for sign in _OUT_OF_MEMORY):
                    raise
                batch_size //= 2
                logger.warning("out of memory: going on with %d windows per forward pass", batch_size)
                continue
            order = order[batch_size:]
            for i, row in zip(batch, probabilities, strict=True):
                own = row[slice(*model.first_column[task_ids[i] : task_ids[i] + 2])]
                answers[different[i]] = scale(own, model.config.temperature.get(different[i].task, 1.0))
    return [answers[window] for window in windows]


def _encoder_of(model: Any, task_id: int) -> int:
    """The number of the encoder that serves a task, so that a batch needs one only."""
    return 0 if model.config.shared_encoder else task_id


@contextmanager
def _ready_to_run(model: Any) -> Iterator[None]:
    """The model without dropout and gradients, and as it was afterwards."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode(), OneDnnLinear():
            yield
    finally:
        model.train(was_training)


def _probabilities(model: Any, inputs: Mapping[str, np.ndarray], task_ids: Sequence[int]) -> np.ndarray:
    """Probabilities of a batch, shape (batch, labels of all tasks together)."""
    arrays = {**inputs, "task_ids": np.array(task_ids)}
    batch = {name: torch.from_numpy(array).to(model.device) for name, array in arrays.items()}
    return torch.softmax(model(**batch).logits, dim=1).cpu().numpy()
