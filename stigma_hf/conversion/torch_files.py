"""Read the torch files of the release: numbers and text, and nothing that runs.

`torch.load` reads them with `weights_only`. To the little that it admits, the list below adds the two names of numpy
that `init.pth` holds its scores with; they stand for inert records, so numpy's own functions are not called.
"""

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stigma_hf.conversion.pickles import RefusedPickle, shown
from stigma_hf.conversion.records import record_type
from stigma_hf.errors import UsageError

ADMITTED: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (record_type(name), name) for name in ("numpy.core.multiarray.scalar", "numpy.dtype")
]
"""What `init.pth` may name besides what `torch.load` admits by itself."""

_REFUSED_NAME = re.compile(r"GLOBAL (\S+)")


def read_init(path: Path) -> dict[str, Any]:
    """What an `init.pth` says about its model.

    Raises:
        RefusedPickle: If it names anything that no file of the release does; it is named, and was not run.
        UsageError: If it is missing or damaged.
    """
    with torch.serialization.safe_globals(ADMITTED):
        content = _load(path)
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise UsageError(f"{path}: expected settings by name, found {type(content).__name__}")
    return content


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a `model.pth` by their keys.

    Raises:
        RefusedPickle: As `read_init`.
        UsageError: If it is missing or damaged, or holds anything else than dense tensors of finite numbers.
    """
    content = _load(path)
    if not isinstance(content, dict) or not content:
        raise UsageError(f"{path}: expected weights by name, found {type(content).__name__}")
    for key, tensor in content.items():
        if not isinstance(key, str) or type(tensor) is not Tensor or tensor.layout != torch.strided:
            raise UsageError(f"{path}: expected a dense tensor under {shown(key)}, found {type(tensor).__name__}")
        # A sum is one look at each number; only if it overflows is a second one needed.
        if not (bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())):
            raise UsageError(f"{path}: expected finite numbers under {shown(key)}, found others")
    return dict(content)


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        name = _REFUSED_NAME.search(str(error))
        why = (
            f"it names {shown(name[1])}, which no file of the release needs"
            if name
            else "it does more than hold numbers"
        )
        raise RefusedPickle(
            f"{path}: refused: {why}; nothing of it was run. Get the files from PhysioNet again"
        ) from None
    except Exception as error:
        # A damaged archive fails in as many ways as it has parts.
        size = f"{path.stat().st_size:,} bytes" if path.is_file() else "no such file"
        raise UsageError(
            f"{path}: expected a torch file of the release, found one that is damaged or incomplete ({size}; "
            f"{type(error).__name__}); download it again"
        ) from error
