"""From probabilities to a label: one rule for every model, ties included."""

from collections.abc import Mapping, Sequence
from typing import Any


def rank_labels(probabilities: Mapping[str, float], tie_order: Sequence[str] = ()) -> list[str]:
    """The labels of a span, the most probable first.

    Args:
        probabilities: Probability of each label, in label order.
        tie_order: The labels in the order in which they win ties; label order if empty.

    Example:
        >>> rank_labels({"negative": 0.4, "neutral": 0.2, "positive": 0.4})
        ['negative', 'positive', 'neutral']
        >>> rank_labels({"negative": 0.4, "neutral": 0.2, "positive": 0.4}, ["positive", "neutral", "negative"])
        ['positive', 'negative', 'neutral']
    """
    return sorted(tie_order or probabilities, key=probabilities.__getitem__, reverse=True)


def ties_of(config: Any, task: str) -> Sequence[str]:
    """The order in which the labels of a task win ties by the configuration of a model; empty if it has none."""
    return getattr(config, "tie_order", {}).get(task, ())


def rarest_first(labels: Sequence[str], n_spans: Mapping[str, int]) -> list[str]:
    """The order in which labels win ties in the released toolkit: the label with the fewest annotated spans first.

    Labels with equally many spans are in label order. One without any never wins: the toolkit does not know it.

    Args:
        labels: The labels of a task, in label order.
        n_spans: Annotated spans of each label, those of all splits together.
    """
    return sorted(labels, key=lambda label: (not n_spans[label], n_spans[label]))
