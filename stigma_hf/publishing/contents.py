"""Whether a file is what its name says: a pickle by another name, or data behind the data, is not."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stigma_hf.publishing.findings import Finding
from stigma_hf.publishing.folder_files import FolderFile

_PICKLE = re.compile(rb"\x80[\x02-\x05]|(?m:^c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n)")
_MAX_HEADER = 100_000_000
_ADVICE = "write it anew with save_pretrained() or build-dataset"


class _NotAsNamed(ValueError):
    """What a file is instead of what its name says."""


def check_content(file: FolderFile) -> list[Finding]:
    """What is wrong with how a file is made, whatever it is called.

    Args:
        file: A file that may be published by its name.
    """
    try:
        if not file.path.stat().st_size:
            raise _NotAsNamed("empty file")
        _check_start(file.path)
        _CHECKS.get(file.path.suffix, _check_text)(file.path)
    except _NotAsNamed as error:
        return [Finding(file.shown, str(error), _ADVICE)]
    except (OSError, ValueError, zipfile.BadZipFile, UnicodeDecodeError):
        return [Finding(file.shown, f"no readable {file.path.suffix or 'text'} file", _ADVICE)]
    return []


def _check_start(path: Path) -> None:
    with open(path, "rb") as file:
        start = file.read(64)
    if start.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")) and path.suffix != ".safetensors":
        raise _NotAsNamed("pickle by its content")
    if start.startswith(b"PK\x03\x04") and path.suffix != ".skops":
        raise _NotAsNamed("archive by its content, as PyTorch and joblib write pickles")
    if start.startswith((b"\x93NUMPY", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        raise _NotAsNamed("array or compressed file by its content")


def _check_text(path: Path) -> None:
    data = path.read_bytes()
    if b"\0" in data or _PICKLE.search(data):
        raise _NotAsNamed("no text by its content")
    data.decode("utf-8")


def _check_json(path: Path) -> None:
    _check_text(path)
    if not isinstance(json.loads(path.read_text(encoding="utf-8")), dict):
        raise _NotAsNamed("no JSON object")


def safetensors_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file.

    Args:
        path: The file.

    Raises:
        ValueError: If the tensors do not fill the rest of the file exactly, byte for byte.
    """
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= _MAX_HEADER:
            raise _NotAsNamed("no safetensors file by its content")
        header = json.loads(file.read(length))
    places = sorted(tuple(entry["data_offsets"]) for name, entry in header.items() if name != "__metadata__")
    end = 0
    for begin, until in places:
        if begin != end:
            raise _NotAsNamed("safetensors file with bytes between its tensors")
        end = until
    if path.stat().st_size != 8 + length + end:
        raise _NotAsNamed("safetensors file with bytes behind its tensors")
    return header


def _check_skops(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if archive.comment or _starts_late(path):
            raise _NotAsNamed("archive with something around its members")
        for member in archive.infolist():
            if member.filename == "schema.json":
                continue
            if member.comment or not member.filename.endswith((".npy", ".npz")) or "/" in member.filename:
                raise _NotAsNamed("skops file with members that are no arrays")
            content = archive.read(member)
            if _holds_objects(content):
                raise _NotAsNamed("skops file with pickled objects in an array")


def _starts_late(path: Path) -> bool:
    """Whether something stands before the first member of an archive."""
    with open(path, "rb") as file:
        return file.read(4) != b"PK\x03\x04"


def _holds_objects(content: bytes) -> bool:
    """Whether an array, or one of an archive of arrays, holds Python objects, which numpy would unpickle."""
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as arrays:
            return any(_holds_objects(arrays.read(member)) for member in arrays.infolist())
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        return True
    return bool(np.lib.format.read_array_header_1_0(file)[2].hasobject)


def _check_parquet(path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        parquet.ParquetFile(path).metadata  # noqa: B018
    except pa.ArrowException as error:
        raise _NotAsNamed("no Parquet file by its content") from error


_CHECKS: dict[str, Callable[[Path], object]] = {
    ".json": _check_json,
    ".parquet": _check_parquet,
    ".safetensors": safetensors_header,
    ".skops": _check_skops,
}
