"""What a baseline goes by: the strongest features of each label, for the model and for one window.

Features of a vocabulary are words of the training notes. They are returned, and never logged. For encoders
`stigma_hf.attribution` gives the words of a window in the same form.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import OneToOneFeatureMixin
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import Pipeline

from stigma_hf.baseline.anchors import remove_anchor
from stigma_hf.baseline.configuration import MAJORITIES
from stigma_hf.baseline.counts import anchor_key
from stigma_hf.baseline.modeling import BaselineClassifier
from stigma_hf.baseline.window_text import NegatedAnchor
from stigma_hf.context_window import ContextWindow
from stigma_hf.decoding import rank_labels, ties_of
from stigma_hf.errors import UsageError
from stigma_hf.lexicon import Lexicon
from stigma_hf.tasks import check_tasks

LINEAR = (LogisticRegression, SGDClassifier)
"""Classifiers with probabilities whose score of a label is a sum over features."""

ANY_ANCHOR = "any anchor"
"""The one feature of a majority overall."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What one feature does for one label.

    Attributes:
        feature: The feature as people read it: `not compliant`, `chest pain`.
        value: Its coefficient, contribution or count.
        is_anchor: For a model, whether the feature holds a published anchor of the task; for a window, whether it is
            there only because of the window's anchor.
        out_of: For a count, the same of all labels together; else None.
        place: For a word of a window, its half-open offsets there; else None.
    """

    feature: str
    value: float
    is_anchor: bool = False
    out_of: int | None = None
    place: tuple[int, int] | None = None


@dataclass(frozen=True)
class Explanation:
    """The weights of each label.

    Attributes:
        task: Task id.
        measure: What the values are: `coefficient`, `contribution` or `training spans`; for an encoder `attribution`.
        weights: Label to its weights, largest value first. A label that no training span had is left out.
    """

    task: str
    measure: str
    weights: Mapping[str, tuple[Weight, ...]]

    def strongest(self, label: str, top_k: int) -> tuple[Weight, ...]:
        """The `top_k` weights of a label that are farthest from zero, largest value first."""
        kept = sorted(self.weights[label], key=lambda weight: -abs(weight.value))[:top_k]
        return tuple(sorted(kept, key=lambda weight: -weight.value))


@dataclass(frozen=True)
class SpanExplanation(Explanation):
    """Why one window has the scores it has.

    A score is the intercept and all contributions added up. With logistic regression the probabilities are the softmax
    of the scores, so a contribution only means something beside those that the same feature makes to the other labels:
    if it is larger by d for one label than for another, the feature multiplies the odds between the two by exp(d), and
    what is added to all labels alike changes nothing. With two labels the score of the second is the decision function
    and that of the first its negative. With label counts a score is a smoothed count, and a probability its share.
    With an encoder a score is the log-odds of a label against all others, to within one percent of what the words add.

    Attributes:
        window: The window.
        intercepts: Label to what its score is without any feature: the smoothing, for label counts; the log-odds with
            every word masked, for an encoder.
        probabilities: Label to its probability.
        label: The label that the model gives the window.
    """

    window: ContextWindow
    intercepts: Mapping[str, float]
    probabilities: Mapping[str, float]
    label: str

    def score(self, label: str) -> float:
        """Intercept and contributions of a label together."""
        return self.intercepts[label] + sum(weight.value for weight in self.weights[label])


def explain_model(model: BaselineClassifier, task: str, top_k: int = 20) -> Explanation:
    """The features that speak most for each label of a task.

    For logistic regression these have the largest coefficients, all above 0; what speaks against a label is found
    among the features of the others. For label counts they are the anchors with the most training spans of the label.

    Args:
        model: A baseline with label counts, or with a linear classifier over named features.
        task: Task id.
        top_k: Features per label at most, from 1 on.

    Raises:
        UsageError: If the model cannot be explained, or does not know the task; the message says what can be done.
        ValueError: If top_k is below 1.
    """
    if top_k < 1:
        raise ValueError(f"expected top_k to be a whole number from 1 on, found {top_k!r}")
    _check(model, task)
    if model.config.estimator in MAJORITIES:
        rows = _count_rows(model, task)
        is_anchor = model.config.estimator == "majority-per-anchor"
        counted = _count_weights(model.config.labels[task], rows, is_anchor)
        weights = {label: tuple(weight for weight in counted[label] if weight.value) for label in counted}
        measure = "training spans"
    else:
        pipeline = _linear_pipeline(model, task)
        names = _feature_names(pipeline)
        holds_anchor = _anchor_finder(Lexicon.default().anchors[task])
        measure, weights = "coefficient", {}
        for label, coefficients in zip(*_coefficients(pipeline)[:2], strict=True):
            best = np.argsort(-coefficients, kind="stable")[:top_k]
            features = [Weight(_readable(names[i]), float(coefficients[i])) for i in best if coefficients[i] > 0]
            weights[label] = tuple(replace(w, is_anchor=bool(holds_anchor(w.feature))) for w in features)
    ordered = {label: weights[label][:top_k] for label in model.config.labels[task] if label in weights}
    return Explanation(task, measure, ordered)


def explain_span(model: BaselineClassifier, window: ContextWindow) -> SpanExplanation:
    """What each feature of a window contributes to the score of each label.

    A contribution is the coefficient of a feature times its value in the window, or the count of the window's anchor;
    `SpanExplanation` says how to read it.

    Args:
        model: A baseline with label counts, or with a linear classifier over named features.
        window: The window, as `stigma_hf.search.AnchorSearch` cuts it.

    Raises:
        UsageError: If the model cannot be explained, or does not know the task; the message says what can be done.
    """
    _check(model, window.task)
    labels = model.config.labels[window.task]
    probabilities = dict(zip(labels, model([window])["probabilities"][0].tolist(), strict=True))
    predicted = rank_labels(probabilities, ties_of(model.config, window.task))[0]
    if model.config.estimator in MAJORITIES:
        rows = _count_rows(model, window.task)
        is_anchor = model.config.estimator == "majority-per-anchor"
        if is_anchor:
            key = anchor_key(window, model.config.negated_anchors)
            key = key if model.config.negated_anchors else key.lower()
            rows = {key: rows.get(key, [0] * len(labels))}
        intercepts = dict.fromkeys(labels, model.config.alpha if is_anchor else 0.0)
        weights = _count_weights(labels, rows, is_anchor)
        return SpanExplanation(window.task, "training spans", weights, window, intercepts, probabilities, predicted)
    pipeline = _linear_pipeline(model, window.task)
    names = _feature_names(pipeline)
    columns, values = _features(pipeline, window)
    without_anchor = replace(window, context=remove_anchor(window.context, window.anchor))
    of_context = set(_features(pipeline, without_anchor)[0].tolist())
    weights, intercepts = {}, {}
    for label, coefficients, intercept in sorted(
        zip(*_coefficients(pipeline), strict=True), key=lambda row: labels.index(row[0])
    ):
        contributions = [
            Weight(_readable(names[column]), float(value), column not in of_context)
            for column, value in zip(columns.tolist(), coefficients[columns] * values, strict=True)
        ]
        weights[label] = tuple(sorted(contributions, key=lambda weight: -weight.value))
        intercepts[label] = float(intercept)
    return SpanExplanation(window.task, "contribution", weights, window, intercepts, probabilities, predicted)


def _check(model: Any, task: str) -> None:
    """Raise unless a model is a baseline that knows a task."""
    if not isinstance(model, BaselineClassifier):
        raise UsageError(
            f"expected a baseline to explain, of label counts or coefficients, found {type(model).__name__}; for an "
            "encoder the words of a note can be weighed: give --note or --text, or use explain_words"
        )
    try:
        check_tasks(task, list(model.config.labels))
    except ValueError as error:
        raise UsageError(str(error)) from error


def _count_rows(model: BaselineClassifier, task: str) -> dict[str, list[int]]:
    """Label counts per feature of a majority."""
    counts = model.counts[task]
    return dict(counts) if isinstance(counts, Mapping) else {ANY_ANCHOR: counts}


def _count_weights(
    labels: Sequence[str], rows: Mapping[str, Sequence[int]], is_anchor: bool
) -> dict[str, tuple[Weight, ...]]:
    """The counts of each label, largest first."""
    weights = {}
    for column, label in enumerate(labels):
        counted = [
            Weight(_readable(feature), float(row[column]), is_anchor, sum(row)) for feature, row in rows.items()
        ]
        weights[label] = tuple(sorted(counted, key=lambda weight: -weight.value))
    return weights


def _linear_pipeline(model: BaselineClassifier, task: str) -> Pipeline:
    """The pipeline of a task, if its classifier is linear."""
    estimator = model.estimators[task]
    classifier = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(estimator, Pipeline) or not isinstance(classifier, LINEAR):
        kinds = " or ".join(kind.__name__ for kind in LINEAR)
        raise UsageError(
            f"expected a classifier with coefficients ({kinds}, last in a Pipeline) or label counts, found "
            f"{type(classifier).__name__} for {task!r}; models that can be explained are those of the recipes "
            "logistic-regression-context, logistic-regression-context-anchor, majority-per-anchor and majority-overall"
        )
    return estimator


def _coefficients(pipeline: Pipeline) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Labels, and per label its coefficients, shape (labels, features), and its intercept, shape (labels,)."""
    classifier = pipeline.steps[-1][1]
    coefficients = classifier.coef_
    intercepts = np.broadcast_to(classifier.intercept_, len(coefficients))
    if len(classifier.classes_) == 2:
        coefficients = np.vstack([-coefficients, coefficients])
        intercepts = np.concatenate([-intercepts, intercepts])
    return [str(label) for label in classifier.classes_], coefficients, intercepts


