"""Tell whether a build would come out the same: by its input files, its options and the code."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

_CODE = (
    "mimic",
    "resources",
    "cleaning.py",
    "lexicon.py",
    "matching.py",
    "search.py",
    "stigma_spans.py",
    "tasks.py",
    "windows.py",
)


def input_identity(paths: Iterable[Path], options: dict[str, Any]) -> str:
    """A digest that changes when a file is replaced or an option changes, and not with the spelling of a path.

    Files are known by place, size and time of change; their content is not read.
    """
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(json.dumps([stats, options], sort_keys=True).encode()).hexdigest()[:16]


@cache
def code_identity() -> str:
    """A digest of the code and the lexicon that decide what a build holds."""
    digest = hashlib.sha256()
    root = Path(str(files("stigma_hf")))
    for name in _CODE:
        place = root / name
        sources = sorted(place.glob("*.*")) if place.is_dir() else [place]
        for source in sources:
            if source.suffix in (".py", ".json"):
                digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]
