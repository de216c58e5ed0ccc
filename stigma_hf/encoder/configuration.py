"""Configuration of the anchor-pooled classifier."""

import copy
import math
from dataclasses import field
from typing import Any

from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedConfig

from stigma_hf.encoder.encoder_kinds import check_encoder, make_independent
from stigma_hf.temperature import check_temperature

POOLINGS = ("anchor", "cls", "mean", "pooler")
"""What stands for a window: the mean of the anchor's tokens, the first token, the mean of all words, or the pooler."""

OCCURRENCES = ("matched", "all", "all-word-pieces", "middle-word-pieces")
"""Which occurrences of the anchor are pooled."""

WINDOWS = ("trained", "released-api")
"""How windows are cut."""


class AnchorPooledConfig(PreTrainedConfig):
    """What an anchor-pooled classifier is, what it was made from, and the windows it expects.

    Args:
        encoder_config: Configuration of the encoder, any that `AutoModel` knows, or its dictionary.
        labels: Label order per task.
        base_model: Name of the pretrained encoder it started from; None if it had none.
        pooling: What stands for a window, one of `POOLINGS`.
        occurrences: Which occurrences of the anchor `anchor` pooling averages: `matched`, the one the window was cut
            around; `all`, every whole-word one in the window; or, as the released toolkit looked for them among
            the word pieces and so also inside longer words, `all-word-pieces` (the published models) or
            `middle-word-pieces` (only the one nearest to the middle of the window).
        shared_encoder: Whether one encoder serves all tasks; one encoder per task otherwise.
        dropout: Dropout before the heads, from 0 up to but not including 1.
        class_weights: Weight of each label in the loss, from 0 on, per task in label order; equal weights when None.
        temperature: Per task, what its logits are divided by to make probabilities; 1 where none is given.
        max_length_tokens: Longest window in tokens, special ones included; what tokenizer and encoder allow when None.
        window: How windows are cut, one of `WINDOWS`.
        window_words: Words on either side of an anchor, from 0 on.
        title: What people should be told the model is.
        provenance: Where its weights come from: `source` and what else is known. None means unknown, and nothing of
            unknown provenance is ever published.
        training: How it was trained; None if it was not.

    Raises:
        ValueError: If a value is none of its choices; the message lists them.
    """

    model_type = "stigma-anchor-pooled"
    sub_configs = {"encoder_config": AutoConfig}

    encoder_config: Any = None
    labels: dict[str, list[str]] = field(default_factory=dict)
    base_model: str | None = None
    pooling: str = "anchor"
    occurrences: str = "matched"
    shared_encoder: bool = True
    dropout: float = 0.1
    class_weights: dict[str, list[float]] | None = None
    temperature: dict[str, float] = field(default_factory=dict)
    max_length_tokens: int | None = None
    window: str = "trained"
    window_words: int = 10
    title: str = "Anchor-pooled classifier"
    provenance: dict[str, Any] | None = None
    training: dict[str, Any] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        for name, choices in (("pooling", POOLINGS), ("occurrences", OCCURRENCES), ("window", WINDOWS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"expected {name} among {', '.join(choices)}, found {getattr(self, name)!r}")
        check_temperature(self.temperature, self.labels)
        if not 0 <= self.dropout < 1:
            raise ValueError(f"expected dropout from 0 up to but not including 1, found {self.dropout}")
        if self.max_length_tokens is not None and self.max_length_tokens < 1:
            raise ValueError(f"expected max_length_tokens from 1 on, found {self.max_length_tokens}")
        if self.window_words < 0:
            raise ValueError(f"expected window_words from 0 on, found {self.window_words}")
        self._check_labels()
        self._check_class_weights()
        if isinstance(self.encoder_config, dict):
            settings = dict(self.encoder_config)
            kind = settings.pop("model_type", None)
            if kind not in CONFIG_MAPPING:
                raise ValueError(f"expected the model_type of an encoder that transformers knows, found {kind!r}")
            self.encoder_config = CONFIG_MAPPING[kind](**settings)
        elif self.encoder_config is not None:
            self.encoder_config = copy.deepcopy(self.encoder_config)
        if self.encoder_config is not None:
            check_encoder(self.encoder_config)
            make_independent(self.encoder_config)
            # The path of an encoder's folder says nothing to others and may say too much.
            self.encoder_config._name_or_path = ""
        super().__post_init__(**kwargs)

    def _check_labels(self) -> None:
        for task, labels in self.labels.items():
            if len(labels) < 2 or len(set(labels)) < len(labels):
                found = ", ".join(map(str, labels)) or "none"
                raise ValueError(f"expected two or more different labels for {task!r}, found {found}")

    def _check_class_weights(self) -> None:
        for task, weights in (self.class_weights or {}).items():
            if task not in self.labels:
                raise ValueError(f"expected class weights for the tasks {', '.join(self.labels)}, found {task!r}")
            if len(weights) != len(self.labels[task]):
                raise ValueError(f"expected {len(self.labels[task])} class weights for {task!r}, found {len(weights)}")
            if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
                raise ValueError(f"expected class weights from 0 on for {task!r}, found {weights}")
