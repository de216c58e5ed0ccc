"""Baselines in files: label counts as JSON that people can read, estimators with skops. Nothing is ever unpickled."""

import json
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stigma_hf.baseline.trees import check_trees

COUNTS_FILE = "counts.json"
ESTIMATORS_FILE = "model.skops"

TRUSTED_TYPES = [
    "sklearn.tree._tree.Tree",
    "stigma_hf.baseline.phrases.PhraseLearner",
    "stigma_hf.baseline.tokenization.ClinicalTokenizer",
    "stigma_hf.baseline.vocabulary.VocabularyCounter",
    "stigma_hf.baseline.window_text.NegatedAnchor",
    "stigma_hf.baseline.window_text.WindowText",
]
"""Types that are read besides those that skops trusts by itself: our own steps, and trees, which are checked."""


def save_counts(counts: Mapping[str, Any], path: Path) -> None:
    """Write the label counts of each task so that they read like a table, an anchor a line."""
    tasks = []
    for task, of_task in counts.items():
        if isinstance(of_task, Mapping):
            rows = (f"    {json.dumps(anchor)}: {json.dumps(row)}" for anchor, row in of_task.items())
            tasks.append(f"  {json.dumps(task)}: {{\n" + ",\n".join(rows) + "\n  }")
        else:
            tasks.append(f"  {json.dumps(task)}: {json.dumps(of_task)}")
    path.write_text("{\n" + ",\n".join(tasks) + "\n}\n", encoding="utf-8")


def load_counts(path: str | Path) -> Any:
    """What a file of counts holds.

    Raises:
        ValueError: If it is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{COUNTS_FILE}: expected JSON with counts per task and anchor: {error}") from error


def save_estimators(estimators: Mapping[str, Any], path: Path) -> None:
    """Write the estimator of each task into one compressed file.

    Raises:
        ValueError: If an estimator holds something that would not be read again; its type is in the message.
    """
    import skops.io

    skops.io.dump(dict(estimators), path, compression=zipfile.ZIP_DEFLATED, compresslevel=6)
    if unknown := sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES)):
        path.unlink()
        raise ValueError(f"expected estimators of scikit-learn and our own steps, found {', '.join(unknown)}")


def load_estimators(path: str | Path, trained_with: str | None) -> dict[str, Any]:
    """The estimator of each task.

    Args:
        path: A file of `save_estimators`.
        trained_with: Version of scikit-learn that trained them. Another one installed is warned about.

    Raises:
        ValueError: If the file holds types that are not trusted, which are named, or cannot be read.
    """
    import sklearn
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning
    from skops.io.exceptions import UntrustedTypesFoundException

    if trained_with is not None and trained_with != sklearn.__version__:
        warnings.warn(
            f"this baseline was trained with scikit-learn {trained_with}, installed is {sklearn.__version__}: "
            "its probabilities may differ; train it again, or install the version it was trained with",
            stacklevel=2,
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            estimators = skops.io.load(path, trusted=TRUSTED_TYPES)
        check_trees(estimators)
    except UntrustedTypesFoundException:
        unknown: Sequence[str] = sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES))
        raise ValueError(
            f"{ESTIMATORS_FILE}: expected types of scikit-learn and of this package, found {', '.join(unknown)}, "
            "which are refused: the file was not written by this package or was tampered with"
        ) from None
    except Exception as error:
        # A damaged or forged file fails in as many ways as there are types in it.
        raise ValueError(
            f"{ESTIMATORS_FILE}: cannot be read ({type(error).__name__}): it is damaged or was not written by this "
            "package; train or download the model again"
        ) from error
    if not isinstance(estimators, dict):
        raise ValueError(f"{ESTIMATORS_FILE}: expected an estimator per task, found {type(estimators).__name__}")
    return estimators
