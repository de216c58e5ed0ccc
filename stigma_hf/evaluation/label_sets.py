"""Label sets that hold the true label in a stated share of cases: split conformal prediction.

A model that says "negative, 0.52" leaves open what else it could be. A label set names every label that is likely
enough, where "enough" is read off validation spans: the probability that the true label reached in all but, say, one
of ten of them. If new spans come from where the validation spans came from, their sets hold the true label in at least
nine of ten cases on average, however good or bad the model is; a bad model needs larger sets. Spans of one patient are
alike, so the promise is for a span of a new patient, and softer the fewer patients there are to calibrate on.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.predictions import Predictions


@dataclass(frozen=True)
class LabelSets:
    """A rule that makes a label set from probabilities.

    Attributes:
        task: The task.
        labels: Label order.
        coverage: Share of spans whose set holds the true label, on average and at least, above 0 and below 1.
        threshold: Labels with this probability or more are in the set, and so is the most probable one.
        n_spans: Validation spans that the threshold was read off.
    """

    task: str
    labels: tuple[str, ...]
    coverage: float
    threshold: float
    n_spans: int

    def contains(self, probabilities: np.ndarray) -> np.ndarray:
        """Whether each label is in the set, shape (spans, labels), for probabilities of that shape."""
        best = probabilities.max(axis=-1, keepdims=True)
        return (probabilities >= self.threshold) | (probabilities == best)

    def label_sets(self, probabilities: np.ndarray) -> list[list[str]]:
        """The label set of each row of probabilities, in label order."""
        return [[self.labels[place] for place in np.flatnonzero(row)] for row in self.contains(probabilities)]


@dataclass(frozen=True)
class Coverage:
    """What label sets are on some spans.

    Attributes:
        n_spans: Spans.
        stated: The share that was promised.
        measured: Share of spans whose set holds the true label; None without spans.
        mean_size: Labels in a set, on average; None without spans.
        single: Share of sets with one label; None without spans.
        per_label: Share that holds the true label, by true label; None for one that is absent. The promise is for
            all spans together and a rare label may fall short.
    """

    n_spans: int
    stated: float
    measured: float | None
    mean_size: float | None
    single: float | None
    per_label: dict[str, float | None]


def fit_label_sets(validation: Predictions, coverage: float = 0.9) -> LabelSets:
    """The rule whose sets hold the true label in a stated share of cases.

    Args:
        validation: Predictions on spans that the model was not trained on.
        coverage: The share, above 0 and below 1. With too few spans to promise it, every label is in every set.

    Raises:
        UsageError: If the share is out of range.

    Source: Sadinle, Lei and Wasserman 2019 (JASA 114), Least Ambiguous Set-Valued Classifiers; Angelopoulos and Bates
    2023 (Foundations and Trends in Machine Learning 16), Conformal Prediction: A Gentle Introduction, section 1.1.
    """
    if not 0 < coverage < 1:
        raise UsageError(f"expected a coverage between 0 and 1, found {coverage}")
    n_spans = len(validation)
    # The new span is one more among them, hence n + 1.
    n_covered = ceil((n_spans + 1) * coverage)
    threshold = 0.0
    if n_covered <= n_spans:
        of_truth = validation.probabilities[np.arange(n_spans), validation.true]
        threshold = float(np.sort(of_truth)[n_spans - n_covered])
    return LabelSets(validation.task, validation.labels, coverage, threshold, n_spans)


def measure_coverage(rule: LabelSets, predictions: Predictions) -> Coverage:
    """How often the sets of a rule hold the true label, and how large they are.

    Raises:
        UsageError: If the predictions have other labels.
    """
    if rule.labels != predictions.labels:
        raise UsageError(f"expected the labels {', '.join(rule.labels)}, found {', '.join(predictions.labels)}")
    n_spans = len(predictions)
    contains = rule.contains(predictions.probabilities)
    holds_truth = contains[np.arange(n_spans), predictions.true]
    sizes = contains.sum(axis=1)
    return Coverage(
        n_spans,
        rule.coverage,
        _mean(holds_truth),
        _mean(sizes),
        _mean(sizes == 1),
        {label: _mean(holds_truth[predictions.true == place]) for place, label in enumerate(rule.labels)},
    )


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
