"""The vector that stands for each anchor in a model: what its heads read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.onednn import OneDnnLinear
from stigma_hf.encoder.opening import open_classifier
from stigma_hf.encoder.pretrained import find_encoder
from stigma_hf.encoder.tokenization import WindowTokenizer, pad
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks
from stigma_hf.training.recipes import encoder_recipe_names, load_encoder_recipe
from stigma_hf.training.starting_point import encoder_and_tokenizer


class Embedder:
    """A model that gives the anchor of a window a vector.

    Args:
        model: The model; its heads are not used.
        tokenizer: Its tokenizer.
        is_trained: Whether the model was trained on labelled spans.
    """

    def __init__(self, model: AnchorPooledClassifier, tokenizer: Any, is_trained: bool) -> None:
        self._model, self._tokenizer = model.eval(), tokenizer
        self.is_trained = is_trained
        self.config = model.config
        self.tasks = tuple(model.tasks)

    @classmethod
    def open(cls, name: str, seed: int = 0, device: str | None = None) -> "Embedder":
        """The embedder of a trained classifier, or of an encoder as it is before any training.

        Args:
            name: Folder or hub id of a classifier or of an encoder, a packaged name, or a recipe whose encoder is
                meant. An encoder is pooled as most classifiers are, over the tokens of the matched anchor.
            seed: Seed of fresh weights, which the encoder of the recipe `tiny` has.
            device: Where it runs; the CPU when None.

        Raises:
            UsageError: If there is no such model.
        """
        if _is_classifier(name):
            model, tokenizer = open_classifier(name)
            return cls(model.to(device or "cpu"), tokenizer, is_trained=True)
        encoder, tokenizer = encoder_and_tokenizer(
            load_encoder_recipe(name).encoder if name in encoder_recipe_names() else name
        )
        labels = {task.id: list(task.labels) for task in load_tasks().values()}
        torch.manual_seed(seed)
        try:
            model = AnchorPooledClassifier.from_encoder(encoder, labels)
        except UsageError:
            raise
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from error
        return cls(model.float().to(device or "cpu"), tokenizer, is_trained=False)

    def embed(self, windows: Sequence[ContextWindow], batch_size: int | None = None) -> np.ndarray:
        """The pooled vector of each window, shape (windows, hidden size), float32.

        Args:
            windows: Windows of tasks that the model knows.
            batch_size: Windows per forward pass; what suits the model when None.

        Raises:
            UsageError: If the model does not know a task, or a window lacks its anchor; its place is in the message.
        """
        unknown = sorted({window.task for window in windows} - set(self.tasks))
        if unknown:
            raise UsageError(f"expected windows of {', '.join(self.tasks)}, found {', '.join(unknown)}")
        try:
            rows = WindowTokenizer(self._tokenizer, self.config).encode(windows)
        except ValueError as error:
            raise UsageError(str(error)) from error
        task_ids = [self.tasks.index(window.task) for window in windows]
        order = sorted(range(len(rows)), key=lambda place: (task_ids[place], len(rows[place].input_ids)))
        at_once = batch_size or self._model.default_batch_size
        vectors = np.zeros((len(rows), self.config.encoder_config.hidden_size), dtype=np.float32)
        pooled: list[torch.Tensor] = []
        # The pooled vectors go through the dropout, which does nothing here, to the heads.
        hook = self._model.dropout.register_forward_pre_hook(lambda _, given: pooled.append(given[0]))
        try:
            with torch.inference_mode(), OneDnnLinear():
                for begin in range(0, len(order), at_once):
                    batch = order[begin : begin + at_once]
                    arrays = pad([rows[place] for place in batch], self._tokenizer.pad_token_id)
                    arrays["task_ids"] = np.array([task_ids[place] for place in batch])
                    self._model(**{name: torch.from_numpy(a).to(self._model.device) for name, a in arrays.items()})
                    vectors[batch] = pooled.pop().float().cpu().numpy()
        finally:
            hook.remove()
        return vectors


def _is_classifier(name: str) -> bool:
    """Whether a folder or hub id holds a classifier of this package; False if there is nothing to be read."""
    if name in encoder_recipe_names():
        return False
    try:
        entries, _ = AnchorPooledConfig.get_config_dict(find_encoder(name))
    except OSError:
        return False
    return entries.get("model_type") == AnchorPooledConfig.model_type
