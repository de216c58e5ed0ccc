"""Integrated gradients: what each token of a window adds to the log-odds of a label.

Source: Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks (ICML).
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stigma_hf.encoder.modeling import SHARED, AnchorPooledClassifier
from stigma_hf.encoder.tokenization import EncodedWindow, pad

logger = logging.getLogger(__name__)

STEPS = (8, 16, 32, 64, 128, 256)
"""Points on the path, tried in turn until what the tokens add is the whole difference."""

_TOLERANCE = 0.01
"""How far from it they may be, as a share of it."""
_NEGLIGIBLE = 0.001
"""Log-odds that nobody sees."""
_TOKENS_AT_ONCE = 2048


class EmbeddingPath:
    """The straight path of a window's embeddings from that of the mask token to their own, and the log-odds along it.

    Special tokens stay as they are.

    Args:
        model: The classifier.
        tokenizer: Its tokenizer. Where it has no mask token, the padding token stands for "no word".
        task: Task of the window.
        row: The window as the encoder reads it.

    Attributes:
        masked: Log-odds of each label of the task at the beginning of the path, shape (labels,).
        full: The same at its end: those of the window.
    """

    def __init__(self, model: AnchorPooledClassifier, tokenizer: Any, task: str, row: EncodedWindow) -> None:
        self._model = model
        task_id = model.tasks.index(task)
        self._columns = slice(*model.first_column[task_id : task_id + 2])
        self._temperature = model.config.temperature.get(task, 1.0)
        encoder: Any = model.encoders[SHARED if model.config.shared_encoder else task]
        self._embedding = encoder.get_input_embeddings()
        with _ready(model), torch.no_grad():
            arrays = {**pad([row], tokenizer.pad_token_id), "task_ids": np.array([task_id])}
            self._inputs = {name: torch.from_numpy(array).to(model.device) for name, array in arrays.items()}
            ids = self._inputs["input_ids"]
            nothing = tokenizer.pad_token_id if tokenizer.mask_token_id is None else tokenizer.mask_token_id
            masked_ids = torch.where(self._inputs["special_tokens_mask"].bool(), ids, nothing)
            self._begin, self._end = self._embedding(masked_ids), self._embedding(ids)
            self.masked, self.full = self._log_odds(self._embeddings([0.0, 1.0])).cpu().numpy()

    def weights(self, labels: Sequence[int]) -> np.ndarray:
        """What each token adds to the log-odds of some labels on the path.

        They add up to `full - masked` to within one percent; if not, that is logged.

        Args:
            labels: Places of the labels in the task's order.

        Returns:
            Weights, shape (labels asked for, tokens); 0 for special tokens.
        """
        whole = (self.full - self.masked)[list(labels)]
        with _ready(self._model):
            for steps in STEPS:
                weights = self._integral(labels, steps)
                off = np.abs(weights.sum(axis=1) - whole)
                if np.all(off <= np.maximum(_TOLERANCE * np.abs(whole), _NEGLIGIBLE)):
                    return weights
        logger.warning("weights of a window differ from its log-odds by up to %.3f after %d steps", off.max(), steps)
        return weights

    def _integral(self, labels: Sequence[int], steps: int) -> np.ndarray:
        """The weights from some number of steps."""
        # Gauss and Legendre's points need far fewer steps than evenly spaced ones.
        points, widths = np.polynomial.legendre.leggauss(steps)
        shares, widths = (points + 1) / 2, widths / 2
        length = (self._end - self._begin)[0].double()
        at_once = max(1, _TOKENS_AT_ONCE // len(length))
        weights = np.zeros((len(labels), len(length)))
        for first in range(0, steps, at_once):
            here = slice(first, first + at_once)
            embeddings = self._embeddings(shares[here].tolist()).requires_grad_()
            added = self._log_odds(embeddings) * torch.tensor(widths[here], device=length.device).unsqueeze(1)
            for place, label in enumerate(labels):
                (gradient,) = torch.autograd.grad(added[:, label].sum(), embeddings, retain_graph=True)
                weights[place] += (gradient.double().sum(dim=0) * length).sum(dim=1).cpu().numpy()
        return weights

    def _embeddings(self, shares: Sequence[float]) -> Tensor:
        """The embeddings after some shares of the path, shape (shares, tokens, size)."""
        column = torch.tensor(shares, dtype=self._end.dtype, device=self._end.device).view(-1, 1, 1)
        return self._begin + column * (self._end - self._begin)

    def _log_odds(self, embeddings: Tensor) -> Tensor:
        """Log-odds of each label, shape (rows, labels), where the encoder reads these embeddings."""
        rows, tokens = embeddings.shape[:2]
        batch = {name: tensor.expand(rows, *tensor.shape[1:]) for name, tensor in self._inputs.items()}
        caller = threading.get_ident()

        def exchange(module: Any, args: Any, output: Tensor) -> Tensor:
            if threading.get_ident() != caller:
                return output  # somebody else is asking the same model
            # Some encoders lengthen what they read to a multiple of something.
            return torch.cat([embeddings, output[:, tokens:]], dim=1)

        hook = self._embedding.register_forward_hook(exchange)
        try:
            logits = self._model(**batch).logits[:, self._columns]
        finally:
            hook.remove()
        log_p = torch.log_softmax(logits.double() / self._temperature, dim=1)
        own = torch.eye(log_p.shape[1], dtype=torch.bool, device=log_p.device)
        others = log_p.unsqueeze(1).expand(-1, len(own), -1).masked_fill(own, -torch.inf)
        return log_p - others.logsumexp(dim=2)


@contextmanager
def _ready(model: AnchorPooledClassifier) -> Iterator[None]:
    """The model without dropout and with gradients, wherever this is called, and as it was afterwards."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        model.train(was_training)
