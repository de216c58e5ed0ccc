"""`pipeline("stigma-classification")`: from notes to labelled spans.

The stages have names: a note is *prepared* into windows, windows are *batched* across notes, *run* through the model,
*decoded* into probabilities, and handed back *per note*. Any model with `prepare(windows, tokenizer)`, a `forward`
that returns one probability vector per window, and a `default_batch_size` fits.
"""

import logging
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from transformers.pipelines.base import Pipeline

from stigma_hf.context_window import ContextWindow
from stigma_hf.lexicon import Lexicon
from stigma_hf.publishing import GuardedPush
from stigma_hf.search import AnchorSearch
from stigma_hf.tasks import check_tasks

logger = logging.getLogger(__name__)

TASK = "stigma-classification"
"""Name under which transformers knows the pipeline."""

_MAX_WAITING_NOTES = 1024


class StigmaClassificationPipeline(GuardedPush, Pipeline):
    """Finds the anchors of each note and labels every use of them.

    Args:
        model: A model of this package, or its folder or hub id when made by `pipeline()`.
        tasks: Task ids to look for; all of the model's when None.
        top_k: How many labels to keep in `probabilities`, best first; all, in label order, when None.
        lexicon: Anchors to look for; the published ones when None.
        window: How windows are cut; as the model was trained when None.
        window_words: Words on either side of an anchor; as the model was trained when None.
        batch_size: Windows per forward pass; what suits the model when None. It never changes a prediction.

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
        batch_size = batch_size or self._batch_size or self.model.default_batch_size
        if batch_size < 1:
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
        self, inputs: Iterable[Any], batch_size: int, preparing: Mapping[str, Any], finishing: Mapping[str, Any]
    ) -> Iterator[list[dict[str, Any]]]:
        """Results in the order of the inputs, windows batched across them."""
        waiting: deque[tuple[list[dict[str, Any]], int]] = deque()
        pending: list[dict[str, Any]] = []
        prepared = done = 0
        for place, item in enumerate(inputs):
            spans = self._prepare(item, place, **preparing)
            prepared += len(spans)
            waiting.append((spans, prepared))
            pending += spans
            while len(pending) >= batch_size or (pending and len(waiting) >= _MAX_WAITING_NOTES):
                batch, pending = pending[:batch_size], pending[batch_size:]
                self._run(batch)
                done += len(batch)
            while waiting and waiting[0][1] <= done:
                yield self.postprocess(waiting.popleft()[0], **finishing)
        for begin in range(0, len(pending), batch_size):
            self._run(pending[begin : begin + batch_size])
        while waiting:
            yield self.postprocess(waiting.popleft()[0], **finishing)

    def _prepare(self, item: Any, place: int, **preparing: Any) -> list[dict[str, Any]]:
        try:
            return self.preprocess(item, **preparing)
        except (TypeError, ValueError) as error:
            raise type(error)(f"input {place}: {error}") from error

    def preprocess(self, item: Any, **preparing: Any) -> list[dict[str, Any]]:
        """The spans of one input, not yet labelled, ordered by position."""
        if isinstance(item, Mapping):
            if "context" in item or not isinstance(item.get("text"), str):
                return self._given_window(ContextWindow.from_item(item), preparing.get("tasks"))
            item = item["text"]
        if not isinstance(item, str):
            raise TypeError(f"expected a note as text, or a window, found {type(item).__name__}")
        matches = self._search_for(**preparing).search(item)
        matches.sort(key=lambda match: match.start)
        return [
            {
                "task": match.task,
                "anchor": match.anchor,
                "start": match.start,
                "end": match.end,
                "word": match.word,
                "context": match.context,
            }
            for match in matches
        ]

    def _given_window(self, window: ContextWindow, tasks: Sequence[str] | None) -> list[dict[str, Any]]:
        """A ready-made window as a span of its own context."""
        if tasks is not None and window.task not in tasks:
            return []
        found = re.search(rf"(?<!\w){re.escape(window.anchor)}(?!\w)", window.context, re.IGNORECASE)
        start, end = found.span() if found else (None, None)
        word = found.group() if found else window.anchor
        return [
            {
                "task": window.task,
                "anchor": window.anchor,
                "start": start,
                "end": end,
                "word": word,
                "context": window.context,
            }
        ]

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

    def _run(self, spans: list[dict[str, Any]]) -> None:
        """Write its probabilities to each span of a batch."""
        windows = [ContextWindow(span["task"], span["anchor"], span["context"]) for span in spans]
        outputs = self.forward(self.model.prepare(windows, self.tokenizer))
        for span, probabilities in zip(spans, outputs["probabilities"], strict=True):
            span["probabilities"] = probabilities

    def _forward(self, model_inputs: dict[str, Any]) -> Any:
        return self.model(**model_inputs)

    def postprocess(self, spans: list[dict[str, Any]], top_k: int | None = None) -> list[dict[str, Any]]:
        """The labelled spans of one input."""
        labelled = []
        for span in spans:
            probabilities = dict(
                zip(self.model.config.labels[span["task"]], span.pop("probabilities").tolist(), strict=True)
            )
            label = max(probabilities, key=lambda name: probabilities[name])
            if top_k is not None:
                best = sorted(probabilities, key=lambda name: -probabilities[name])[:top_k]
                kept = {name: probabilities[name] for name in best}
            else:
                kept = probabilities
            context = span.pop("context")
            labelled.append(
                {**span, "label": label, "score": probabilities[label], "probabilities": kept, "context": context}
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
