"""A `Trainer` whose updates are the same however they are divided."""

from typing import Any

import torch
from torch import Tensor
from transformers import Trainer


class SpanTrainer(Trainer):
    """A stock `Trainer`, but for the loss of windows that say how much of their update they are.

    The class weights of a batch are divided by their sum. Where an update is divided among processes or accumulation
    steps, a stock Trainer takes that sum over each part and then averages the parts, so that a rare label weighs
    more or less by the company it happens to be in. Here the sum is that of the whole update, and one process with 16
    windows does the same as two with 8, or as one that accumulates over 2 times 8.
    """

    def create_accelerator_and_postprocess(self) -> None:
        """Leave it to the Trainer alone to divide the loss by the accumulation steps; up to 5.4, both did."""
        super().create_accelerator_and_postprocess()
        self.accelerator.gradient_accumulation_steps = 1

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor | tuple[Tensor, Any]:
        """The loss of a part of an update, scaled so that the mean over all its parts is the loss of the update."""
        if "loss_weights" not in inputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        loss_weights, labels = inputs.pop("loss_weights"), inputs.pop("labels")
        outputs = model(**inputs)
        first_column = torch.tensor(self.accelerator.unwrap_model(model).first_column, device=labels.device)
        columns = labels + first_column[inputs["task_ids"]]
        losses = torch.nn.functional.cross_entropy(outputs.logits, columns, reduction="none")
        loss = losses @ loss_weights
        return (loss, outputs) if return_outputs else loss
