"""Put models of different tasks into one, each with its own encoder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.modeling import SHARED, AnchorPooledClassifier
from stigma_hf.encoder.opening import open_classifier
from stigma_hf.encoder.strict_loading import some
from stigma_hf.errors import UsageError

_MUST_AGREE = ("pooling", "occurrences", "max_length_tokens", "window", "window_words", "dropout")
"""Settings that a model has once for all its tasks."""

_MAY_DIFFER = ("dtype", "transformers_version", "architectures", "_name_or_path")
"""Entries of an encoder's configuration that say nothing about its weights."""


def merge_checkpoints(models: Sequence[str | Path], out: str | Path) -> AnchorPooledClassifier:
    """Merge the models of some folders, and write the one that comes of it, with their tokenizer.

    Args:
        models: Folders or hub ids of models with different tasks.
        out: Folder to write to.

    Returns:
        The merged model.

    Raises:
        UsageError: If a model cannot be loaded, or they do not fit together; what differs is named.
    """
    loaded: dict[str, AnchorPooledClassifier] = {}
    tokenizers = {}
    for name in map(str, models):
        if name in loaded:
            raise UsageError(f"{name}: named twice")
        loaded[name], tokenizers[name] = open_classifier(name)
    merged = merge_models(loaded)
    (first, *others) = tokenizers
    for name in others:
        if _essence(tokenizers[name]) != _essence(tokenizers[first]):
            raise UsageError(f"expected models with the same tokenizer, found different ones in {first} and {name}")
    merged.save_pretrained(out)
    tokenizers[first].save_pretrained(out)
    return merged


def merge_models(models: Mapping[str, AnchorPooledClassifier]) -> AnchorPooledClassifier:
    """One model with an encoder per task that answers as each of the given ones does for its tasks.

    Where the models come from different sources, the merged one names them all in its `provenance` and, as always,
    what is known about each task's part in `training`; where the source of one is unknown, that of all is.

    Args:
        models: Models by name, with different tasks; names are for messages only.

    Raises:
        UsageError: If they do not fit together; what differs is named.
    """
    if len(models) < 2:
        raise UsageError(f"expected two or more models to merge, found {len(models)}")
    _check_alike(models)
    _check_disjoint(models)
    precision = next(iter(models.values())).dtype
    merged = AnchorPooledClassifier(_merged_config([model.config for model in models.values()])).to(precision)
    for model in models.values():
        for task in model.tasks:
            source = model.encoders[SHARED if model.config.shared_encoder else task]
            merged.encoders[task].load_state_dict(source.state_dict())
            merged.heads[task].load_state_dict(model.heads[task].state_dict())
    return merged.eval()


def _essence(tokenizer: Any) -> tuple[str, int]:
    """What makes two tokenizers answer alike."""
    return tokenizer.backend_tokenizer.to_str(), tokenizer.model_max_length


def _check_alike(models: Mapping[str, AnchorPooledClassifier]) -> None:
    """Refuse models that differ in what a model has only once."""
    first = next(iter(models))
    own = _settings(models[first])
    for name, model in models.items():
        other = _settings(model)
        differing = [key for key in sorted({*own, *other}) if own.get(key) != other.get(key)]
        if differing:
            raise UsageError(
                f"expected models that differ in task only, found {first} and {name} with other values of "
                f"{some(differing)}"
            )


def _settings(model: AnchorPooledClassifier) -> dict[str, Any]:
    """Settings, and those of the encoder under `encoder.`, that models must share to be merged."""
    encoder = {f"encoder.{k}": v for k, v in model.config.encoder_config.to_dict().items() if k not in _MAY_DIFFER}
    return {"dtype": model.dtype, **{name: getattr(model.config, name) for name in _MUST_AGREE}, **encoder}


def _check_disjoint(models: Mapping[str, AnchorPooledClassifier]) -> None:
    owner: dict[str, str] = {}
    for name, model in models.items():
        for task in model.tasks:
            if task in owner:
                raise UsageError(f"expected models of different tasks, found {task!r} in {owner[task]} and {name}")
            owner[task] = name


def _merged_config(configs: Sequence[AnchorPooledConfig]) -> AnchorPooledConfig:
    labels: dict[str, list[str]] = {}
    class_weights: dict[str, list[float]] = {}
    temperature: dict[str, float] = {}
    for config in configs:
        labels |= config.labels
        class_weights |= config.class_weights or {}
        temperature |= config.temperature
    return AnchorPooledConfig(
        encoder_config=configs[0].encoder_config,
        labels=labels,
        base_model=_in_common([config.base_model for config in configs]),
        shared_encoder=False,
        class_weights=class_weights or None,
        temperature=temperature,
        title=_in_common([config.title for config in configs]) or AnchorPooledConfig.title,
        provenance=_provenance(configs),
        training=_training(configs),
        **{name: getattr(configs[0], name) for name in _MUST_AGREE},
    )


def _in_common(values: Sequence[str | None]) -> str | None:
    """What all are called, None where they are not called the same."""
    return values[0] if len(set(values)) == 1 else None


def _provenance(configs: Sequence[AnchorPooledConfig]) -> dict[str, Any] | None:
    """Where the weights come from: the same for all, or every source by name; None, unknown, if one is."""
    known = [config.provenance for config in configs if config.provenance and config.provenance.get("source")]
    if len(known) < len(configs):
        return None
    if all(provenance == known[0] for provenance in known):
        return known[0]
    sources = dict.fromkeys(str(provenance["source"]) for provenance in known)
    parts = [{"tasks": list(config.labels), "provenance": config.provenance} for config in configs]
    return {"source": " and ".join(sources), "merged_from": parts}


def _training(configs: Sequence[AnchorPooledConfig]) -> dict[str, Any] | None:
    """How each part was trained; `tasks` holds the record of each task in the form that single models have it in."""
    if all(config.training is None for config in configs):
        return None
    parts = [{"tasks": list(c.labels), "base_model": c.base_model, "training": c.training} for c in configs]
    tasks = {task: about for c in configs for task, about in (c.training or {}).get("tasks", {}).items()}
    return {"tasks": tasks, "merged_from": parts}
