"""The anchor-pooled classifier: any encoder, a vector for the anchor, a linear head per task."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel
from transformers.utils import ModelOutput

from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.inference import predict_proba
from stigma_hf.encoder.pooling import masked_mean
from stigma_hf.encoder.pretrained import load_encoder, make_encoder, name_of_encoder
from stigma_hf.encoder.strict_loading import check_keys
from stigma_hf.publishing.downloads import check_downloads, hub_errors_explained
from stigma_hf.publishing.guard import GuardedPush

SHARED = "shared"
"""Name of the encoder that serves all tasks."""


@dataclass
class AnchorPooledOutput(ModelOutput):
    """What the model answers.

    Attributes:
        loss: Class-balanced cross-entropy, a single number; None without labels.
        logits: Shape (batch, labels of all tasks together), in the order of tasks and labels in the configuration; the
            columns of other tasks than a row's own hold the lowest number there is.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None


class AnchorPooledClassifier(GuardedPush, PreTrainedModel):
    """Labels an anchor by what an encoder makes of it in its context window.

    Args:
        config: Its configuration, with that of the encoder.

    Raises:
        ValueError: If the configuration names no encoder or no labels, or wants a pooler of an encoder without one.

    Source: Harrigian et al. 2023 (ACL short papers), section on models.
    """

    config_class = AnchorPooledConfig
    base_model_prefix = "anchor_pooled"
    main_input_name = "input_ids"
    accepts_loss_kwargs = False
    """The loss is a mean already; Trainer divides it by the accumulation steps."""
    _supports_sdpa = True
    _supports_flash_attn = True
    windows_at_once = 4096
    """Windows that are sorted by length, and looked through for repeats, together."""

    def __init__(self, config: AnchorPooledConfig) -> None:
        super().__init__(config)
        if config.encoder_config is None or not config.labels:
            raise ValueError("expected a configuration with encoder_config and labels; from_encoder() makes one")
        with_pooler = config.pooling == "pooler"
        names = [SHARED] if config.shared_encoder else list(config.labels)
        self.encoders = nn.ModuleDict(
            {name: make_encoder(AutoModel.from_config, config.encoder_config, with_pooler) for name in names}
        )
        an_encoder = self.encoders[names[0]]
        if with_pooler and getattr(an_encoder, "pooler", None) is None:
            kind = config.encoder_config.model_type
            raise ValueError(f"expected an encoder with a pooler, found {kind}; choose another pooling")
        self.supports_gradient_checkpointing = an_encoder.supports_gradient_checkpointing
        self.dropout = nn.Dropout(config.dropout)
        size = config.encoder_config.hidden_size
        self.heads = nn.ModuleDict({task: nn.Linear(size, len(labels)) for task, labels in config.labels.items()})
        self.tasks = list(config.labels)
        widths = [len(labels) for labels in config.labels.values()]
        self.first_column = np.cumsum([0, *widths]).tolist()
        self.post_init()

    @property
    def default_batch_size(self) -> int:
        """Windows per forward pass: few for the caches of a processor, many to keep a GPU busy."""
        return 16 if self.device.type == "cpu" else 256

    def _init_weights(self, module: nn.Module) -> None:
        """Leave fresh heads as PyTorch starts a linear layer, as the released toolkit does."""

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        anchor_mask: Tensor | None = None,
        special_tokens_mask: Tensor | None = None,
        task_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> AnchorPooledOutput:
        """Logits of each window, and the loss where labels are known.

        Args:
            input_ids: Token ids, shape (batch, tokens).
            attention_mask: 1 on tokens and 0 on padding, same shape.
            anchor_mask: 1 on the anchor's tokens, same shape; for `anchor` pooling.
            special_tokens_mask: 1 on special tokens, same shape; for `mean` pooling.
            task_ids: Place of each window's task in the configuration, shape (batch,); not needed if there is one.
            labels: Place of the label among those of the window's task, shape (batch,).

        Raises:
            ValueError: If an input is missing, a window has no token to pool, or a label is none of its task.
        """
        if task_ids is None:
            if len(self.tasks) > 1:
                raise ValueError(f"expected task_ids, for this model knows the tasks {', '.join(self.tasks)}")
            task_ids = input_ids.new_zeros(len(input_ids))
        pooled_tokens = self._pooled_tokens(attention_mask, anchor_mask, special_tokens_mask)
        pooled = self.dropout(self._pool(input_ids, attention_mask, pooled_tokens, task_ids))
        logits = torch.cat([head(pooled) for head in self.heads.values()], dim=1).float()
        first = torch.tensor(self.first_column, device=logits.device)
        begin, end = first[task_ids], first[task_ids + 1]
        columns = torch.arange(logits.shape[1], device=logits.device)
        is_own = (columns >= begin.unsqueeze(1)) & (columns < end.unsqueeze(1))
        logits = logits.masked_fill(~is_own, torch.finfo(logits.dtype).min)
        if labels is None:
            return AnchorPooledOutput(logits=logits)
        is_wrong = (labels < 0) | (labels >= end - begin)
        if bool(is_wrong.any()):
            row = int(is_wrong.nonzero()[0])
            raise ValueError(
                f"row {row}: expected a label from 0 to {int(end[row] - begin[row]) - 1}, found {int(labels[row])}"
            )
        loss = nn.functional.cross_entropy(logits, labels + begin, self._label_weights(logits.device))
        return AnchorPooledOutput(loss=loss, logits=logits)

    def _pooled_tokens(
        self, attention_mask: Tensor, anchor_mask: Tensor | None, special_tokens_mask: Tensor | None
    ) -> Tensor:
        """1 on the tokens that are averaged, shape (batch, tokens); not looked at by `cls` and `pooler` pooling."""
        if self.config.pooling == "anchor":
            if anchor_mask is None:
                raise ValueError("expected anchor_mask, which anchor pooling needs")
            return anchor_mask
        if self.config.pooling == "mean":
            if special_tokens_mask is None:
                raise ValueError("expected special_tokens_mask, which mean pooling needs")
            return attention_mask * (1 - special_tokens_mask)
        return attention_mask

    def _pool(self, input_ids: Tensor, attention_mask: Tensor, pooled_tokens: Tensor, task_ids: Tensor) -> Tensor:
        """One vector per window, shape (batch, hidden size)."""
        if self.config.shared_encoder:
            return self._pool_with(SHARED, input_ids, attention_mask, pooled_tokens)
        pooled = []
        rows = []
        for task_id in task_ids.unique().tolist():
            own = (task_ids == task_id).nonzero().flatten()
            rows.append(own)
            pooled.append(
                self._pool_with(self.tasks[task_id], input_ids[own], attention_mask[own], pooled_tokens[own])
            )
        return torch.cat(pooled)[torch.cat(rows).argsort()]

    def _pool_with(self, encoder: str, input_ids: Tensor, attention_mask: Tensor, pooled_tokens: Tensor) -> Tensor:
        output = self.encoders[encoder](input_ids=input_ids, attention_mask=attention_mask)
        if self.config.pooling == "pooler":
            return output.pooler_output
        if self.config.pooling == "cls":
            return output.last_hidden_state[:, 0]
        return masked_mean(output.last_hidden_state, pooled_tokens)

    def _label_weights(self, device: torch.device) -> Tensor | None:
        """Weights of all labels of all tasks, in the order of the logits."""
        given = self.config.class_weights
        if not given:
            return None
        weights = [given.get(task, [1.0] * len(labels)) for task, labels in self.config.labels.items()]
        return torch.tensor([weight for of_task in weights for weight in of_task], device=device)

    def predict_proba(
        self, windows: Sequence[ContextWindow], tokenizer: Any, batch_size: int | None = None
    ) -> list[np.ndarray]:
        """Label probabilities of each window, in the label order of its task; see `stigma_hf.encoder.inference`."""
        return predict_proba(self, windows, tokenizer, batch_size or self.default_batch_size)

    @classmethod
    def from_encoder(
        cls, encoder: Any, labels: Mapping[str, Sequence[str]], **settings: Any
    ) -> "AnchorPooledClassifier":
        """A classifier on top of an encoder, its heads not yet trained.

        Args:
            encoder: A model that is or has an encoder, a configuration (for fresh weights), or what else
                `load_encoder` takes. Its weights are copied.
            labels: Labels of each task, in their order.
            **settings: Further fields of `AnchorPooledConfig`.

        Raises:
            UsageError: If the encoder cannot be loaded.
            ValueError: If it is none that can stand below a classifier, or a setting is none of its choices.
        """
        pretrained = load_encoder(encoder, with_pooler=settings.get("pooling") == "pooler")
        config = AnchorPooledConfig(
            encoder_config=pretrained.config,
            labels={task: list(names) for task, names in labels.items()},
            **{"base_model": name_of_encoder(encoder), **settings},
        )
        model = cls(config).to(pretrained.dtype)
        for own in model.encoders.values():
            unfit = own.load_state_dict(pretrained.state_dict(), strict=False)
            surplus = [key for key in unfit.unexpected_keys if not key.startswith("pooler.")]
            check_keys(config.base_model or type(pretrained).__name__, unfit.missing_keys, surplus)
        return model

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *args: Any,
        output_loading_info: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The model of a folder or hub repository, with every weight it has and no other.

        Raises:
            OSError: If a file of the model is missing or out of reach; of a hub, it says what to do.
            ValueError: If the weights cannot be read, or are not those that the configuration describes or the hub
                announced.
        """
        source = str(pretrained_model_name_or_path)
        # Unequal shapes pass here, to be named below.
        kwargs["ignore_mismatched_sizes"] = True
        try:
            with hub_errors_explained(source):
                model, found = super().from_pretrained(source, *args, output_loading_info=True, **kwargs)
        except SafetensorError as error:
            raise ValueError(
                f"{source}: expected weights in safetensors, found a broken file ({error}); copy it again"
            ) from error
        check_downloads(source, kwargs.get("revision"), kwargs.get("cache_dir"))
        unequal = [f"{key} {tuple(there)} for {tuple(own)}" for key, there, own in found["mismatched_keys"]]
        check_keys(source, found["missing_keys"], found["unexpected_keys"], unequal)
        return (model, found) if output_loading_info else model

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        is_main_process: bool = True,
        state_dict: dict[str, Tensor] | None = None,
        push_to_hub: bool = False,
        **kwargs: Any,
    ) -> None:
        """Write the model to a folder: `config.json` and `model.safetensors`, and no code; the tokenizer saves itself.

        Raises:
            NotPublishable: If asked to push the folder to a hub.
        """
        if push_to_hub:
            self.push_to_hub()
        super().save_pretrained(save_directory, is_main_process, state_dict, **kwargs)
