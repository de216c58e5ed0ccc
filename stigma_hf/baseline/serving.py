"""Serve the fitted estimators of several tasks: what their pipelines share runs once, and little is checked twice."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.extmath import row_norms

from stigma_hf.context_window import ContextWindow


class TaskEstimators:
    """Fitted scikit-learn estimators over context windows, one per task.

    Args:
        estimators: Task to its estimator. The steps that all of them begin with, being the same objects, see the
            windows of all tasks together.
    """

    def __init__(self, estimators: Mapping[str, Any]) -> None:
        chains = {task: _steps(estimator) for task, estimator in estimators.items()}
        beginnings = zip(*(chain[:-1] for chain in chains.values()), strict=False)
        same = takewhile(lambda steps: all(step is steps[0] for step in steps), beginnings)
        self._shared = [steps[0] for steps in same]
        self._own = {task: _fused(chain[len(self._shared) :]) for task, chain in chains.items()}

    def predict_proba(self, windows: Mapping[str, Sequence[ContextWindow]]) -> dict[str, np.ndarray]:
        """Probabilities of the windows of each task, shape (its windows, its classes)."""
        seen: Any = [window for of_task in windows.values() for window in of_task]
        for step in self._shared:
            seen = step.transform(seen)
        probabilities = {}
        begin = 0
        for task, of_task in windows.items():
            *transformers, classifier = self._own[task]
            own = seen[begin : begin + len(of_task)]
            begin += len(of_task)
            for step in transformers:
                own = step.transform(own)
            probabilities[task] = classifier.predict_proba(own)
        return probabilities


class TfidfRegression:
    """A `TfidfTransformer` and a `LogisticRegression` in one product.

    Their own methods check every batch again, which costs more than the product does.

    Args:
        tfidf: With l2 norm and plain term frequencies.
        regression: Multinomial, of three classes or more.
    """

    def __init__(self, tfidf: TfidfTransformer, regression: LogisticRegression) -> None:
        self._idf = tfidf.idf_
        self._coefficients = np.ascontiguousarray(regression.coef_.T)
        self._intercepts = regression.intercept_

    @staticmethod
    def can_stand_for(tfidf: Any, regression: Any) -> bool:
        """Whether two steps are of that kind; anything that is not the usual is left to scikit-learn."""
        return (
            type(tfidf) is TfidfTransformer
            and type(regression) is LogisticRegression
            and (tfidf.norm, tfidf.use_idf, tfidf.sublinear_tf) == ("l2", True, False)
            and regression.solver == "lbfgs"
            and getattr(regression, "multi_class", "multinomial") != "ovr"
            and len(regression.classes_) > 2
        )

    def predict_proba(self, counts: csr_matrix) -> np.ndarray:
        """Probabilities, shape (rows of counts, number of classes)."""
        weights = counts.data * self._idf[counts.indices]
        weighted = csr_matrix((weights, counts.indices, counts.indptr), counts.shape)
        norms = row_norms(weighted)
        norms[norms == 0] = 1
        # Sums over a few classes are several times faster in columns than in rows.
        scores = np.asfortranarray(weighted @ self._coefficients)
        return softmax(scores / norms[:, None] + self._intercepts, axis=1)


def _steps(estimator: Any) -> list[Any]:
    """The steps of a pipeline; anything else is a single one."""
    if not isinstance(estimator, Pipeline):
        return [estimator]
    return [step for _, step in estimator.steps if step is not None and step != "passthrough"]


def _fused(steps: list[Any]) -> list[Any]:
    """The steps, the last two in one where that is possible."""
    if len(steps) > 1 and TfidfRegression.can_stand_for(*steps[-2:]):
        return [*steps[:-2], TfidfRegression(*steps[-2:])]
    return steps
