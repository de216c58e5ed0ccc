"""What makes two trainings the same: recipe, encoder, seed, tasks and spans. Holds no text of any note."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.encoder.pretrained import name_of_encoder
from stigma_hf.training.recipes import EncoderRecipe


def run_record(
    recipe: EncoderRecipe, spans: Mapping[str, LabelledWindows], seed: int, fold: int | None
) -> dict[str, Any]:
    """A record of a training, to save with the model and to compare before going on.

    Args:
        recipe: How the encoder is fine-tuned.
        spans: The splits.
        seed: Seed of everything random.
        fold: Number of the fold in a cross-validation; None if it is not one.
    """
    settings = asdict(recipe)
    settings["encoder"] = name_of_encoder(recipe.encoder) or recipe.encoder
    return {
        **settings,
        "seed": seed,
        "fold": fold,
        "spans": {split: _digest(rows) for split, rows in spans.items()},
    }


def _digest(rows: LabelledWindows) -> dict[str, Any]:
    digest = hashlib.sha256()
    for window, label in zip(rows.windows, rows.labels, strict=True):
        digest.update(json.dumps([window.task, window.anchor, window.context, window.place, label]).encode())
    return {"number": len(rows.labels), "sha256": digest.hexdigest()}
