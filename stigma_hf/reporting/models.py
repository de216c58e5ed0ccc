"""The models that a person named: single ones, and folders with a model for each fold of a cross-validation."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError

_CONFIG = "config.json"
_SUMMARY = "cross_validation.json"
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class ModelSource:
    """A model as it was named.

    Attributes:
        name: Short name, different from that of all others.
        path: Folder or hub id, as given.
        folds: Folder of each fold of a cross-validation; empty for a single model.
    """

    name: str
    path: str
    folds: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """The name as a part of the name of a file."""
        return re.sub(r"[^\w.-]+", "-", self.name)


def name_models(given: Sequence[str]) -> list[ModelSource]:
    """Each model with a short name: its folder's, or all that was given where two folders are called alike.

    Raises:
        UsageError: If none is given, or one twice.
    """
    if not given:
        raise UsageError("expected at least one model to evaluate, found none")
    if twice := [path for path, number in Counter(given).items() if number > 1]:
        raise UsageError(f"expected each model once, found {', '.join(twice)} several times")
    short = {path: Path(path).expanduser().absolute().name if Path(path).is_dir() else path for path in given}
    counted = Counter(short.values())
    sources = [ModelSource(short[p] if counted[short[p]] == 1 else p, p, fold_folders(p)) for p in given]
    if len({source.file_name for source in sources}) < len(sources):
        raise UsageError(f"expected models with different names, found {', '.join(given)}; rename a folder")
    return sources


def fold_folders(path: str) -> tuple[str, ...]:
    """The folders `fold-0` and so on that `stigma-hf train --folds` makes; empty for anything else.

    A fold that is missing between them, or that the summary beside them counts, has its folder here as well.
    """
    folder = Path(path).expanduser()
    numbers = [int(found[1]) for child in folder.glob("fold-*") if (found := re.fullmatch(r"fold-(\d+)", child.name))]
    if not numbers or (folder / _CONFIG).is_file():
        return ()
    try:
        n_folds = int(json.loads((folder / _SUMMARY).read_text(encoding="utf-8"))["folds"])
    except (OSError, ValueError, KeyError, TypeError):
        n_folds = 0
    return tuple(str(folder / f"fold-{fold}") for fold in range(max(n_folds, max(numbers) + 1)))


def describe_model(path: str, config: Any) -> dict[str, Any]:
    """What a reader needs to know to find the very same model again.

    Args:
        path: Folder or hub id.
        config: Its configuration.
    """
    folder = Path(path).expanduser()
    training = getattr(config, "training", None) or {}
    return {
        "title": str(getattr(config, "title", "") or ""),
        "model_type": str(config.model_type),
        "source": str((getattr(config, "provenance", None) or {}).get("source", "unknown")),
        "recipe": training.get("recipe") if isinstance(training.get("recipe"), str) else None,
        "training_seed": training.get("seed"),
        "temperature": dict(getattr(config, "temperature", None) or {}),
        "revision": getattr(config, "_commit_hash", None),
        "digest": digest_of(folder) if folder.is_dir() else None,
    }


def digest_of(folder: Path) -> str:
    """Sixteen characters that change when a file of a model does: its configuration, its weights, its tokenizer."""
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.iterdir() if file.is_file() and file.suffix != ".md"):
        digest.update(json.dumps([file.name, file.stat().st_size]).encode())
        with file.open("rb") as stream:
            while block := stream.read(_READ_AT_ONCE):
                digest.update(block)
    return digest.hexdigest()[:16]
