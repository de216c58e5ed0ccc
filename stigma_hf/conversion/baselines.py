"""Released baselines as models of this package."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from stigma_hf.baseline.configuration import BaselineConfig
from stigma_hf.baseline.modeling import BaselineClassifier
from stigma_hf.baseline.vocabulary import VocabularyCounter
from stigma_hf.baseline.window_text import WindowText
from stigma_hf.conversion.preprocessing import Preprocessing
from stigma_hf.conversion.released_baselines import AnchorTable, LabelShares, Regression, ReleasedBaseline
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks

_MOST_SPANS = 100_000


def to_model(
    released: Mapping[str, ReleasedBaseline],
    estimator: str,
    preprocessing: Preprocessing,
    title: str,
    provenance: Mapping[str, Any],
) -> BaselineClassifier:
    """The model that answers what some released classifiers answer.

    Args:
        released: Task to the parameters of its classifier, all of one kind.
        estimator: The kind of baseline, as in `BaselineConfig`.
        preprocessing: How the windows are prepared.
        title: What people are told the model is.
        provenance: Where it comes from.

    Raises:
        UsageError: If the shares of labels are no shares of whole numbers.
    """
    config = BaselineConfig(
        estimator=estimator,
        labels={task: list(load_tasks()[task].labels) for task in released},
        # The released classifier gives the first of equally probable labels in its own order.
        tie_order={task: list(of_task.targets) for task, of_task in released.items()},
        negated_anchors=estimator == "majority-per-anchor",
        window_words=preprocessing.window_words,
        title=title,
        provenance=dict(provenance),
    )
    about: dict[str, dict[str, Any]] = {task: {} for task in released}
    counts: dict[str, Any] = {}
    estimators: dict[str, Pipeline] = {}
    shared: Pipeline | None = None
    for task, of_task in released.items():
        order = [of_task.targets.index(label) for label in config.labels[task]]
        if isinstance(of_task, LabelShares):
            counts[task] = whole_numbers(of_task.shares[order])
        elif isinstance(of_task, AnchorTable):
            config.alpha = of_task.alpha
            rows = zip(of_task.anchors, of_task.counts[:, order].tolist(), strict=True)
            counts[task] = dict(sorted(rows))
        elif isinstance(of_task, Regression):
            shared = shared or make_pipeline(WindowText(of_task.keeps_anchor), of_task.tokenizer, of_task.phrases)
            estimators[task] = _pipeline(shared, of_task, config.labels[task], order)
            about[task] = {"chosen": {"C": of_task.chosen_c}, "vocabulary_size": len(of_task.vocabulary)}
    config.training = {"sklearn_version": sklearn.__version__, "tasks": about}
    return BaselineClassifier(config, counts, estimators)


def _pipeline(shared: Pipeline, released: Regression, labels: list[str], order: list[int]) -> Pipeline:
    """A fitted pipeline with the released parameters, labels in our order."""
    n_features = len(released.vocabulary)
    counter = VocabularyCounter()
    counter.vocabulary_ = {token: column for column, token in enumerate(released.vocabulary)}
    tfidf = TfidfTransformer(norm=released.norm)
    tfidf.idf_ = released.idf
    tfidf.n_features_in_ = n_features
    classifier = LogisticRegression(C=released.chosen_c, class_weight="balanced", max_iter=10_000, random_state=42)
    classifier.classes_ = np.array(labels)
    classifier.coef_ = released.coefficients[order]
    classifier.intercept_ = released.intercepts[order]
    classifier.n_features_in_ = n_features
    return Pipeline([*shared.steps, *make_pipeline(counter, tfidf).steps, ("classifier", classifier)])


def whole_numbers(shares: np.ndarray) -> list[int]:
    """The smallest whole numbers with these shares.

    The released majority overall kept the shares of the labels only; they are the same whether the counts are 2 and 3
    or 20 and 30.

    Raises:
        UsageError: If there are none up to a hundred thousand in all.

    Example:
        >>> whole_numbers(np.array([0.4, 0.6]))
        [2, 3]
    """
    totals = np.arange(1, _MOST_SPANS)
    counts = np.rint(totals[:, np.newaxis] * shares)
    fits = np.flatnonzero((counts / totals[:, np.newaxis] == shares).all(axis=1))
    if not len(fits):
        raise UsageError(f"expected shares of up to {_MOST_SPANS:,} spans, found {shares.tolist()}")
    return [int(count) for count in counts[fits[0]]]
