"""What a card needs to know of a model: read from its configuration, and for a released model from the release."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stigma_hf.catalog import MODEL_TYPES
from stigma_hf.conversion.layout import BASELINE_LAYOUTS, ENCODERS
from stigma_hf.errors import UsageError
from stigma_hf.publishing.provenance import Origin, origin_of, provenance_of
from stigma_hf.released_models import RELEASED_MODELS, ReleasedModel
from stigma_hf.tasks import load_tasks

_HUB_IDS = {
    "all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2",
    "bert-base-uncased": "google-bert/bert-base-uncased",
}
"""Encoders that a configuration names without their owner."""

_RECIPES = {
    "mimic-iv-discharge_base-bert": "base-bert",
    "mimic-iv-discharge_clinical-bert": "clinical-bert",
}


@dataclass(frozen=True)
class ModelFacts:
    """What a card says of a model but its figures.

    Attributes:
        title: What it is called.
        kind: Kind of baseline, or `encoder`.
        origin: What it was made from.
        provenance: The record that says so.
        labels: Label order per task.
        window_words: Words on either side of an anchor.
        base_model: Id of the pretrained encoder on the hub; None if it has none that others could find.
        pooling: What stands for a window in an encoder; None for a baseline.
        temperature: Temperature per task that probabilities are scaled by, where one was fitted.
        training: The record of its training; empty if there is none.
        released: The model of the 2023 release that it was converted from, if it is one.
        converted_from: Name of what it was converted from; None if it was trained by this package.
        recipe: Recipe of the package that repeats how a released model was trained.
    """

    title: str
    kind: str
    origin: Origin
    provenance: Mapping[str, Any]
    labels: Mapping[str, Sequence[str]]
    window_words: int
    base_model: str | None
    pooling: str | None
    temperature: Mapping[str, float]
    training: Mapping[str, Any]
    released: ReleasedModel | None = None
    converted_from: str | None = None
    recipe: str | None = None


def facts_of_folder(folder: Path) -> ModelFacts:
    """The facts of a model in a folder.

    Raises:
        UsageError: If it holds no model of this package.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: expected a model folder, found no readable config.json") from error
    if not isinstance(config, dict) or config.get("model_type") not in MODEL_TYPES:
        raise UsageError(f"{folder}: expected a model of this package ({', '.join(MODEL_TYPES)}), found another")
    # The folder may hold more records than its configuration, and they have to agree.
    return replace(facts_of_config(config), origin=provenance_of(folder).origin)


def facts_of_config(config: Mapping[str, Any]) -> ModelFacts:
    """The facts of a model, from its configuration as `config.json` holds it."""
    training = config.get("training") or {}
    name = training.get("converted_from")
    facts = ModelFacts(
        title=str(config.get("title") or "Model without a title"),
        kind=str(config.get("estimator", "encoder")),
        origin=origin_of(config.get("provenance")),
        provenance=config.get("provenance") or {},
        labels=config["labels"],
        window_words=int(config["window_words"]),
        base_model=_hub_id(config.get("base_model")),
        pooling=config.get("pooling"),
        temperature=config.get("temperature") or {},
        # What a conversion records is how it converted, not how the model was trained.
        training={} if name else training,
        converted_from=name,
    )
    released = next((model for model in RELEASED_MODELS if model.name == name), None)
    return facts if released is None else _as_released(facts, released)


def facts_of_released(name: str) -> ModelFacts:
    """The facts of a released model, the same as those of the folder that it is converted to.

    Args:
        name: Its released name.

    Raises:
        UsageError: If there is no such model.
    """
    from stigma_hf.conversion.convert import PROVENANCE

    released = next((model for model in RELEASED_MODELS if model.name == name), None)
    if released is None:
        names = ", ".join(model.name for model in RELEASED_MODELS)
        raise UsageError(f"expected a released model among {names}, found {name!r}")
    layout = next((layout for layout in BASELINE_LAYOUTS if layout.title == released.title), None)
    facts = ModelFacts(
        title="",
        kind="encoder" if layout is None else layout.estimator,
        origin=origin_of(PROVENANCE),
        provenance=PROVENANCE,
        labels={task.id: task.labels for task in load_tasks().values()},
        window_words=10,
        base_model=None,
        pooling="anchor" if layout is None else None,
        temperature={},
        training={},
        converted_from=name,
    )
    return _as_released(facts, released)


def _as_released(facts: ModelFacts, released: ReleasedModel) -> ModelFacts:
    """What the release says of a model, in place of what a conversion could call it."""
    return replace(
        facts,
        title=f"{released.title}, converted from the 2023 release",
        base_model=_hub_id(ENCODERS[released.name][1]) if released.name in ENCODERS else None,
        released=released,
        recipe=_RECIPES.get(released.name, facts.kind),
    )


def _hub_id(name: object) -> str | None:
    """The id of an encoder on the hub; None for a local name, which means nothing to others."""
    known = _HUB_IDS.get(str(name), name)
    return (
        known if isinstance(known, str) and known.count("/") == 1 and not known.startswith(("/", ".", "~")) else None
    )
