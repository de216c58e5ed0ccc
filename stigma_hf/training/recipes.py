"""Recipes: how an encoder is fine-tuned, in YAML files that people can read, copy and change."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.recipe_files import read_recipe
from stigma_hf.tasks import RESOURCES, check_tasks, load_tasks

_FOLDER = RESOURCES / "recipes" / "encoders"
_POOLINGS = ("", "-cls", "-mean", "-pooler")

PUBLISHED = tuple(f"{encoder}{pooling}" for encoder in ("base-bert", "clinical-bert") for pooling in _POOLINGS)
"""Recipes of the BERT rows in Table 1 of Harrigian et al. 2023; anchor pooling has no suffix."""


@dataclass(frozen=True)
class EncoderRecipe:
    """How an encoder is fine-tuned.

    Attributes:
        name: Name of the file.
        title: What people are told the model is.
        encoder: A pretrained encoder, as a folder, a hub id or a packaged name; or the configuration of an encoder
            that starts from fresh weights, with `model_type` and the sizes.
        pooling: What stands for a window, as in `AnchorPooledConfig`.
        occurrences: Which occurrences of the anchor are pooled, as in `AnchorPooledConfig`.
        shared_encoder: Whether one encoder serves all tasks; if not, each task trains an encoder of its own.
        dropout: Dropout before the heads, from 0 to 1.
        tasks: Tasks to train; all three if empty.
        batch_size: Windows per update, those of all processes together.
        accumulation: Parts in which a process works through its share of an update, to save memory.
        group_by_length: Whether windows of like length are trained on together, which saves the padding.
        layer_decay: Learning rate of a layer as a share of that of the layer above it, above 0; 1 for equal rates.
        bf16_on_gpu: Whether a GPU that has bfloat16 uses it.
        improvement: Share of the best macro F1 so far by which a checkpoint must surpass it to replace it, from 0.
        patience: Evaluations without a better checkpoint after which training ends.
        training: Further fields of `transformers.TrainingArguments`; `eval_steps` is how often validation is scored.
    """

    name: str
    title: str
    encoder: str | dict[str, Any]
    pooling: str = "anchor"
    occurrences: str = "matched"
    shared_encoder: bool = True
    dropout: float = 0.1
    tasks: list[str] = field(default_factory=list)
    batch_size: int = 16
    accumulation: int = 1
    group_by_length: bool = True
    layer_decay: float = 1.0
    bf16_on_gpu: bool = True
    improvement: float = 0.0
    patience: int = 5
    training: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in (("title", str), ("encoder", (str, dict)), ("training", dict)):
            if not isinstance(getattr(self, name), kind):
                raise self._unexpected(name, "text" if kind is str else "a mapping")
        for name, least in (("batch_size", 1), ("accumulation", 1), ("patience", 1), ("improvement", 0)):
            value = getattr(self, name)
            if not isinstance(value, int if least else int | float) or value < least:
                raise self._unexpected(name, f"a number from {least} on")
        if not isinstance(self.layer_decay, int | float) or not 0 < self.layer_decay <= 1:
            raise self._unexpected("layer_decay", "a number above 0 and at most 1")
        try:
            check_tasks(self.tasks or None, list(load_tasks()))
        except ValueError as error:
            raise UsageError(f"recipe {self.name}: {error}") from error

    def _unexpected(self, name: str, expected: str) -> UsageError:
        return UsageError(f"recipe {self.name}: expected {expected} under {name}, found {getattr(self, name)!r}")


def encoder_recipe_names() -> list[str]:
    """The recipes that come with the package, those of the published rows first."""
    others = sorted(entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))
    return [*PUBLISHED, *(name for name in others if name not in PUBLISHED)]


def load_encoder_recipe(name: str | Path) -> EncoderRecipe:
    """A recipe that comes with the package, by name, or one of your own, by the path of its YAML file.

    A recipe may say which other it is `based_on` and give only what differs; fields of `training` count one by one.

    Raises:
        UsageError: If there is no such recipe, or it is not one.
    """
    entries = _entries(str(name), ())
    known = [entry.name for entry in fields(EncoderRecipe) if entry.name != "name"]
    unknown = [str(key) for key in entries if key not in known]
    missing = [key for key in ("title", "encoder") if key not in entries]
    if unknown or missing:
        found = f"found {', '.join(unknown)}" if unknown else f"found no {' and no '.join(missing)}"
        raise UsageError(f"recipe {name}: expected title, encoder and any of {', '.join(known[2:])}; {found}")
    return EncoderRecipe(Path(name).stem, **entries)


def _entries(name: str, based_by: tuple[str, ...]) -> dict[str, Any]:
    """The entries of a recipe file, with those of the recipe it is based on."""
    if name in based_by:
        raise UsageError(f"recipe {name} is based on itself, by way of {', '.join(based_by)}")
    entries = read_recipe(name, _FOLDER, encoder_recipe_names())
    base = entries.pop("based_on", None)
    if base is None:
        return entries
    # A file beside the recipe comes before one of the package.
    beside = Path(name).parent / str(base)
    inherited = _entries(str(beside) if beside.is_file() else str(base), (*based_by, name))
    training = {**inherited.get("training", {}), **(entries.get("training") or {})}
    return {**inherited, **entries, "training": training}
