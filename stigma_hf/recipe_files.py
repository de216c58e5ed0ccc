"""Read recipes: YAML files that come with the package, by name, or a person's own, by path."""

from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from stigma_hf.errors import UsageError


def read_recipe(name: str, folder: Traversable, names: Sequence[str]) -> dict[str, Any]:
    """The entries of a recipe.

    Args:
        name: One of the names, or the path of a YAML file.
        folder: Where the recipes of the package lie.
        names: What they are called.

    Raises:
        UsageError: If there is no such recipe, or the file holds no mapping.
    """
    if name in names:
        text = (folder / f"{name}.yaml").read_text(encoding="utf-8")
    elif (path := Path(name)).is_file():
        text = path.read_text(encoding="utf-8")
    else:
        raise UsageError(f"expected a recipe file or one of {', '.join(names)}, found {name!r}")
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"recipe {name}: expected YAML: {error}") from error
    if not isinstance(entries, Mapping):
        raise UsageError(f"recipe {name}: expected a mapping, found {type(entries).__name__}")
    return dict(entries)
