"""The rows of Table 1 of Harrigian et al. 2023, and how each is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from stigma_hf.baseline.recipes import PUBLISHED as BASELINES
from stigma_hf.baseline.recipes import load_recipe
from stigma_hf.errors import UsageError
from stigma_hf.reproduction.training import AnyRecipe
from stigma_hf.training.recipes import PUBLISHED as ENCODERS
from stigma_hf.training.recipes import load_encoder_recipe

Size = Literal["full", "tiny"]

GROUPS = ("baselines", "encoders")

_BASELINE_TITLES = ("Majority Overall", "Majority Per Anchor", "LR (Context)", "LR (Context + Anchor)")
_ENCODER_TITLES = {"base": "Web", "clinical": "Clinical"}
_POOLING_TITLES = {
    "anchor": "",
    "cls": " - CLS Token",
    "mean": " - Sentence Mean",
    "pooler": " - BERT Pooler",
}
_TINY_SEEDS = {"base": 42, "clinical": 43}
"""Two seeds, so that the tiny encoder's fresh weights differ where the published table has two encoders."""


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        name: Name of its published recipe, which is the name of its folder, too.
        title: What the table calls it.
        published: Its name in `published/table1_macro_f1.csv`; the table has no figure for some poolings.
        recipe: How its model is trained.
        encoder: `base` or `clinical`; None for a baseline.
        pooling: Pooling of the encoder; None for a baseline.
    """

    name: str
    title: str
    published: str
    recipe: AnyRecipe
    encoder: str | None = None
    pooling: str | None = None


def table1_rows(size: Size = "full", encoders: Mapping[str, str] | None = None, only: Sequence[str] = ()) -> list[Row]:
    """The rows: four baselines, and two encoders with four poolings each.

    Args:
        size: `full` for the published recipes, `tiny` for the tiny encoder in place of both of theirs.
        encoders: `base` or `clinical` to the folder or hub id to train from, instead of the recipe's hub id.
        only: Rows to keep, by name, or `baselines` or `encoders`; all if empty.

    Raises:
        UsageError: If a name is unknown, or encoders are given where the tiny one is used.
    """
    encoders = dict(encoders or {})
    if size not in get_args(Size):
        raise UsageError(f"expected a size among {', '.join(get_args(Size))}, found {size!r}")
    if unknown := sorted(set(encoders) - set(_ENCODER_TITLES)):
        raise UsageError(f"expected encoders named {' or '.join(_ENCODER_TITLES)}, found {', '.join(unknown)}")
    if encoders and size == "tiny":
        raise UsageError("expected no encoders with the size tiny, which has one of its own; leave one of them out")
    rows = [
        Row(name, title, title, load_recipe(name)) for name, title in zip(BASELINES, _BASELINE_TITLES, strict=True)
    ]
    rows += [_encoder_row(name, size, encoders) for name in ENCODERS]
    known = [*GROUPS, *(row.name for row in rows)]
    if unknown := [name for name in only if name not in known]:
        raise UsageError(f"expected rows among {', '.join(known)}, found {', '.join(unknown)}")
    return [row for row in rows if not only or row.name in only or GROUPS[bool(row.encoder)] in only]


def parse_encoders(given: Sequence[str]) -> dict[str, str]:
    """From `base=FOLDER` and the like.

    Raises:
        UsageError: If one is not of this form, or is given twice.
    """
    encoders: dict[str, str] = {}
    for entry in given:
        name, equals, encoder = entry.partition("=")
        if not equals or not encoder or name in encoders:
            raise UsageError(
                f"expected --encoder base=FOLDER_OR_ID and --encoder clinical=FOLDER_OR_ID, once each, found {entry!r}"
            )
        encoders[name] = encoder
    return encoders


def _encoder_row(name: str, size: Size, encoders: Mapping[str, str]) -> Row:
    recipe = load_encoder_recipe(name)
    encoder = name.split("-")[0]
    title = f"Bert ({_ENCODER_TITLES[encoder]}){_POOLING_TITLES[recipe.pooling]}"
    if size == "full":
        recipe = replace(recipe, encoder=encoders.get(encoder, recipe.encoder))
        return Row(name, title, title, recipe, encoder, recipe.pooling)
    tiny = load_encoder_recipe("tiny")
    seeded = {**tiny.training, "seed": _TINY_SEEDS[encoder]}
    tiny = replace(tiny, pooling=recipe.pooling, training=seeded)
    return Row(name, title.replace("Bert", "Tiny"), title, tiny, encoder, recipe.pooling)
