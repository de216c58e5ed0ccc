"""Released encoder checkpoints as one model of this package."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel

from stigma_hf.context_window import ContextWindow
from stigma_hf.conversion.checkpoints import Checkpoint
from stigma_hf.conversion.encoder_source import EncoderSource, split_weights
from stigma_hf.conversion.pickles import shown
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.pretrained import make_encoder
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks

_ENCODER = "_bert._bert."
_HEAD = "_classifier._fc_layers.0."
_WINDOWS_AT_ONCE = 16


@dataclass(frozen=True)
class ReleasedEncoder:
    """The weights of one checkpoint, each in its place.

    Attributes:
        checkpoint: Which one.
        encoder: Weights of the encoder.
        head: Weights of the head, labels in the order of the release.
        unused: Keys of the file that change no answer.
    """

    checkpoint: Checkpoint
    encoder: Mapping[str, Tensor]
    head: Mapping[str, Tensor]
    unused: tuple[str, ...]


def split_checkpoint(checkpoint: Checkpoint, weights: Mapping[str, Tensor], source: EncoderSource) -> ReleasedEncoder:
    """The weights of a checkpoint, each of them accounted for.

    Raises:
        UsageError: If a weight is missing, has no use, or does not fit configuration or labels; it is named.
    """
    try:
        head = {key.removeprefix(_HEAD): tensor for key, tensor in weights.items() if key.startswith(_HEAD)}
        encoder = {key.removeprefix(_ENCODER): tensor for key, tensor in weights.items() if key.startswith(_ENCODER)}
        others = [key for key in weights if not key.startswith((_HEAD, _ENCODER))]
        if others or not encoder:
            names = ", ".join(map(shown, others[:3])) or "none"
            raise UsageError(
                f"expected the weights of a released encoder and one head, found {len(others)} others: {names}"
            )
        used, unused = split_weights(encoder, source, checkpoint.pooling == "pooler")
        labels, size = len(checkpoint.targets), source.config.hidden_size
        shapes = {key: tuple(tensor.shape) for key, tensor in head.items()}
        if shapes != {"weight": (labels, size), "bias": (labels,)}:
            raise UsageError(f"expected a head for {labels} labels and vectors of {size} numbers, found {shapes}")
    except UsageError as error:
        raise UsageError(f"{checkpoint.weights_file}: {error}") from error
    return ReleasedEncoder(checkpoint, used, head, tuple(_ENCODER + key for key in unused))


class EncoderMerger:
    """Builds one model from the checkpoints of several tasks, which come one at a time.

    Args:
        checkpoints: Task to its checkpoint.
        source: What their encoders are.
        title: What people are told the model is.
        provenance: Where it comes from.

    Raises:
        UsageError: If the checkpoints do not agree in what they pool.
    """

    def __init__(
        self,
        checkpoints: Mapping[str, Checkpoint],
        source: EncoderSource,
        title: str,
        provenance: Mapping[str, Any],
    ) -> None:
        kinds = {(each.pooling, each.occurrences, each.dropout) for each in checkpoints.values()}
        if len(kinds) > 1:
            found = "; ".join(
                f"{task}: {each.pooling}, {each.occurrences}, dropout {each.dropout}"
                for task, each in checkpoints.items()
            )
            raise UsageError(f"expected checkpoints that pool alike, found {found}; convert their folders one by one")
        pooling, occurrences, dropout = kinds.pop()
        self.model = AnchorPooledClassifier(
            AnchorPooledConfig(
                encoder_config=source.config,
                labels={task: list(load_tasks()[task].labels) for task in checkpoints},
                base_model=source.name,
                pooling=pooling,
                occurrences=occurrences,
                shared_encoder=False,
                dropout=dropout,
                title=title,
                provenance=dict(provenance),
            )
        ).eval()

    def add(self, released: ReleasedEncoder) -> None:
        """Put the weights of one task where they belong, the rows of its head in our label order."""
        task, targets = released.checkpoint.task, released.checkpoint.targets
        order = [targets.index(label) for label in self.model.config.labels[task]]
        self.model.encoders[task].load_state_dict(released.encoder, strict=True)
        self.model.heads[task].load_state_dict(
            {key: tensor[order] for key, tensor in released.head.items()}, strict=True
        )


@torch.inference_mode()
def direct_probabilities(
    released: ReleasedEncoder, source: EncoderSource, windows: Sequence[ContextWindow]
) -> list[list[float] | None]:
    """Probabilities as the release computes them, with nothing of our model.

    Returns:
        Per window, the probabilities in the order of the release; None where no token is the anchor's.
    """
    encoder = make_encoder(AutoModel.from_config, source.config, released.checkpoint.pooling == "pooler").eval()
    encoder.load_state_dict(released.encoder, strict=True)
    answers: list[list[float] | None] = []
    for begin in range(0, len(windows), _WINDOWS_AT_ONCE):
        some = windows[begin : begin + _WINDOWS_AT_ONCE]
        texts = [window.context for window in some]
        batch = source.tokenizer(texts, truncation=True, max_length=512, padding=True, return_tensors="pt")
        output = encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        for row, window in enumerate(some):
            pooled = _pool(released.checkpoint, source, window, output, row)
            if pooled is None:
                answers.append(None)
            else:
                scores = released.head["weight"] @ pooled + released.head["bias"]
                answers.append(torch.softmax(scores, dim=0).tolist())
    return answers


def _pool(
    checkpoint: Checkpoint, source: EncoderSource, window: ContextWindow, output: Any, row: int
) -> Tensor | None:
    """The vector that stands for one window of a batch; None where no token is the anchor's."""
    if checkpoint.pooling == "pooler":
        return output.pooler_output[row]
    anchor = source.tokenizer(window.anchor, add_special_tokens=False)["input_ids"]
    unpadded = source.tokenizer(window.context, truncation=True, max_length=512)["input_ids"]
    places = _pooled_places(checkpoint, unpadded, anchor)
    return output.last_hidden_state[row, places].mean(dim=0) if places else None


def _pooled_places(checkpoint: Checkpoint, ids: list[int], anchor: list[int]) -> list[int]:
    """The places of the tokens that a checkpoint averages."""
    if checkpoint.pooling == "cls":
        return [0]
    if checkpoint.pooling == "mean":
        return list(range(1, len(ids) - 1))
    starts = [i for i in range(len(ids)) if anchor and ids[i : i + len(anchor)] == anchor]
    if checkpoint.occurrences == "middle-word-pieces":
        starts = sorted(starts, key=lambda start: abs(start - len(ids) // 2))[:1]
    return sorted({start + i for start in starts for i in range(len(anchor))})
