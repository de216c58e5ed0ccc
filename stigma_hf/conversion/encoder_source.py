"""The configuration and tokenizer of an encoder, which the release does not hold, and whether they fit its weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel, PreTrainedConfig

from stigma_hf.encoder.pretrained import find_encoder, load_tokenizer, make_encoder, name_of_encoder
from stigma_hf.errors import UsageError

_SIZES = {
    "vocab_size": ("embeddings.word_embeddings.weight", 0),
    "hidden_size": ("embeddings.word_embeddings.weight", 1),
    "max_position_embeddings": ("embeddings.position_embeddings.weight", 0),
    "type_vocab_size": ("embeddings.token_type_embeddings.weight", 0),
    "intermediate_size": ("encoder.layer.0.intermediate.dense.weight", 0),
}
"""Sizes in the configuration of a BERT, and the tensor and dimension that show each."""

_POSITION_IDS = "embeddings.position_ids"


@dataclass(frozen=True)
class EncoderSource:
    """What an encoder is besides its weights.

    Attributes:
        config: Its configuration.
        tokenizer: Its tokenizer, a fast one.
        name: Where they are from, a hub id or the name of a folder.
    """

    config: PreTrainedConfig
    tokenizer: Any
    name: str


def load_source(encoder: str, tokenizer: str | None = None) -> EncoderSource:
    """The configuration and tokenizer of an encoder; its weights are not fetched.

    Args:
        encoder: Folder or hub id.
        tokenizer: Folder or hub id of the tokenizer, if it is elsewhere.

    Raises:
        UsageError: If they are neither in a folder, nor in the hub's cache, nor to be had from the hub.
    """
    try:
        config = AutoConfig.from_pretrained(find_encoder(encoder), trust_remote_code=False)
    except (OSError, ValueError) as error:
        first_line = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(
            f"{encoder}: the release holds no configuration and tokenizer of its encoders, and there are none in a "
            "folder of this name, in the hub's cache, or to be had from the hub. Where there is a network: "
            f"`hf download {encoder} config.json tokenizer_config.json vocab.txt --local-dir FOLDER`; then convert "
            f"with --encoder FOLDER ({first_line})"
        ) from error
    config.dtype = torch.float32
    return EncoderSource(config, load_tokenizer(tokenizer or encoder), name_of_encoder(encoder) or "")


def check_tokenizer(source: EncoderSource) -> None:
    """Raise unless the tokenizer has as many tokens as the encoder has embeddings.

    Raises:
        UsageError: If so.
    """
    tokens, embeddings = len(source.tokenizer), source.config.vocab_size
    if tokens != embeddings:
        raise UsageError(
            f"{source.name}: expected a tokenizer of {embeddings:,} tokens (vocab_size), found one of {tokens:,}; "
            "give the tokenizer that the model was trained with by --tokenizer"
        )


def split_weights(
    weights: Mapping[str, Tensor], source: EncoderSource, with_pooler: bool
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The weights that an encoder of this configuration uses, each in its place, and the keys that change no answer.

    Args:
        weights: The weights of the released encoder, by their keys in it.
        source: What the encoder is.
        with_pooler: Whether its pooler is used.

    Raises:
        UsageError: If a size in the configuration does not fit, a weight is missing, or one has no use.
    """
    _check_sizes(weights, source)
    with torch.device("meta"):
        expected = make_encoder(AutoModel.from_config, source.config, with_pooler).state_dict()
    unused = [key for key in weights if key not in expected and _is_harmless(key, weights[key], with_pooler)]
    unknown = [key for key in weights if key not in expected and key not in unused]
    missing = [key for key in expected if key not in weights]
    if unknown or missing:
        raise UsageError(
            f"{source.name}: its configuration is of another architecture than the weights: "
            f"{_counted(missing, 'missing')}, {_counted(unknown, 'without a use')}; give the encoder that the model "
            "was trained from by --encoder"
        )
    used = {key: weights[key] for key in expected}
    for key, tensor in used.items():
        if tensor.shape != expected[key].shape or not tensor.is_floating_point():
            raise UsageError(
                f"{source.name}: expected {key} to be real numbers of shape {tuple(expected[key].shape)}, found "
                f"{tuple(tensor.shape)} of {tensor.dtype}"
            )
    return used, tuple(unused)


def _check_sizes(weights: Mapping[str, Tensor], source: EncoderSource) -> None:
    """Raise if the configuration of a BERT has a size that the weights do not have; all such are named."""
    if source.config.model_type != "bert":
        return
    layers = {key.split(".")[2] for key in weights if key.startswith("encoder.layer.")}
    sizes = {"num_hidden_layers": len(layers)}
    for size, (key, dimension) in _SIZES.items():
        if key in weights and weights[key].dim() > dimension:
            sizes[size] = weights[key].shape[dimension]
    different = [
        f"{size} {getattr(source.config, size):,} (the weights have {found:,})"
        for size, found in sizes.items()
        if getattr(source.config, size) != found
    ]
    if different:
        raise UsageError(
            f"{source.name}: expected the configuration that the model was trained with, found "
            f"{', '.join(different)}; give the right encoder by --encoder"
        )


def _is_harmless(key: str, tensor: Tensor, with_pooler: bool) -> bool:
    """Whether a tensor changes no answer: a pooler that is not used, or positions that are 0, 1, 2 and so on."""
    if key == _POSITION_IDS:
        return torch.equal(tensor.flatten(), torch.arange(tensor.numel()))
    return key.startswith("pooler.") and not with_pooler


def _counted(keys: list[str], what: str) -> str:
    shown = ", ".join(ascii(key)[1:-1][:80] for key in keys[:3]) + (", ..." if len(keys) > 3 else "")
    return f"{len(keys)} {what}" + (f" ({shown})" if keys else "")
