"""Weights that let a rare label count as much in the loss as a frequent one."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from stigma_hf.baseline.training_data import LabelledWindows

logger = logging.getLogger(__name__)


def balanced_class_weights(train: LabelledWindows, labels: Mapping[str, Sequence[str]]) -> dict[str, list[float]]:
    """Weight of each label per task: number of spans / (number of labels that occur * spans with the label).

    These are scikit-learn's `balanced` weights. A label without any span gets 1, as in the released toolkit: nothing
    is learned from it, and the loss on validation spans that have it stays finite.

    Args:
        train: The spans to train on.
        labels: Labels of each task, in their order.

    Example:
        >>> from stigma_hf.context_window import ContextWindow
        >>> window = ContextWindow("adamant", "claims", "he claims pain")
        >>> spans = LabelledWindows([window] * 4, ["difficult", "disbelief", "disbelief", "disbelief"])
        >>> balanced_class_weights(spans, {"adamant": ["difficult", "disbelief"]})
        {'adamant': [2.0, 0.6666666666666666]}
    """
    weights = {}
    for task, of_task in labels.items():
        counts = Counter(train.of_task(task).labels)
        absent = [label for label in of_task if not counts[label]]
        if absent:
            logger.warning(
                "no training span of %s is labelled %s: the model cannot learn that label", task, " or ".join(absent)
            )
        occurring = len(of_task) - len(absent)
        weights[task] = [counts.total() / (occurring * counts[label]) if counts[label] else 1.0 for label in of_task]
    return weights
