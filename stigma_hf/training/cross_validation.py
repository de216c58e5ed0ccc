"""The published cross-validation: a model per fold, each scored on the same test spans."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState

from stigma_hf.baseline.folds import fold_spans
from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.errors import UsageError
from stigma_hf.majority_scores import FOLDS
from stigma_hf.training.recipes import EncoderRecipe
from stigma_hf.training.train_encoder import train_encoder

logger = logging.getLogger(__name__)

SUMMARY = "cross_validation.json"
_OF_FOLD = ("fold", "spans")


def cross_validate(
    recipe: EncoderRecipe,
    spans: Mapping[str, LabelledWindows],
    out: str | Path,
    *,
    folds: int = FOLDS,
    only_fold: int | None = None,
    **settings: Any,
) -> dict[str, Any] | None:
    """Train a model per fold, in `fold-0` and so on, and sum up their scores once all are there.

    Folds may be trained one by one, in any order and on different machines; with `resume`, those that are finished
    are not trained again.

    Args:
        recipe: How the encoder is fine-tuned.
        spans: The splits: `train` and `validation` are dealt out to the folds, `test` stays as it is.
        out: Folder to write to.
        folds: Their number, from 2 on.
        only_fold: The only fold to train, counted from 0; all of them if None.
        **settings: As for `train_encoder`.

    Returns:
        The summary that is also written to `cross_validation.json`; None while folds are missing.

    Raises:
        UsageError: As for `train_encoder`, and if there is no such fold.
    """
    if only_fold is not None and not 0 <= only_fold < folds:
        raise UsageError(f"expected a fold from 0 to {folds - 1}, found {only_fold}")
    root = Path(out)
    for fold, of_fold in enumerate(fold_spans(spans, folds)):
        if only_fold in (None, fold):
            logger.info("fold %d of 0 to %d", fold, folds - 1)
            train_encoder(recipe, of_fold, root / f"fold-{fold}", fold=fold, **settings)
    summary = summarise(root, folds)
    if summary and PartialState().is_main_process:
        (root / SUMMARY).write_text(json.dumps(summary, indent=1), encoding="utf-8")
    return summary


def summarise(root: Path, folds: int) -> dict[str, Any] | None:
    """Mean and standard deviation of macro F1 over the folds, per task and split; None while folds are missing.

    Raises:
        UsageError: If the folds were not trained in the same way.
    """
    configs = [root / f"fold-{fold}" / "config.json" for fold in range(folds)]
    if not all(config.is_file() for config in configs):
        return None
    trainings = [json.loads(config.read_text(encoding="utf-8"))["training"] for config in configs]
    same = [{name: value for name, value in t["run"].items() if name not in _OF_FOLD} for t in trainings]
    if different := [fold for fold, run in enumerate(same) if run != same[0]]:
        raise UsageError(f"{root}: fold {different[0]} was trained in another way than fold 0; train it again")
    scores: dict[str, dict[str, Any]] = {}
    for task, about in trainings[0]["tasks"].items():
        for split in about["scores"]:
            of_folds = [training["tasks"][task]["scores"][split]["macro_f1"] for training in trainings]
            mean, sd = float(np.mean(of_folds)), float(np.std(of_folds))
            scores.setdefault(task, {})[split] = {"mean": mean, "sd": sd, "folds": of_folds}
    return {"recipe": trainings[0]["recipe"], "seed": trainings[0]["seed"], "folds": folds, "macro_f1": scores}
