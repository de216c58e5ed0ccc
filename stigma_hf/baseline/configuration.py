"""Configuration of the baseline classifiers."""

from dataclasses import field
from typing import Any

from transformers import PreTrainedConfig

from stigma_hf.tasks import load_tasks
from stigma_hf.temperature import check_temperature

MAJORITIES = ("majority-overall", "majority-per-anchor")
"""Baselines that are label counts, stored as readable JSON."""

ESTIMATORS = (*MAJORITIES, "logistic-regression-context", "logistic-regression-context-anchor", "scikit-learn")
"""Kinds of baselines; `scikit-learn` is anything with `predict_proba`."""


class BaselineConfig(PreTrainedConfig):
    """What a baseline is, what it was made from, and the windows it expects.

    Args:
        estimator: Kind of baseline, one of `ESTIMATORS`.
        labels: Label order per task; the published tasks and labels if empty.
        tie_order: Per task, its labels in the order in which they win ties between probabilities; label order if
            empty. It never changes a probability.
        temperature: Per task, what the logarithms of its probabilities are divided by; 1 where none is given.
        alpha: Laplace smoothing of a majority per anchor, above 0.
        negated_anchors: Whether a majority per anchor counts an anchor with a negation right before it apart, as the
            published one does.
        window: How windows are cut, `trained` or `released-api`.
        window_words: Words on either side of an anchor, from 0 on.
        title: What people should be told the model is.
        provenance: Where its numbers come from: `source` and what else is known. Empty means unknown, and nothing
            of unknown provenance is ever published.
        training: How it was trained: `recipe`, `sklearn_version`, and per task under `tasks` what was `chosen`, the
            `vocabulary_size`, the number of `spans` and the `scores` of each split. None if it was not.

    Raises:
        ValueError: If the estimator is unknown, or a tie order does not hold the labels of its task.
    """

    model_type = "stigma-baseline"

    estimator: str = "majority-per-anchor"
    labels: dict[str, list[str]] = field(default_factory=dict)
    tie_order: dict[str, list[str]] = field(default_factory=dict)
    temperature: dict[str, float] = field(default_factory=dict)
    alpha: float = 1.0
    negated_anchors: bool = False
    window: str = "trained"
    window_words: int = 10
    title: str = "Majority per anchor"
    provenance: dict[str, Any] | None = None
    training: dict[str, Any] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        if self.estimator not in ESTIMATORS:
            raise ValueError(f"expected estimator among {', '.join(ESTIMATORS)}, found {self.estimator!r}")
        if not self.labels:
            self.labels = {task.id: list(task.labels) for task in load_tasks().values()}
        check_temperature(self.temperature, self.labels)
        for task, order in self.tie_order.items():
            if sorted(order) != sorted(self.labels.get(task, [])):
                known = ", ".join(self.labels.get(task, [])) or "no labels: the task is unknown"
                raise ValueError(f"expected each label of {task!r} once in its tie_order ({known}), found {order}")
        super().__post_init__(**kwargs)
