"""Look at the machine: versions, devices, folders, MIMIC files, and whether anything would open a connection."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "stigma-hf torch transformers datasets evaluate accelerate scikit-learn huggingface-hub safetensors skops "
    "google-re2 pyarrow gradio"
).split()


def examine(mimic: Path | None = None) -> Iterator[tuple[str, str, str]]:
    """Findings as (section, what, finding), one at a time because importing torch takes a moment.

    Args:
        mimic: Folder to look for MIMIC-IV files in.
    """
    yield "versions", "python", platform.python_version()
    for package in PACKAGES:
        try:
            yield "versions", package, version(package)
        except PackageNotFoundError:
            yield "versions", package, "not installed"
    yield from _devices()
    yield from _folders()
    yield from _mimic(mimic)
    yield from _network()


def _devices() -> Iterator[tuple[str, str, str]]:
    import torch

    yield "devices", "cpu", f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()}"
    for index in range(torch.cuda.device_count()):
        yield "devices", f"cuda:{index}", torch.cuda.get_device_name(index)
    if torch.backends.mps.is_available():
        yield "devices", "mps", "available"
    if not torch.cuda.is_available():
        yield "devices", "cuda", "not available; the baselines do not need it"


def _folders() -> Iterator[tuple[str, str, str]]:
    from huggingface_hub import constants

    hub = Path(constants.HF_HUB_CACHE)
    yield "folders", "hub cache", f"{hub} ({'exists' if hub.is_dir() else 'not there yet'})"
    datasets = Path(os.environ.get("HF_DATASETS_CACHE", Path(constants.HF_HOME) / "datasets"))
    yield (
        "folders",
        "datasets cache",
        f"{datasets} ({'exists' if datasets.is_dir() else 'not there yet'}); never used unasked",
    )
    yield "folders", "package", str(Path(sys.modules["stigma_hf"].__file__ or "").parent)


def _mimic(folder: Path | None) -> Iterator[tuple[str, str, str]]:
    if folder is None:
        yield "MIMIC-IV", "folder", "none named; pass --mimic FOLDER to have one examined"
        return
    from stigma_hf.errors import UsageError
    from stigma_hf.mimic.files import find_files

    try:
        files = find_files(folder)
    except UsageError as error:
        yield "MIMIC-IV", "not usable", str(error)
        return
    for table, path in files.paths.items():
        yield "MIMIC-IV", table, str(path)
    if files.is_synthetic:
        yield "MIMIC-IV", "patients", "invented: this is a synthetic tree"


def _network() -> Iterator[tuple[str, str, str]]:
    from huggingface_hub import constants

    yield "network", "stigma_hf", "opens no connection unless you name a hub model, download or publish"
    offline = constants.is_offline_mode() if hasattr(constants, "is_offline_mode") else constants.HF_HUB_OFFLINE
    state = "on: a hub model must be in the cache" if offline else "off: naming a hub model may download it"
    yield "network", "HF_HUB_OFFLINE", state
    yield "network", "hub endpoint", constants.ENDPOINT
    token = bool(os.environ.get("HF_TOKEN")) or Path(constants.HF_TOKEN_PATH).exists()
    yield "network", "hub token", "present" if token else "none"
