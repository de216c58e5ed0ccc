"""Any recipe, of a baseline or of an encoder, by its name or file."""

import re
from pathlib import Path

from stigma_hf.baseline.recipes import load_recipe, recipe_names
from stigma_hf.errors import UsageError
from stigma_hf.reproduction.training import AnyRecipe
from stigma_hf.training.recipes import encoder_recipe_names, load_encoder_recipe

_OF_BASELINE = re.compile(r"^estimator\s*:", re.MULTILINE)


def load_any_recipe(name: str) -> AnyRecipe:
    """A recipe of the package, by name, or one of your own, by the path of its YAML file.

    Raises:
        UsageError: If there is no such recipe, or it is not one.
    """
    if name in recipe_names():
        return load_recipe(name)
    if name in encoder_recipe_names():
        return load_encoder_recipe(name)
    path = Path(name)
    if not path.is_file():
        known = ", ".join([*recipe_names(), *encoder_recipe_names()])
        raise UsageError(f"expected a recipe file or one of {known}, found {name!r}")
    is_of_baseline = _OF_BASELINE.search(path.read_text(encoding="utf-8", errors="replace"))
    return load_recipe(path) if is_of_baseline else load_encoder_recipe(path)
