"""Write small files that are there whole or not at all, wherever the process is stopped."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text file, or replace it.

    Raises:
        OSError: If it cannot be written; a file that was there is as it was.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.incomplete")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
