"""Refuse weights that are not those of the model: transformers would fill in random ones and go on."""

from collections.abc import Collection


def check_keys(source: str, missing: Collection[str], surplus: Collection[str], unequal: Collection[str] = ()) -> None:
    """Refuse weights that differ from those of a model in name or shape.

    Args:
        source: Where the weights are from.
        missing: Weights of the model that are not there.
        surplus: Weights that the model does not have.
        unequal: Weights of another shape, with both shapes.

    Raises:
        ValueError: If there is any; the message names them.
    """
    differences = {"no": missing, "unknown": surplus, "in another shape": unequal}
    found = "; ".join(f"{what} {some(keys)}" for what, keys in differences.items() if keys)
    if found:
        raise ValueError(f"{source}: expected the weights of the model its configuration describes, found {found}")


def some(names: Collection[str]) -> str:
    """The first of some names, and how many more there are.

    Example:
        >>> some(["b", "a"])
        'a, b'
        >>> some([f"layer.{i}" for i in range(9)])
        'layer.0, layer.1, layer.2, layer.3, layer.4 and 4 more'
    """
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(sorted(names)[:5]) + more
