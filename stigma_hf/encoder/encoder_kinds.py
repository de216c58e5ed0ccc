"""What is known about kinds of encoders: which of them can serve, and how many tokens they read."""

from typing import Any

from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_MASKED_LM_MAPPING_NAMES

_SEE_PADDING = ("canine", "convbert", "fnet", "nystromformer", "reformer", "yoso")
"""Encoders in which padding leaks into the words, so that a window's answer would depend on its batch."""

_POSITIONS_AFTER_PADDING = (
    "camembert",
    "data2vec-text",
    "esm",
    "ibert",
    "longformer",
    "luke",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
)
"""Encoders whose first position has the number after the padding id, and which so have fewer than they say."""


_INDEPENDENT = {"big_bird": {"attention_type": "original_full"}}
"""Settings without which a window's answer would depend on the padding, or on what the encoder read before."""


def check_encoder(config: Any) -> None:
    """Refuse what cannot stand below an anchor-pooled classifier.

    Args:
        config: Configuration of an encoder.

    Raises:
        ValueError: If it is no encoder of text, or one whose answers depend on padding; the message says which.
    """
    kind = config.model_type
    if getattr(config, "is_encoder_decoder", False):
        raise ValueError(f"expected an encoder, found {kind}, an encoder with a decoder; choose one without")
    if kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise ValueError(
            f"expected an encoder, found {kind}, a decoder, whose words do not see what follows them; "
            "choose an encoder, as bert or modernbert"
        )
    if kind in _SEE_PADDING:
        raise ValueError(
            f"expected an encoder that keeps padding apart, found {kind}, which mixes it into the words: "
            "a window's probabilities would depend on the others in its batch; choose another encoder"
        )
    for needed in ("hidden_size", "vocab_size"):
        if not isinstance(getattr(config, needed, None), int):
            raise ValueError(f"expected an encoder of text with {needed} in its configuration, found none in {kind}")


def make_independent(config: Any) -> None:
    """Set what an encoder needs to answer for each window alone; most kinds need nothing."""
    for name, value in _INDEPENDENT.get(config.model_type, {}).items():
        setattr(config, name, value)


def longest_input(config: Any) -> int | None:
    """How many tokens an encoder reads at most, special ones included; None if its configuration names no limit."""
    positions = getattr(config, "max_position_embeddings", None)
    if not positions or positions < 0:
        return None
    return positions - (config.pad_token_id + 1 if config.model_type in _POSITIONS_AFTER_PADDING else 0)
