"""Models from a hub: whether what lies in the cache is what the hub announced, and errors that say what to do."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stigma_hf.errors import UsageError
from stigma_hf.publishing.hub_problems import explain

_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT = re.compile(r"[0-9a-f]{40}")


@contextmanager
def hub_errors_explained(name: str) -> Iterator[None]:
    """Turn a hub's refusal into an error that says what to do.

    Args:
        name: Folder or hub id of what is loaded.

    Raises:
        OSError: Instead of what was raised, if a hub was the reason.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        reason = explain(error, name)
        if reason is None or str(error) == reason:
            raise
        raise OSError(reason) from error


def check_downloads(name: str, revision: str | None = None, cache_dir: str | None = None) -> int:
    """Check every file in the cache of a repository's revision against the sum that the hub announced.

    The client itself looks at sizes only. It keeps each file under the sum that it was announced with.

    Args:
        name: Hub id; of a folder, nothing is checked.
        revision: Branch, tag or commit; the newest of the main branch if None.
        cache_dir: The cache, if it is not the usual one.

    Returns:
        Number of files checked.

    Raises:
        UsageError: If a file is not what was announced.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    if Path(name).exists():
        return 0
    try:
        config = try_to_load_from_cache(name, "config.json", cache_dir=cache_dir, revision=revision)
    except HFValidationError:
        # A path to nothing, which no repository can be called.
        return 0
    if not isinstance(config, str):
        return 0
    files = [path for path in Path(config).parent.rglob("*") if path.is_file()]
    return sum(_check(path, name) for path in files)


def _check(path: Path, name: str) -> bool:
    """Whether a file has an announced sum that it could be checked against."""
    blob = path.resolve()
    if blob.parent.name != "blobs" or not (_SHA256.fullmatch(blob.name) or _GIT.fullmatch(blob.name)):
        return False
    with open(blob, "rb") as file:
        if _SHA256.fullmatch(blob.name):
            found = hashlib.file_digest(file, "sha256").hexdigest()
        else:
            start = f"blob {blob.stat().st_size}\0".encode()
            found = hashlib.sha1(start + file.read(), usedforsecurity=False).hexdigest()
    if found != blob.name:
        raise UsageError(
            f"{name}: {path.name} in the cache is not what the hub announced, it was changed or cut off on the way; "
            f"delete {blob.parent.parent} and load it again"
        )
    return True
