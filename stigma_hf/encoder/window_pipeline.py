"""A pipeline over ready-made windows, for models that travel with their own code and without the package."""

from collections.abc import Mapping
from typing import Any

from transformers import Pipeline

from stigma_hf.context_window import ContextWindow
from stigma_hf.publishing.guard import GuardedPush


class WindowPipeline(GuardedPush, Pipeline):
    """Labels ready-made windows, `{"task", "anchor", "context"}`; to find the anchors of notes, install the package.

    One window gives one span, `{"task", "anchor", "label", "score", "probabilities", "context"}`; a list gives a list
    in the same order.
    """

    _load_tokenizer = True
    _load_processor = False
    _load_image_processor = False
    _load_video_processor = False
    _load_feature_extractor = False

    def __call__(self, inputs: Any, *, batch_size: int | None = None, **kwargs: Any) -> Any:
        """Label one window, or the windows of a list."""
        if isinstance(inputs, Mapping):
            return self([inputs], batch_size=batch_size)[0]
        windows = [self.preprocess(item) for item in inputs]
        probabilities = self.model.predict_proba(windows, self.tokenizer, batch_size)
        return [self.postprocess(pair) for pair in zip(windows, probabilities, strict=True)]

    def _sanitize_parameters(self, **unknown: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        if unknown:
            raise TypeError(f"expected no parameter but batch_size, found {', '.join(sorted(unknown))}")
        return {}, {}, {}

    def preprocess(self, item: Mapping[str, object]) -> ContextWindow:
        """The window of a mapping."""
        if not isinstance(item, Mapping):
            raise TypeError(f"expected windows with task, anchor and context, found {type(item).__name__}")
        return ContextWindow.from_item(item)

    def _forward(self, window: ContextWindow) -> Any:
        return self.model.predict_proba([window], self.tokenizer)[0]

    def postprocess(self, answer: tuple[ContextWindow, Any]) -> dict[str, Any]:
        """The labelled window."""
        window, row = answer
        probabilities = dict(zip(self.model.config.labels[window.task], row.tolist(), strict=True))
        label = max(probabilities, key=lambda name: probabilities[name])
        return {
            "task": window.task,
            "anchor": window.anchor,
            "label": label,
            "score": probabilities[label],
            "probabilities": probabilities,
            "context": window.context,
        }
