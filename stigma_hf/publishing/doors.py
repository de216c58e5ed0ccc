"""Close every other way by which transformers and datasets would bring our models and data to a hub.

Our own classes close theirs (`GuardedPush`). Here the same is done where an object of these libraries holds something
of ours: a stock `Trainer` that trains our model, the tokenizer in a model's folder, rows that `load_spans` gave and
that have been mapped and split since. Nothing is imported for it: a door is closed when its library is.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import wrapt

from stigma_hf.publishing.guard import CLOSED, GuardedPush, NotPublishable

_MARKS = ("Stigmatizing language in the discharge notes of MIMIC-IV", "SYNTHETIC: invented patients and notes")
"""Beginnings of what our data sets say of themselves, which outlive most of what is done with rows."""
_COLUMNS = ({"anchor", "context"}, {"clean_start", "clean_end"})
"""Columns by which rows are known to be ours, whatever they say of themselves."""

_DOORS: dict[str, tuple[tuple[str, str], ...]] = {
    "transformers.trainer": (
        ("Trainer.init_hf_repo", "model"),
        ("Trainer.push_to_hub", "model"),
        ("Trainer._push_from_checkpoint", "model"),
    ),
    "transformers.pipelines.base": (("Pipeline.push_to_hub", "model"),),
    "transformers.configuration_utils": (("PreTrainedConfig.push_to_hub", "config"),),
    "transformers.tokenization_utils_base": (("PreTrainedTokenizerBase.push_to_hub", "tokenizer"),),
    "transformers.utils.hub": (("PushToHubMixin._upload_modified_files", "folder"),),
    "datasets": (
        ("Dataset.push_to_hub", "rows"),
        ("DatasetDict.push_to_hub", "rows"),
        ("IterableDataset.push_to_hub", "rows"),
        ("IterableDatasetDict.push_to_hub", "rows"),
    ),
}
"""Per module, the methods that upload, and where in their object or arguments something of ours can be."""


@cache
def close_doors() -> None:
    """Have every door closed as soon as its library is imported; doing it again changes nothing."""
    for module in _DOORS:
        wrapt.register_post_import_hook(_close, module)


def _close(module: Any) -> None:
    for method, holds in _DOORS[module.__name__]:
        wrapt.wrap_function_wrapper(module, method, _guarded(_IS_OURS[holds]))


def _guarded(is_ours: Callable[[Any, tuple[Any, ...], dict[str, Any]], bool]) -> Callable[..., Any]:
    """An upload method that refuses what is ours."""

    def upload(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if is_ours(instance, args, kwargs):
            raise NotPublishable(CLOSED)
        return wrapped(*args, **kwargs)

    return upload


def _has_our_model(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    model = getattr(instance, "model", None)
    if model is None or isinstance(model, GuardedPush):
        return model is not None
    return any(isinstance(module, GuardedPush) for module in model.modules())


def _is_our_config(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    from stigma_hf.catalog import MODEL_TYPES

    return getattr(instance, "model_type", None) in MODEL_TYPES


def _is_of_our_model(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a tokenizer was loaded from a folder or repository of one of our models."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    name = str(getattr(instance, "name_or_path", "") or "")
    if Path(name).is_dir():
        return _is_our_folder(Path(name))
    try:
        config = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return False
    return isinstance(config, str) and _is_our_folder(Path(config).parent)


def _uploads_our_folder(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return isinstance(instance, GuardedPush) or _is_our_folder(Path(kwargs.get("working_dir") or args[0]))


def _is_our_folder(folder: Path) -> bool:
    from stigma_hf.catalog import MODEL_TYPES

    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") in MODEL_TYPES


def _is_our_data(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    parts = instance.values() if isinstance(instance, Mapping) else [instance]
    return any(_are_our_rows(part) for part in parts)


def _are_our_rows(rows: Any) -> bool:
    description = str(getattr(rows.info, "description", "") or "")
    columns = set(rows.column_names or ())
    return description.startswith(_MARKS) or any(ours <= columns for ours in _COLUMNS)


_IS_OURS: dict[str, Callable[[Any, tuple[Any, ...], dict[str, Any]], bool]] = {
    "model": _has_our_model,
    "config": _is_our_config,
    "tokenizer": _is_of_our_model,
    "folder": _uploads_our_folder,
    "rows": _is_our_data,
}
