"""`pipeline("stigma-classification")`: from notes to labelled spans.

The stages have names: a note is *prepared* into windows, windows are *gathered* across notes, *run* through the model,
and handed back labelled *per note*. Any model fits that has `predict_proba(windows, tokenizer, batch_size)`, which
gives a probability vector per window, and says in `windows_at_once` how many windows it likes to see together.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from transformers.pipelines.base import Pipeline

from stigma_hf.context_window import ContextWindow
from stigma_hf.decoding import rank_labels, ties_of
from stigma_hf.lexicon import Lexicon
from stigma_hf.publishing.guard import GuardedPush
from stigma_hf.search import AnchorSearch
from stigma_hf.tasks import check_tasks

logger = logging.getLogger(__name__)

TASK = "stigma-classification"
"""Name under which transformers knows the pipeline."""

_MAX_EMPTY_NOTES = 1024
"""Notes without anchors that may hold up a stream until there is enough to label."""
_BATCHES_AT_ONCE = 64
"""Batches that a model may sort and thin out together, where a person says how large they are."""

Span = tuple[dict[str, Any], ContextWindow]
"""What is known of a span before it is labelled, and its window."""


class StigmaClassificationPipeline(GuardedPush, Pipeline):
    """Finds the anchors of each note and labels every use of them.

    Args:
        model: A model of this package, or its folder or hub id when made by `pipeline()`.
        tasks: Task ids to look for; all of the model's when None.
        top_k: How many labels to keep in `probabilities`, best first; all, in label order, when None.
        lexicon: Anchors to look for; the published ones when None.
        window: How windows are cut; as the model was trained when None.
        window_words: Words on either side of an anchor; as the model was trained when None.
        batch_size: Windows per forward pass of an encoder; what suits the model when None. It never changes a
            prediction. A stream is read some batches ahead.

    Calling it takes a note, a list or any sequence of notes, a dataset or one of its columns, a generator, or
    ready-made windows (`{"task", "anchor", "context"}`). One input gives one list, several give a list of lists in
    the same order, and a generator gives a generator. A note without anchors has an empty list. Each span is
    `{"task", "anchor", "start", "end", "word", "label", "score", "probabilities", "context"}`, ordered by position;
    `start` and `end` are half-open character offsets into the note as it was given (for a ready-made window, into its
    context, and None if the anchor does not stand in it).
    """

    _load_tokenizer = None
    _load_processor = False
    _load_image_processor = False
    _load_video_processor = False
    _load_feature_extractor = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Looked up once: attributes of a configuration are slow, and every span needs these.
        self._labels = {task: tuple(labels) for task, labels in self.model.config.labels.items()}
        self._ties = {task: ties_of(self.model.config, task) for task in self._labels}
        if (self.model.config.provenance or {}).get("source") == "published counts":
            logger.warning("%s. It knows the anchor only and never reads its context.", self.model.config.title)

    def _sanitize_parameters(
        self,
        tasks: str | list[str] | None = None,
        top_k: int | None = None,
        lexicon: Lexicon | None = None,
        window: str | None = None,
        window_words: int | None = None,
        **unknown: Any,
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        if unknown:
            known = "tasks, top_k, lexicon, window, window_words, batch_size"
            raise TypeError(f"expected parameters among {known}, found {', '.join(sorted(unknown))}")
        if top_k is not None and (isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1):
            raise ValueError(f"expected top_k to be a whole number from 1 on, found {top_k!r}")
        if tasks is not None:
            tasks = check_tasks(tasks, list(self.model.config.labels))
        given = {"tasks": tasks, "lexicon": lexicon, "window": window, "window_words": window_words}
        preparing = {key: value for key, value in given.items() if value is not None}
        if preparing:
            self._search_for(**{**getattr(self, "_preprocess_params", {}), **preparing})
        return preparing, {}, {} if top_k is None else {"top_k": top_k}

    def __call__(
        self, inputs: Any, *, batch_size: int | None = None, num_workers: int | None = None, **kwargs: Any
    ) -> Any:
        """Label the anchors of one note, several, or a stream; see the class for inputs and outputs.

        Raises:
            TypeError: If an input is neither text nor a mapping; its place is in the message.
            ValueError: If a ready-made window lacks something, or a parameter is none of its choices.
        """
        batch_size = batch_size or self._batch_size
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"expected batch_size to be a whole number from 1 on, found {batch_size}")
        preparing, _, finishing = self._sanitize_parameters(**kwargs)
        preparing = {**self._preprocess_params, **preparing}
        finishing = {**self._postprocess_params, **finishing}
        if isinstance(inputs, str | Mapping):
            return next(self._stream([inputs], batch_size, preparing, finishing))
        if not isinstance(inputs, Iterable) and not hasattr(inputs, "__getitem__"):
            raise TypeError(f"expected a note, several notes or windows, found {type(inputs).__name__}")
        results = self._stream(inputs, batch_size, preparing, finishing)
        return list(results) if hasattr(inputs, "__len__") else results

    def _stream(
        self,
        inputs: Iterable[Any],
        batch_size: int | None,
        preparing: Mapping[str, Any],
        finishing: Mapping[str, Any],
    ) -> Iterator[list[dict[str, Any]]]:
        """Results in the order of the inputs, windows gathered across them."""
        search, tasks = self._search_for(**preparing), preparing.get("tasks")
        limit = min(self.model.windows_at_once, _BATCHES_AT_ONCE * (batch_size or self.model.windows_at_once))
        waiting: list[list[Span]] = []
        gathered = empty = 0
        for place, item in enumerate(inputs):
            spans = self._prepare(item, place, search, tasks)
            waiting.append(spans)
            gathered += len(spans)
            empty += not spans
            if not gathered or gathered >= limit or empty >= _MAX_EMPTY_NOTES:
                yield from self._label(waiting, batch_size, finishing)
                waiting, gathered, empty = [], 0, 0
        yield from self._label(waiting, batch_size, finishing)

    def _label(
        self, inputs: Sequence[list[Span]], batch_size: int | None, finishing: Mapping[str, Any]
    ) -> Iterator[list[dict[str, Any]]]:
        """The labelled spans of some inputs, all of whose windows go to the model together."""
        windows = [window for spans in inputs for _, window in spans]
        outputs = self._forward({"windows": windows, "batch_size": batch_size}) if windows else {"probabilities": []}
        probabilities = iter(outputs["probabilities"])
        for spans in inputs:
            yield self.postprocess([(span, next(probabilities)) for span in spans], **finishing)

    def _prepare(self, item: Any, place: int, search: AnchorSearch, tasks: Sequence[str] | None) -> list[Span]:
        try:
            return self._find_spans(item, search, tasks)
        except (TypeError, ValueError) as error:
            raise type(error)(f"input {place}: {error}") from error

    def preprocess(self, item: Any, **preparing: Any) -> list[Span]:
        """The spans of one input, not yet labelled, each with its window, ordered by position."""
        return self._find_spans(item, self._search_for(**preparing), preparing.get("tasks"))

    def _find_spans(self, item: Any, search: AnchorSearch, tasks: Sequence[str] | None) -> list[Span]:
        if isinstance(item, Mapping):
            if "context" in item or not isinstance(item.get("text"), str):
                return self._given_window(ContextWindow.from_item(item), tasks)
            item = item["text"]
        if not isinstance(item, str):
            raise TypeError(f"expected a note as text, or a window, found {type(item).__name__}")
        matches = search.search(item)
        matches.sort(key=lambda match: match.start)
        return [
            (
                {
                    "task": match.task,
                    "anchor": match.anchor,
                    "start": match.start,
                    "end": match.end,
                    "word": match.word,
                },
                ContextWindow(match.task, match.anchor, match.context, search.place_in_window(item, match)),
            )
            for match in matches
        ]

    def _given_window(self, window: ContextWindow, tasks: Sequence[str] | None) -> list[Span]:
        """A ready-made window as a span of its own context."""
        if window.task not in self._labels:
            raise ValueError(f"expected a task among {', '.join(self._labels)}, found {window.task!r}")
        if tasks is not None and window.task not in tasks:
            return []
        place = window.matched()
        start, end = place or (None, None)
        word = window.context[start:end] if place else window.anchor
        return [({"task": window.task, "anchor": window.anchor, "start": start, "end": end, "word": word}, window)]

    def _search_for(
        self,
        tasks: Sequence[str] | None = None,
        lexicon: Lexicon | None = None,
        window: str | None = None,
        window_words: int | None = None,
    ) -> AnchorSearch:
        """The search with these settings, the model's where they are not given."""
        config = self.model.config
        words = config.window_words if window_words is None else window_words
        return _search(lexicon, window or config.window, words, tuple(tasks or config.labels))

    def _forward(self, model_inputs: dict[str, Any]) -> dict[str, Any]:
        return {"probabilities": self.model.predict_proba(tokenizer=self.tokenizer, **model_inputs)}

    def postprocess(self, spans: Sequence[tuple[Span, np.ndarray]], top_k: int | None = None) -> list[dict[str, Any]]:
        """The labelled spans of one input, from its spans and the probabilities of each."""
        labelled = []
        for (span, window), row in spans:
            probabilities = dict(zip(self._labels[window.task], row.tolist(), strict=True))
            ranked = rank_labels(probabilities, self._ties[window.task])
            kept = probabilities if top_k is None else {name: probabilities[name] for name in ranked[:top_k]}
            labelled.append(
                {
                    **span,
                    "label": ranked[0],
                    "score": probabilities[ranked[0]],
                    "probabilities": kept,
                    "context": window.context,
                }
            )
        return labelled

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> None:
        """Write model and tokenizer to a folder that loads without remote code."""
        self.model.save_pretrained(save_directory, **kwargs)
        if self.tokenizer is not None:
            self.tokenizer.save_pretrained(save_directory)


@lru_cache(maxsize=8)
def _search(lexicon: Lexicon | None, window: Any, window_words: int, tasks: tuple[str, ...]) -> AnchorSearch:
    """The search for the tasks that both the model and the lexicon know."""
    lexicon = lexicon or Lexicon.default()
    return AnchorSearch(lexicon, window, window_words, [task for task in lexicon.anchors if task in tasks])