def _features(pipeline: Pipeline, window: ContextWindow) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of the features that a window has."""
    row = csr_matrix(pipeline[:-1].transform([window]))
    row.eliminate_zeros()
    return row.indices, row.data


def _feature_names(pipeline: Pipeline) -> np.ndarray:
    """The name of each column that the classifier of a pipeline sees."""
    names: np.ndarray | None = None
    for _, step in pipeline.steps[:-1]:
        if isinstance(step, NegatedAnchor):
            names = np.array(["anchor"], dtype=object)
        elif isinstance(step, OneToOneFeatureMixin) and names is None:
            continue  # it would make names up
        else:
            names = step.get_feature_names_out(names) if hasattr(step, "get_feature_names_out") else None
    if names is None:
        made_by = ", ".join(type(step).__name__ for _, step in pipeline.steps[:-1])
        raise UsageError(
            f"expected features with names, found the nameless ones of {made_by}; explain a model that has a "
            "vocabulary, as logistic-regression-context-anchor"
        )
    return names


def printable(text: str) -> str:
    """A text without the characters that could control a terminal: a dot stands for each."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "\u00b7", text)


def _readable(feature: str) -> str:
    """A feature as people read it, and harmless to a terminal.

    Blanks at its ends, which tell n-grams of characters apart, are shown.
    """
    words = re.sub(r"(?<!\S)not_(?=\S)", "not ", printable(str(feature).removeprefix("anchor_")))
    return words if words == words.strip() else words.replace(" ", "\u2423")


def _anchor_finder(anchors: Iterable[str]) -> Any:
    """A function that finds any of some anchors in a feature; signs between words do not matter, tokens have none."""
    alternatives = (r"\W+".join(map(re.escape, re.findall(r"\w+", anchor))) for anchor in anchors)
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)", re.IGNORECASE).search
