"""The parameters of a released baseline, from the three files of its folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stigma_hf.conversion.features import PREPROCESSOR_FILE, read_features, read_idf, take_list
from stigma_hf.conversion.fields import Fields
from stigma_hf.conversion.pickles import read_joblib
from stigma_hf.conversion.preprocessing import Preprocessing
from stigma_hf.conversion.released_baselines import AnchorTable, LabelShares, Regression, ReleasedBaseline
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks

CLASSIFIER_FILE = "classifier.joblib"
TARGETS_FILE = "targets.txt"
BASELINE_FILES = (CLASSIFIER_FILE, PREPROCESSOR_FILE, TARGETS_FILE)

_REGRESSION_SETTINGS = ("n_iter_", "class_weight", "_sklearn_version")


def read_baseline(folder: Path, task: str, estimator: str, preprocessing: Preprocessing) -> ReleasedBaseline:
    """The parameters of one released classifier.

    Args:
        folder: A folder as `adamant_fold-0`.
        task: Its task.
        estimator: The kind of baseline that should be in it, as in `BaselineConfig`.
        preprocessing: How the windows are prepared.

    Raises:
        UsageError: If a file is missing or refused, or anything in it has no counterpart here; it is named.
    """
    try:
        targets = tuple((folder / TARGETS_FILE).read_text(encoding="utf-8").split("\n"))
        check_labels(targets, task)
        classifier = read_joblib(folder / CLASSIFIER_FILE)
        preprocessor = read_joblib(folder / PREPROCESSOR_FILE)
        if estimator == "majority-overall":
            # What the features would be makes no difference to this one, but the file is part of the release.
            Fields.of(PREPROCESSOR_FILE, preprocessor, "stigma.model.util.FeaturePreprocessor")
            return _read_shares(classifier, targets)
        if estimator == "majority-per-anchor":
            return _read_anchor_table(classifier, preprocessor, targets)
        return _read_regression(classifier, preprocessor, targets, estimator, preprocessing)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{folder / TARGETS_FILE}: cannot be read ({type(error).__name__}); is the download complete?"
        ) from error
    except UsageError as error:
        raise type(error)(f"{folder}: {error}") from error


def check_labels(targets: Sequence[str], task: str) -> None:
    """Raise if labels are not those of a task; if they are those of another one, it is named.

    Raises:
        UsageError: If so.
    """
    tasks = load_tasks()
    if sorted(targets) == sorted(tasks[task].labels):
        return
    others = [other for other in tasks if sorted(targets) == sorted(tasks[other].labels)]
    hint = f"; these are the labels of {others[0]}: were folders swapped?" if others else ""
    raise UsageError(f"expected the labels {', '.join(tasks[task].labels)} of {task}, found {_listed(targets)}{hint}")


def _listed(texts: Sequence[str]) -> str:
    return ascii(", ".join(texts))[1:-1][:200] or "none"


def _read_shares(classifier: Any, targets: tuple[str, ...]) -> LabelShares:
    fields = Fields.of(CLASSIFIER_FILE, classifier, "sklearn.dummy.DummyClassifier")
    for setting in ("strategy", "_strategy"):
        fields.take_one_of(setting, ["prior"])
    fields.take_one_of("n_outputs_", [1])
    fields.take_one_of("n_classes_", [len(targets)])
    _check_classes(fields, targets)
    shares = fields.take_array("class_prior_", (len(targets),))
    fields.finish("sparse_output_", "n_features_in_")
    if (shares < 0).any() or abs(shares.sum() - 1) > 1e-9:
        raise UsageError(
            f"{fields.where}: expected shares of the labels that add up to 1, found a sum of {shares.sum()}"
        )
    return LabelShares(targets, shares)


def _read_anchor_table(classifier: Any, preprocessor: Any, targets: tuple[str, ...]) -> AnchorTable:
    anchors, transformers = read_features(preprocessor, "keyword", "binary")
    transformers.finish()
    fields = Fields.of(CLASSIFIER_FILE, classifier, "stigma.model.baseline.ConditionalMajorityClassifier")
    classes = [Fields(fields.where, {"class": value}).take_number("class") for value in take_list(fields, "_classes")]
    if classes != list(range(len(targets))):
        raise UsageError(f"{fields.where}: expected the classes 0 to {len(targets) - 1}, found {len(classes)} others")
    counts = fields.take_array("_counts", (len(anchors), len(targets)), "iu")
    alpha = fields.take_number("alpha")
    smoothed = fields.take_array("coef_", (len(targets), len(anchors)))
    fields.finish()
    if not alpha > 0 or (counts < 0).any():
        raise UsageError(f"{fields.where}: expected counts from 0 on and an alpha above 0, found others")
    expected = (counts + alpha) / (counts + alpha).sum(axis=1, keepdims=True)
    if wrong := [anchors[i] for i in np.flatnonzero(np.abs(smoothed.T - expected).max(axis=1) > 1e-9)]:
        raise UsageError(f"{fields.where}: the probabilities of {_listed(wrong)} do not follow from their counts")
    return AnchorTable(targets, tuple(anchors), counts, alpha, smoothed)


def _read_regression(
    classifier: Any, preprocessor: Any, targets: tuple[str, ...], estimator: str, preprocessing: Preprocessing
) -> Regression:
    keeps_anchor = estimator == "logistic-regression-context-anchor"
    source = "tokens_full" if keeps_anchor else "tokens"
    vocabulary, transformers = read_features(preprocessor, source, "tfidf")
    tfidf = Fields.of(
        PREPROCESSOR_FILE, transformers.take(f"{source}_tfidf"), "sklearn.feature_extraction.text.TfidfTransformer"
    )
    transformers.finish()
    norm = tfidf.take_one_of("norm", ["l1", "l2", None])
    tfidf.take_one_of("use_idf", [True])
    tfidf.take_one_of("sublinear_tf", [False])
    idf = read_idf(tfidf, len(vocabulary))
    tfidf.finish("n_features_in_")
    fields = Fields.of(CLASSIFIER_FILE, classifier, "sklearn.linear_model._logistic.LogisticRegression")
    # Softmax over the labels: what scikit-learn computes with this solver, unless one label was set against the rest.
    fields.take_one_of("solver", ["lbfgs"])
    fields.take_one_of("multi_class", ["multinomial", "auto"])
    fields.take_one_of("n_features_in_", [len(vocabulary)])
    _check_classes(fields, targets)
    coefficients = fields.take_array("coef_", (len(targets), len(vocabulary)))
    intercepts = fields.take_array("intercept_", (len(targets),))
    chosen_c = fields.take_number("C")
    fields.finish(*_REGRESSION_SETTINGS)
    return Regression(
        targets, keeps_anchor, preprocessing.tokenizer, preprocessing.phrases[source], tuple(vocabulary), idf, norm,
        coefficients, intercepts, chosen_c,
    )  # fmt: skip


def _check_classes(fields: Fields, targets: Sequence[str]) -> None:
    """Raise unless the classes are the places of the labels."""
    classes = fields.take_array("classes_", (len(targets),), "iu")
    if classes.tolist() != list(range(len(targets))):
        raise UsageError(f"{fields.where}: expected the classes 0 to {len(targets) - 1}, found others")
