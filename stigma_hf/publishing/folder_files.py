"""The files of a folder, and which of them may go to a hub by their names. What is not known to be fit is refused."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stigma_hf.errors import UsageError
from stigma_hf.publishing.findings import Finding, shown_name

RepoType = Literal["model", "dataset"]

_ALLOWED = {
    "model": re.compile(
        r"README\.md|LICENSE(\.txt|\.md)?|config\.json|provenance\.json|conversion\.json|counts\.json|model\.skops"
        r"|model(-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json"
        r"|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json"
        r"|vocab\.json|vocab\.txt|merges\.txt"
    ),
    "dataset": re.compile(
        r"README\.md|LICENSE(\.txt|\.md)?|provenance\.json|build_report\.json"
        r"|(adamant|compliance|other|all|matches)/(train|validation|test)\.parquet"
    ),
}
_REFUSED = (
    (
        "state of a training",
        re.compile(
            r"(optimizer|scheduler|scaler|rng_state\w*)\.(pt|pth|bin|safetensors)|trainer_state\.json"
            r"|training_args\.(bin|json)|run\.json|all_results\.json"
        ),
        "remove it, a trained model does not need it",
    ),
    ("log", re.compile(r".*\.(log|out|err|jsonl)|events\.out\..*|nohup.*"), "remove it"),
    ("cache", re.compile(r".*\.(lock|incomplete|arrow|tmp|pyc|swp)|cache-.*|.*~"), "remove it"),
    (
        "pickle or other file that runs or hides content",
        re.compile(r".*\.(pkl|pickle|joblib|dill|pt|pth|bin|ckpt|npy|npz|h5|msgpack|onnx|tar|gz|zip|xz)"),
        "remove it; weights go as safetensors and estimators as skops",
    ),
    (
        "code",
        re.compile(r".*\.(py|ipynb|sh|so|js)"),
        "remove it, our models need none; publish the folder as save_pretrained() writes it",
    ),
    ("rows or answers of notes", re.compile(r".*\.(csv|tsv|parquet|xlsx|txt)"), "remove it"),
)
_REFUSED_FOLDERS = re.compile(r"checkpoints?(-.*)?|runs|wandb|mlruns|logs|__pycache__|cache|tmp")


@dataclass(frozen=True)
class FolderFile:
    """A file that may be published by its name.

    Attributes:
        name: Its path below the folder, with slashes.
        path: Where it is.
        shown: Its name as it may be shown.
    """

    name: str
    path: Path
    shown: str


def list_folder(folder: str | Path, repo_type: RepoType = "model") -> tuple[list[FolderFile], list[Finding]]:
    """The files that may be published by their names, and what is wrong with all others.

    Args:
        folder: The folder.
        repo_type: Whether it is a model or a data set.

    Raises:
        UsageError: If there is no such folder, or it is empty.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: expected a folder to publish, found none")
    files, findings = [], []
    for place, (name, path) in enumerate(sorted(_walk(root))):
        shown = shown_name(name, place)
        kind, advice = _trouble(name, path, repo_type)
        if kind:
            findings.append(Finding(shown, kind, advice))
        else:
            files.append(FolderFile(name, path, shown))
    if not files and not findings:
        raise UsageError(f"{folder}: expected files to publish, found an empty folder")
    return files, findings


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """Every entry that is no plain folder; of links and folders that are refused, the entry itself."""
    for entry in os.scandir(root):
        path = Path(entry.path)
        is_plain_folder = entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        if is_plain_folder and not _REFUSED_FOLDERS.fullmatch(entry.name):
            for name, below in _walk(path):
                yield f"{entry.name}/{name}", below
        else:
            yield entry.name, path


def _trouble(name: str, path: Path, repo_type: RepoType) -> tuple[str, str]:
    """What is wrong with an entry by its name, and what to do; empty if nothing is."""
    last = name.rpartition("/")[2]
    if path.is_symlink():
        return "link", "put the file itself there, or remove it"
    if last.startswith("."):
        return "hidden file", "remove it"
    if path.is_dir():
        return "folder of a training, logs or caches", "move it out of this folder"
    if not path.is_file():
        return "neither a file nor a folder", "remove it"
    if _ALLOWED[repo_type].fullmatch(name):
        return "", ""
    for kind, pattern, advice in _REFUSED:
        if pattern.fullmatch(last.lower()):
            return kind, advice
    return f"kind of file that a {repo_type} repository is not known to need", "remove it"
