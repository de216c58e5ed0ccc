"""Check decision trees that come from a file: scikit-learn follows their numbers without looking."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


def check_trees(estimator: Any) -> None:
    """Raise if a tree within an estimator leads out of itself, or asks for features that there are not.

    Every other part of an estimator is plain Python or a checked array. A tree is walked by compiled code, which
    would read memory outside it.

    Raises:
        ValueError: If so.
    """
    for holder in _tree_holders(estimator, set()):
        tree = holder.tree_
        nodes = np.arange(tree.node_count)
        children = np.stack([tree.children_left, tree.children_right])
        is_leaf = (children == -1).all(axis=0)
        leads_on = (children > nodes) & (children < tree.node_count)
        has_feature = (tree.feature >= 0) & (tree.feature < tree.n_features)
        is_sound = tree.n_features == holder.n_features_in_ and (is_leaf | (leads_on.all(axis=0) & has_feature)).all()
        if not is_sound or not tree.node_count:
            raise ValueError("expected decision trees whose branches stay within them, found one that leads out")


def _tree_holders(value: Any, seen: set[int]) -> Iterator[Any]:
    """Every object within another that holds a tree."""
    if id(value) in seen or isinstance(value, str | bytes | np.ndarray | np.generic):
        return
    seen.add(id(value))
    if hasattr(value, "tree_"):
        yield value
    if isinstance(value, Mapping):
        parts: list[Any] = list(value.values())
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:
        parts = list(getattr(value, "__dict__", {}).values())
    for part in parts:
        yield from _tree_holders(part, seen)
