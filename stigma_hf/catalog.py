"""Which models can be used on this machine, found without opening a connection or importing torch."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.released_models import RELEASED_MODELS, ReleasedModel, find_converted
from stigma_hf.tasks import RESOURCES

MODEL_TYPES = ("stigma-baseline", "stigma-anchor-pooled")
"""`model_type` of the models of this package."""

EMBEDDED_MODEL = Path(str(RESOURCES / "models" / "majority-per-anchor-published-counts"))
"""Folder of the model that answers when none is named."""


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be given to `--model`.

    Attributes:
        name: What to give.
        title: What it is.
        source: Where its numbers come from, `unknown` if it does not say.
    """

    name: str
    title: str
    source: str


def find_models(folders: Iterable[Path] = ()) -> list[ModelEntry]:
    """The embedded model, the released ones, models below some folders, and models in the hub's cache."""
    entries = [_entry("(embedded default)", EMBEDDED_MODEL / "config.json")]
    entries += [_released(model) for model in RELEASED_MODELS]
    for folder in folders:
        entries += [_entry(str(file.parent), file) for file in sorted(folder.rglob("config.json"))]
    entries += [_entry(name, file) for name, file in _cached_configs()]
    return [entry for entry in entries if entry]


def _released(model: ReleasedModel) -> ModelEntry:
    """A model of the 2023 release, converted or not."""
    folder = find_converted(model.name)
    if folder is None:
        return ModelEntry(model.name, f"{model.title} of the 2023 release", "not converted here; stigma-hf convert")
    return ModelEntry(model.name, f"{model.title} of the 2023 release", f"MIMIC-IV derived, in {folder}")


def _cached_configs() -> Iterator[tuple[str, Path]]:
    """Repository id and configuration of every model in the hub's cache."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        cache = scan_cache_dir()
    except CacheNotFound:
        return
    for repo in sorted(cache.repos, key=lambda repo: repo.repo_id):
        revisions = sorted(repo.revisions, key=lambda revision: revision.last_modified)
        files = [file for file in (revisions[-1].files if revisions else ()) if file.file_name == "config.json"]
        if repo.repo_type == "model" and files:
            yield repo.repo_id, Path(files[0].file_path)


def _entry(name: str, config_file: Path) -> ModelEntry | None:
    """The model of a configuration file; None if it is not one of ours."""
    try:
        config: Any = json.loads(config_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(config, dict) or config.get("model_type") not in MODEL_TYPES:
        return None
    source = (config.get("provenance") or {}).get("source", "unknown")
    return ModelEntry(name, str(config.get("title", "")), str(source))
