"""Go on from where a training was cut off, and only with the same training."""

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint of a folder; None if there is none.

    A Trainer's first process writes `trainer_state.json` last, so that a checkpoint without a readable one was cut
    off. The others may still be writing then.
    """
    if not folder.is_dir():
        return None
    numbered = [
        (int(found.group(1)), path) for path in folder.iterdir() if (found := _CHECKPOINT.fullmatch(path.name))
    ]
    for _, path in sorted(numbered, reverse=True):
        if _is_complete(path):
            return path
    return None


def _is_complete(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    # PyTorch's files are zip archives, whose table of contents comes last.
    return all(zipfile.is_zipfile(file) for file in checkpoint.iterdir() if file.suffix in (".pt", ".pth"))


def check_same_run(found: Mapping[str, Any], expected: Mapping[str, Any], where: Path) -> None:
    """Raise if a training that was begun is not the one that is asked for.

    Args:
        found: The record of the one that was begun, as JSON gives it back.
        expected: That of the one asked for.
        where: Folder of the former.

    Raises:
        UsageError: If they differ; what does is in the message.
    """
    different = _differences(found, json.loads(json.dumps(expected)), "")
    if different:
        raise UsageError(
            f"{where} was begun with another training: {'; '.join(different)}; give what it was begun with, choose "
            "another folder, or begin anew with --overwrite"
        )


def _differences(found: Any, expected: Any, name: str) -> list[str]:
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        keys = [*expected, *(key for key in found if key not in expected)]
        nested = [_differences(found.get(key), expected.get(key), f"{name}.{key}".lstrip(".")) for key in keys]
        return [line for lines in nested for line in lines]
    return [] if found == expected else [f"{name} was {found!r}, now {expected!r}"]
