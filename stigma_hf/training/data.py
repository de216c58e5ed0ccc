"""From labelled windows to the batches of a `Trainer`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers.trainer_pt_utils import get_length_grouped_indices

from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.tokenization import EncodedWindow, WindowTokenizer, pad
from stigma_hf.errors import UsageError


@dataclass(frozen=True, slots=True)
class EncodedSpan:
    """A labelled window as the model reads it; lists of numbers, no tensors.

    Attributes:
        window: Token ids and masks.
        task_id: Place of its task in the model's configuration.
        label: Place of its label among those of the task.
        loss_weight: How much it counts in the loss of its update, as `SpanTrainer` takes it; None if nobody said.
    """

    window: EncodedWindow
    task_id: int
    label: int
    loss_weight: float | None = None


def encode_spans(spans: LabelledWindows, tokenizer: Any, config: AnchorPooledConfig) -> list[EncodedSpan]:
    """Spans as the model reads them, the longest first, so that a batch holds windows of like length.

    Args:
        spans: Windows and their labels.
        tokenizer: The model's tokenizer, a fast one.
        config: The model's configuration.

    Raises:
        UsageError: If a task or label is none of the model's, or a window lacks its anchor; the place of the span is
            in the message.
    """
    tasks = list(config.labels)
    targets = []
    for place, (window, label) in enumerate(zip(spans.windows, spans.labels, strict=True)):
        if window.task not in tasks:
            raise UsageError(f"item {place}: expected a task among {', '.join(tasks)}, found {window.task!r}")
        labels = config.labels[window.task]
        if label not in labels:
            raise UsageError(
                f"item {place}: expected a label of {window.task} among {', '.join(labels)}, found {label!r}"
            )
        targets.append((tasks.index(window.task), labels.index(label)))
    try:
        windows = WindowTokenizer(tokenizer, config).encode(spans.windows)
    except ValueError as error:
        raise UsageError(str(error)) from error
    rows = [EncodedSpan(window, *target) for window, target in zip(windows, targets, strict=True)]
    return sorted(rows, key=lambda row: len(row.window.input_ids), reverse=True)


class ShuffledSpans(Dataset):
    """Spans in a new random order each epoch, the same for any number of processes and after a checkpoint.

    Read it in sequence (`train_sampling_strategy="sequential"`) and train with a `SpanTrainer`. A Trainer's own
    samplers draw orders that depend on how an update is divided among processes and accumulation steps; this one
    depends on seed and epoch alone. An epoch is a whole number of updates: the last is filled up with windows that
    count nothing.

    Args:
        rows: The spans.
        class_weights: Weight of each label per task, tasks and labels in the order of the model's configuration.
        windows_per_update: Windows of an update, those of all its parts together.
        parts: Parts that an update is divided into: processes times accumulation steps.
        seed: Seed of the order.
        group_by_length: Whether the windows of an update are of like length.
    """

    def __init__(
        self,
        rows: Sequence[EncodedSpan],
        class_weights: Sequence[Sequence[float]],
        *,
        windows_per_update: int,
        parts: int,
        seed: int,
        group_by_length: bool,
    ) -> None:
        self._rows = rows
        self._class_weights = np.array([class_weights[row.task_id][row.label] for row in rows])
        self._windows_per_update = windows_per_update
        self._parts = parts
        self._seed = seed
        self._group_by_length = group_by_length
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch; accelerate's data loader calls this."""
        generator = torch.Generator().manual_seed(self._seed + epoch)
        if self._group_by_length:
            lengths = [len(row.window.input_ids) for row in self._rows]
            order = get_length_grouped_indices(lengths, self._windows_per_update, generator=generator)
        else:
            order = torch.randperm(len(self._rows), generator=generator).tolist()
        self._order = np.resize(order, (-(-len(order) // self._windows_per_update), self._windows_per_update))
        counted = self._class_weights[self._order]
        counted.flat[len(order) :] = 0
        self._loss_weights = (self._parts * counted / counted.sum(axis=1, keepdims=True)).astype(np.float32)

    def __len__(self) -> int:
        return self._order.size

    def __getitem__(self, place: int) -> EncodedSpan:
        row = self._rows[self._order.flat[place]]
        return replace(row, loss_weight=float(self._loss_weights.flat[place]))


@dataclass(frozen=True)
class SpanCollator:
    """Makes one batch of several spans, padded to the longest.

    Attributes:
        pad_id: The tokenizer's padding id.
    """

    pad_id: int

    def __call__(self, rows: Sequence[EncodedSpan]) -> dict[str, Tensor]:
        """The arguments of the model's forward pass, `labels` and `task_ids` among them, and known `loss_weights`."""
        batch = {
            name: torch.from_numpy(array) for name, array in pad([row.window for row in rows], self.pad_id).items()
        }
        batch["task_ids"] = torch.tensor([row.task_id for row in rows])
        batch["labels"] = torch.tensor([row.label for row in rows])
        if rows[0].loss_weight is not None:
            batch["loss_weights"] = torch.tensor([row.loss_weight for row in rows])
        return batch
