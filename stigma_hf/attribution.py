"""Which words of a window moved an encoder: integrated gradients, added up by word.

The embeddings of all words are moved in a straight line from that of the mask token to their own. On the way the
gradient of a label's log-odds tells what each of them adds, and all they add together is the difference between the
log-odds of the window and those of a window without words.

What the weights do not mean: they describe this model, not language, and no cause in the world. A word with a large
weight need not have one elsewhere, a word without one need not be unimportant, and to change or leave out a word
changes the answer by another amount than its weight, for words work together. They depend on what stands for "no
word", here the mask token. They are no evidence that whoever wrote the note meant what a label says.

Source: Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks (ICML).
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from stigma_hf.context_window import ContextWindow
from stigma_hf.decoding import rank_labels
from stigma_hf.errors import UsageError
from stigma_hf.explanation import SpanExplanation, Weight, printable
from stigma_hf.tasks import check_tasks

if TYPE_CHECKING:
    from stigma_hf.encoder.integrated_gradients import EmbeddingPath
    from stigma_hf.encoder.tokenization import EncodedWindow

Place = tuple[int, int]
"""Half-open offsets into the context of a window."""


@dataclass(frozen=True, slots=True)
class WordWeight:
    """What one word adds to the log-odds of a label.

    Attributes:
        word: The word, between white space.
        start: Where it begins in the context of the window.
        end: Where it ends there, exclusive.
        weight: Above 0 if it speaks for the label, below 0 if against. A word that the encoder does not get to see,
            because the window is too long for it, has 0.
    """

    word: str
    start: int
    end: int
    weight: float


def attribute(pipe: Any, window: ContextWindow, label: str | None = None) -> list[WordWeight]:
    """What each word of a window adds to the log-odds of a label, in the order of the words.

    The weights add up to the difference between the log-odds of the label for this window and those with every word
    masked, to within one percent; where they do not, that is logged. They are the same each time.

    Args:
        pipe: A pipeline "stigma-classification" with an `AnchorPooledClassifier`.
        window: The window.
        label: The label; the one that the model gives the window when None.

    Raises:
        UsageError: If the model is no encoder, or does not know the task or the label.
        ValueError: If the window lacks its anchor.
    """
    path, words = _path(pipe, window)
    labels = pipe.model.config.labels[window.task]
    if label is not None and label not in labels:
        raise UsageError(f"expected a label among {', '.join(labels)}, found {label!r}")
    (weights,) = words.add_up(path.weights([labels.index(label or _best(labels, path))]))
    return [
        WordWeight(window.context[start:end], start, end, weight)
        for (start, end), weight in zip(words.places, weights.tolist(), strict=True)
    ]


def explain_words(pipe: Any, window: ContextWindow) -> SpanExplanation:
    """What each word of a window adds to the log-odds of each label, in the form in which baselines are explained.

    Args:
        pipe: A pipeline "stigma-classification" with an `AnchorPooledClassifier`.
        window: The window.

    Raises:
        UsageError: If the model is no encoder, or does not know the task.
        ValueError: If the window lacks its anchor.
    """
    path, words = _path(pipe, window)
    labels = pipe.model.config.labels[window.task]
    by_word = words.add_up(path.weights(range(len(labels))))
    return SpanExplanation(
        task=window.task,
        measure="attribution",
        weights={label: _weights(window, words.places, row) for label, row in zip(labels, by_word, strict=True)},
        window=window,
        intercepts=dict(zip(labels, path.masked.tolist(), strict=True)),
        probabilities=dict(zip(labels, expit(path.full).tolist(), strict=True)),
        label=_best(labels, path),
    )


@dataclass(frozen=True)
class _Words:
    """The words of a window, and which of them its tokens are part of.

    Attributes:
        places: Where each word stands in the context.
        word_of_token: Token to word, special tokens left out.
    """

    places: list[Place]
    word_of_token: dict[int, int]

    def add_up(self, by_token: np.ndarray) -> np.ndarray:
        """Weights by word, shape (labels, words), of weights by token, shape (labels, tokens)."""
        by_word = np.zeros((len(by_token), len(self.places)))
        for token, word in self.word_of_token.items():
            by_word[:, word] += by_token[:, token]
        return by_word


def _path(pipe: Any, window: ContextWindow) -> "tuple[EmbeddingPath, _Words]":
    """What leads from no words to the words of a window, and these."""
    from stigma_hf.encoder.integrated_gradients import EmbeddingPath
    from stigma_hf.encoder.tokenization import WindowTokenizer

    _check(pipe.model, window.task)
    (row,) = WindowTokenizer(pipe.tokenizer, pipe.model.config).encode([window])
    places = [match.span() for match in re.finditer(r"\S+", window.context)]
    words = _Words(places, _word_of_token(pipe.tokenizer, window.context, row, places))
    return EmbeddingPath(pipe.model, pipe.tokenizer, window.task, row), words


def _best(labels: Sequence[str], path: "EmbeddingPath") -> str:
    """The label that the model gives a window."""
    return rank_labels(dict(zip(labels, path.full.tolist(), strict=True)))[0]


def _check(model: Any, task: str) -> None:
    """Raise unless a model is an encoder that knows a task."""
    from stigma_hf.encoder.modeling import AnchorPooledClassifier

    if not isinstance(model, AnchorPooledClassifier):
        raise UsageError(
            f"expected an encoder, found {type(model).__name__}; explain_span tells what a baseline goes by"
        )
    try:
        check_tasks(task, model.tasks)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _weights(window: ContextWindow, words: Sequence[Place], values: np.ndarray) -> tuple[Weight, ...]:
    """The words of a window with their values, largest value first."""
    anchor_start, anchor_end = window.matched() or (0, 0)
    weights = [
        Weight(
            printable(window.context[start:end]), value, start < anchor_end and anchor_start < end, place=(start, end)
        )
        for (start, end), value in zip(words, values.tolist(), strict=True)
    ]
    return tuple(sorted(weights, key=lambda weight: -weight.value))


def _word_of_token(tokenizer: Any, context: str, row: "EncodedWindow", words: Sequence[Place]) -> dict[int, int]:
    """Which word each token of a window is part of; special tokens are part of none.

    A token with a space before it belongs to the word after the space.
    """
    from stigma_hf.encoder.anchor_mask import runs_of

    tokens = sorted(set(range(len(row.input_ids))) - set(row.special_tokens))
    if not tokens:
        return {}
    encoding = tokenizer(context, truncation=False, verbose=False).encodings[0]
    all_places = [place for place, is_special in enumerate(encoding.special_tokens_mask) if not is_special]
    # A window that was cut kept one run of its tokens.
    run = runs_of([row.input_ids[token] for token in tokens], [encoding.ids[place] for place in all_places])[0]
    ends = [end for _, end in words]
    word_of_token = {}
    for token, place in zip(tokens, run, strict=True):
        start, end = encoding.offsets[all_places[place]]
        word_of_token[token] = min(bisect_right(ends, max(start, end - 1)), len(words) - 1)
    return word_of_token
