"""From context windows to texts, as scikit-learn transformers that learn nothing."""

from collections.abc import Iterable

from stigma_hf.baseline.anchors import negated_anchor, remove_anchor
from stigma_hf.baseline.stateless import StatelessTransformer
from stigma_hf.context_window import ContextWindow


class WindowText(StatelessTransformer):
    """The text of each window, with or without the anchor.

    Args:
        keep_anchor: Whether the anchor, and a negation right before it, stay in.

    Example:
        >>> window = ContextWindow("compliance", "compliant", "pt is not compliant with meds")
        >>> WindowText(keep_anchor=False).transform([window])
        ['pt is  with meds']
    """

    def __init__(self, keep_anchor: bool = True) -> None:
        self.keep_anchor = keep_anchor

    def transform(self, windows: Iterable[ContextWindow]) -> list[str]:
        """One text per window."""
        if self.keep_anchor:
            return [window.context for window in windows]
        return [remove_anchor(window.context, window.anchor) for window in windows]


class NegatedAnchor(StatelessTransformer):
    """The anchor of each window with the negation right before it, as one column of categories.

    Example:
        >>> window = ContextWindow("compliance", "compliant", "pt is not compliant with meds")
        >>> NegatedAnchor().transform([window])
        [['not compliant']]
    """

    def transform(self, windows: Iterable[ContextWindow]) -> list[list[str]]:
        """One row of one category per window."""
        return [[negated_anchor(window.anchor, window.context)] for window in windows]
