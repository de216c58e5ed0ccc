"""Smaller learning rates for the lower layers of an encoder, which change less in fine-tuning."""

import re
from typing import Any

from torch import nn
from transformers import Trainer, TrainingArguments
from transformers.trainer_pt_utils import get_parameter_names

_LAYER = re.compile(r"\.layers?\.(\d+)\.")
_UNDECAYED = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]


def layer_number(parameter: str) -> int | None:
    """The number of the encoder layer that a parameter is of, by its name; None if it is of none.

    Example:
        >>> layer_number("encoders.shared.encoder.layer.11.output.dense.weight")
        11
        >>> layer_number("heads.adamant.weight")
    """
    found = _LAYER.search(parameter)
    return int(found.group(1)) if found else None


def layerwise_optimizer(model: nn.Module, args: TrainingArguments, layer_decay: float) -> tuple[Any, dict[str, Any]]:
    """The `optimizer_cls_and_kwargs` of a Trainer, with a learning rate for each layer.

    The heads, and what stands above the last layer, learn at the full rate, the last layer at `layer_decay` times
    that, and so on down to the embeddings.

    Args:
        model: The model, its parameters named as in `AnchorPooledClassifier`.
        args: Arguments of the training; its optimizer, learning rate and weight decay are used.
        layer_decay: Learning rate of a layer as a share of that of the layer above it.
    """
    names = dict(model.named_parameters())
    layers = [number for name in names if (number := layer_number(name)) is not None]
    n_layers = max(layers, default=-1) + 1
    decayed = set(get_parameter_names(model, [nn.LayerNorm], _UNDECAYED))
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in names.items():
        layer = layer_number(name)
        if layer is not None:
            below_top = n_layers - layer
        else:
            below_top = n_layers + 1 if "embedding" in name else 0
        groups.setdefault((below_top, name in decayed), []).append(parameter)
    optimizer, settings = Trainer.get_optimizer_cls_and_kwargs(args, model)
    params = [
        {
            "params": parameters,
            "lr": args.learning_rate * layer_decay**below_top,
            "weight_decay": args.weight_decay if has_decay else 0.0,
        }
        for (below_top, has_decay), parameters in groups.items()
    ]
    return optimizer, {**settings, "params": params}
