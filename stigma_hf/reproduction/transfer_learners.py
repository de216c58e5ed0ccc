"""What is trained on one set of spans and asked about another: baselines and encoders, by their recipes."""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.errors import UsageError
from stigma_hf.reproduction.training import AnyRecipe
from stigma_hf.tasks import load_tasks
from stigma_hf.training.recipes import EncoderRecipe


@dataclass(frozen=True)
class TrainedModel:
    """A model as `predict_spans` takes it.

    Attributes:
        model: The model.
        tokenizer: Its tokenizer; None for one that needs none.
    """

    model: Any
    tokenizer: Any = None


@dataclass(frozen=True)
class Learner:
    """A recipe and how it is carried out.

    Attributes:
        recipe: Of a baseline or of an encoder.
        out: Folder that trained encoders are kept in, a folder for each training; a training that was cut off goes on
            there, one that is finished is not done again.
        encoder: Another encoder than the recipe's.
        device: Where encoders are trained, as in `train_encoder`.
    """

    recipe: AnyRecipe
    out: Path
    encoder: str | None = None
    device: Any = "auto"

    @property
    def name(self) -> str:
        """Name of the recipe."""
        return self.recipe.name

    @property
    def is_encoder(self) -> bool:
        """Whether an encoder is fine-tuned."""
        return isinstance(self.recipe, EncoderRecipe)

    def train(
        self,
        spans: Mapping[str, LabelledWindows],
        drawn_from: Mapping[str, LabelledWindows],
        part: str,
        provenance: Mapping[str, Any] | None = None,
        fold: int | None = None,
    ) -> TrainedModel:
        """A model for the tasks that there is something to learn of.

        Args:
            spans: The splits `train` and `validation`.
            drawn_from: The splits that the spans were drawn from, as for `train_baseline`.
            part: Name of the spans, of a folder in `out`.
            provenance: Where the spans come from.
            fold: Number of the fold that the spans are, if they are one.

        Raises:
            UsageError: If no task can be trained, or the encoder cannot.
        """
        tasks = trainable_tasks(spans)
        if not tasks:
            raise UsageError(f"{part}: expected a task with two labels among its training spans, found none")
        of_tasks = {split: _of_tasks(rows, tasks) for split, rows in spans.items()}
        recipe = self.recipe
        if not isinstance(recipe, EncoderRecipe):
            from stigma_hf.baseline.training import train_baseline

            return TrainedModel(train_baseline(recipe, of_tasks, provenance, drawn_from=drawn_from))
        from stigma_hf.encoder.opening import open_classifier
        from stigma_hf.training.train_encoder import train_encoder

        quiet = replace(recipe, training={**recipe.training, "disable_tqdm": True})
        # Without its bar a Trainer prints every loss; whoever wants them finds them in the model's configuration.
        with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            folder = train_encoder(
                quiet,
                of_tasks,
                self.out / re.sub(r"[^\w./-]+", "-", part) / recipe.name,
                provenance=provenance,
                encoder=self.encoder,
                tasks=[task for task in tasks if task in (recipe.tasks or tasks)],
                fold=fold,
                device=self.device,
                resume=True,
            )
        return TrainedModel(*open_classifier(str(folder)))


def trainable_tasks(spans: Mapping[str, LabelledWindows]) -> list[str]:
    """The tasks with at least two labels among the training spans, and a validation span to choose by."""
    return [
        task
        for task in load_tasks()
        if len(set(spans["train"].of_task(task).labels)) > 1 and spans["validation"].of_task(task).labels
    ]


def _of_tasks(rows: LabelledWindows, tasks: Sequence[str]) -> LabelledWindows:
    return rows.rows(place for place, window in enumerate(rows.windows) if window.task in tasks)
