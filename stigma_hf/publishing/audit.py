"""Look through a folder for what must not be published. Whatever cannot be looked through is refused."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.publishing.belonging import find_strangers, find_whole_texts
from stigma_hf.publishing.contents import check_content
from stigma_hf.publishing.findings import MIN_NOTES, Finding
from stigma_hf.publishing.folder_files import FolderFile, RepoType, list_folder
from stigma_hf.publishing.local_paths import find_local_paths
from stigma_hf.publishing.provenance import Origin
from stigma_hf.publishing.secrets import find_secrets
from stigma_hf.publishing.texts import FileText, text_of
from stigma_hf.publishing.training_text import (
    TrainingText,
    find_note_text,
    find_note_text_in_names,
    read_training_text,
)

_BASELINE = "stigma-baseline"
_NEEDS_TRAINING_DATA = Finding(
    "(the folder)",
    "not compared with the notes it was learned from",
    "give --training-data FOLDER, the data set of build-dataset that it was trained on",
)


@dataclass(frozen=True)
class AuditedFile:
    """A file that may go up, as it was when it was looked through.

    Attributes:
        name: Its path below the folder, with slashes.
        path: Where it is; None if it was made for the upload.
        size: Its size in bytes.
        sha256: Its sum.
        content: Its content, if it was made for the upload.
    """

    name: str
    path: Path | None
    size: int
    sha256: str
    content: bytes | None = None


@dataclass(frozen=True)
class Audit:
    """What a look through a folder found.

    Attributes:
        files: The files that may go up if nothing was found.
        findings: What must not.
        compared_notes: Number of training windows that the text was compared with.
        min_notes: Notes that features must stand in.
    """

    files: tuple[AuditedFile, ...]
    findings: tuple[Finding, ...]
    compared_notes: int
    min_notes: int


def audit(
    folder: str | Path,
    origin: Origin,
    repo_type: RepoType = "model",
    training_data: str | Path | None = None,
    min_notes: int = MIN_NOTES,
    names: Mapping[str, str] | None = None,
    made: Mapping[str, bytes] | None = None,
) -> Audit:
    """Look through a folder.

    Args:
        folder: The folder.
        origin: What it was learned from.
        repo_type: Whether it is a model or a data set.
        training_data: The data set that a model was trained on; a data set from patients is its own.
        min_notes: Notes that each feature of a vocabulary must stand in.
        names: Other names that will be seen, as that of the repository, with how each may be shown.
        made: Files made for the upload, by name; none of them is in the folder.

    Raises:
        UsageError: If there is no such folder, or the training data is not what it should be.
    """
    root = Path(folder)
    listed, findings = list_folder(root, repo_type)
    readable = []
    for file in listed:
        wrong = check_content(file)
        findings += wrong
        readable += [] if wrong else [file]
    config = _config(root)
    if repo_type == "model":
        findings += find_strangers(listed, config)
    else:
        findings += [found for file in readable if file.path.suffix == ".parquet" for found in find_whole_texts(file)]
    training = None
    if origin is Origin.PATIENTS and training_data is None and repo_type == "dataset":
        training_data = root if (root / "all" / "train.parquet").is_file() else None
    if training_data is not None:
        training = read_training_text(training_data, origin, config)
    elif origin is Origin.PATIENTS:
        findings.append(_NEEDS_TRAINING_DATA)
    findings += _text_findings(readable, made or {}, training)
    if training:
        shown = {file.name: file.shown for file in listed} | dict(names or {})
        findings += find_note_text_in_names(shown, training)
        if repo_type == "model" and config.get("model_type") == _BASELINE:
            findings += _rare_features(root, training, min_notes)
    files = [AuditedFile(f.name, f.path, f.path.stat().st_size, sha256_of(f.path)) for f in listed]
    files += [AuditedFile(n, None, len(c), hashlib.sha256(c).hexdigest(), c) for n, c in (made or {}).items()]
    seen = len(training.windows) if training else 0
    return Audit(tuple(sorted(files, key=lambda f: f.name)), tuple(sorted(set(findings))), seen, min_notes)


def sha256_of(path: Path) -> str:
    """The SHA-256 sum of a file.

    Args:
        path: The file.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text_findings(files: list[FolderFile], made: Mapping[str, bytes], training: TrainingText | None) -> list[Finding]:
    texts = [text_of(file) for file in files]
    texts += [FileText(name, (content.decode("utf-8"),)) for name, content in made.items()]
    findings = []
    for text in texts:
        findings += find_secrets(text) + find_local_paths(text)
        findings += find_note_text(text, training) if training else []
    return findings


def _rare_features(root: Path, training: TrainingText, min_notes: int) -> list[Finding]:
    from stigma_hf.baseline.modeling import BaselineClassifier
    from stigma_hf.publishing.vocabulary import find_rare_features

    try:
        return find_rare_features(BaselineClassifier.from_pretrained(root), training, min_notes)
    except (OSError, ValueError):
        advice = "train it again with steps of this package and of scikit-learn in a pipeline"
        return [Finding("model.skops", "a model whose vocabulary cannot be counted in the training notes", advice)]


def _config(root: Path) -> dict[str, Any]:
    try:
        config = json.loads((root / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}
