"""The layout of the released folders, as a table, and which of it there is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks

Kind = Literal["baseline", "encoder"]

_FOLD_FOLDER = re.compile(rf"({'|'.join(load_tasks())})_fold-(\d+)")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".xz")


@dataclass(frozen=True)
class ReleasedLayout:
    """Where the classifiers of one released model are, and what they are.

    Attributes:
        suffix: What ends the name of the model.
        title: Its published name.
        estimator: Its kind, as in `BaselineConfig`.
        archive_suffix: What ends the name of the folder it comes in.
        inside: Where it is in that folder.
    """

    suffix: str
    title: str
    estimator: str
    archive_suffix: str
    inside: tuple[str, str]


BASELINE_LAYOUTS = (
    ReleasedLayout(
        "majority_overall", "Majority Overall", "majority-overall", "baseline-majority", ("keyword", "majority")
    ),
    ReleasedLayout(
        "majority_keyword", "Majority Per Anchor", "majority-per-anchor", "baseline-statistical", ("keyword", "linear")
    ),
    ReleasedLayout(
        "logistic-regression_context",
        "Logistic Regression (Context)",
        "logistic-regression-context",
        "baseline-statistical",
        ("tokens_tfidf", "linear"),
    ),
    ReleasedLayout(
        "logistic-regression_keyword-context",
        "Logistic Regression (Context + Anchor)",
        "logistic-regression-context-anchor",
        "baseline-statistical",
        ("keyword_tokens_tfidf", "linear"),
    ),
)
"""The released baselines. Majority overall comes with the label counts alone, the others with counts per feature."""

ENCODERS = {
    "mimic-iv-discharge_base-bert": ("Base BERT", "bert-base-uncased"),
    "mimic-iv-discharge_clinical-bert": ("Clinical BERT", "emilyalsentzer/Bio_ClinicalBERT"),
}
"""Published name of the released encoder models, and the encoder on the hub that each was trained from."""

_ENCODER_MARKS = ("best_model.json", "targets.json", "summary.json", "checkpoint-*")
_BASELINE_MARKS = ("classifier.joblib", "preprocessor.joblib", "targets.txt")


@dataclass(frozen=True)
class FoundModel:
    """One released model, with what there is of its tasks.

    Attributes:
        name: Its released name, and that of the folder it is converted to.
        title: Its published name.
        kind: `baseline` or `encoder`.
        estimator: The kind of baseline, as in `BaselineConfig`; empty for encoders.
        root: The folder it came in.
        folders: Task to its folder, as `adamant_fold-0`.
        fold: The fold they are of.
    """

    name: str
    title: str
    kind: Kind
    estimator: str
    root: Path
    folders: Mapping[str, Path]
    fold: int


def find_released(source: str | Path, fold: int | None = None) -> list[FoundModel]:
    """The released models in a folder: the whole release, one of its folders, or a folder within one.

    Args:
        source: The folder.
        fold: Which fold to take where a model has several.

    Raises:
        UsageError: If it is no folder, holds no released model, a model has several folds and none is chosen, or not
            the chosen one.
    """
    folder = Path(source).expanduser()
    if not folder.is_dir():
        archive = folder.suffix in _ARCHIVES and folder.is_file()
        hint = "unpack the archive first" if archive else "give the folder the release was downloaded to"
        raise UsageError(
            f"{source}: expected a folder with released models, found {'a file' if archive else 'none'}; {hint}"
        )
    per_model: dict[tuple[str, Path], dict[int, dict[str, Path]]] = {}
    known: dict[tuple[str, Path], FoundModel] = {}
    for path, task, number in _fold_folders(folder):
        model = _model_of(path)
        if model is not None:
            key = model.name, model.root
            known[key] = model
            per_model.setdefault(key, {}).setdefault(number, {})[task] = path
    if not known:
        archives = sorted(item.name for item in folder.iterdir() if item.suffix in _ARCHIVES)
        hint = f"; unpack {', '.join(archives[:4])} first" if archives else ""
        raise UsageError(
            f"{source}: expected released models, folders such as mimic-iv-discharge_clinical-bert/adamant_fold-0, "
            f"found none{hint}"
        )
    return [_with_fold(known[key], per_model[key], fold) for key in sorted(known)]


def _fold_folders(folder: Path) -> Iterator[tuple[Path, str, int]]:
    """Every folder named after a task and a fold, the given one included."""
    resolved = folder.resolve()
    for path in (resolved, *sorted(resolved.rglob("*_fold-*"))):
        named = _FOLD_FOLDER.fullmatch(path.name)
        if named and path.is_dir():
            yield path, named[1], int(named[2])


def _model_of(path: Path) -> FoundModel | None:
    """The model that a folder of a task belongs to; None if nothing of a released model is in it."""
    if any(next(path.glob(mark), None) for mark in _ENCODER_MARKS):
        root = path.parent
        title = ENCODERS[root.name][0] if root.name in ENCODERS else f"Encoder of {root.name}"
        return FoundModel(root.name, title, "encoder", "", root, {}, 0)
    inside = path.parent.parent.name, path.parent.name
    layout = next((known for known in BASELINE_LAYOUTS if known.inside == inside), None)
    if layout is None or not any((path / mark).exists() for mark in _BASELINE_MARKS):
        return None
    root = path.parents[2]
    name = f"{root.name.removesuffix(f'_{layout.archive_suffix}')}_{layout.suffix}"
    return FoundModel(name, layout.title, "baseline", layout.estimator, root, {}, 0)


def _with_fold(model: FoundModel, folds: Mapping[int, Mapping[str, Path]], fold: int | None) -> FoundModel:
    """The model with the folders of one fold, tasks in their order."""
    numbers = ", ".join(map(str, sorted(folds)))
    if fold is None and len(folds) > 1:
        raise UsageError(f"{model.root}: expected one fold, found {numbers}; choose one with --fold")
    chosen = next(iter(folds)) if fold is None else fold
    if chosen not in folds:
        raise UsageError(f"{model.root}: expected fold {chosen}, found {numbers}")
    folders = {task: folds[chosen][task] for task in load_tasks() if task in folds[chosen]}
    return replace(model, folders=folders, fold=chosen)
