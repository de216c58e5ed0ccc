"""Folders for data made from notes: readable by their owner alone, and whole or not there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stigma_hf.errors import UsageError

_OWNER_ONLY = 0o700


def private_folder(path: str | Path) -> Path:
    """A folder, made if need be so that only its owner can enter it.

    A folder that is there already keeps the permissions its owner gave it.

    Args:
        path: The folder.

    Raises:
        UsageError: If it is a file.
    """
    folder = Path(path).expanduser()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"expected a folder to write to, found a file at {folder}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=_OWNER_ONLY, exist_ok=True)
    return folder


@contextmanager
def finished_folder(path: str | Path) -> Iterator[Path]:
    """A folder to fill that gets its name when it is complete; whatever stops before that leaves nothing by that name.

    Args:
        path: The folder to make; it may exist if it is empty.

    Yields:
        The folder to write to, readable by its owner alone.

    Raises:
        UsageError: If it holds something already.
    """
    folder = Path(path).expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"expected a new or an empty folder to write to, found something at {folder}")
    partial = folder.with_name(f"{folder.name}.incomplete")
    shutil.rmtree(partial, ignore_errors=True)
    private_folder(partial)
    try:
        yield partial
        if folder.exists():
            folder.rmdir()
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
