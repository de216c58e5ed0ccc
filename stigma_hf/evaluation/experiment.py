"""The record by which every number of a report can be traced and made again."""

import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from stigma_hf import __version__
from stigma_hf.evaluation.fingerprint import fingerprint

PACKAGES = (
    "accelerate",
    "datasets",
    "evaluate",
    "google-re2",
    "numpy",
    "pyarrow",
    "safetensors",
    "scikit-learn",
    "scipy",
    "skops",
    "tokenizers",
    "torch",
    "transformers",
)
"""Packages whose versions a number can depend on."""

_GIT_SECONDS = 10


@dataclass(frozen=True)
class DataRecord:
    """The spans of a split.

    Attributes:
        fingerprint: Of ids and labels, see `stigma_hf.evaluation.fingerprint`.
        n_spans: Their number.
    """

    fingerprint: str
    n_spans: int


@dataclass(frozen=True)
class ExperimentRecord:
    """How some numbers came about.

    Attributes:
        command: What was run, as one would type it.
        seed: Seed of whatever was drawn at random; None if nothing was.
        data: Split name to its record.
        provenance: Where the data comes from, as the data set's own record says; None if it has none.
        started: Date and time in UTC.
        seconds: How long it took; None while it runs.
        stigma_hf_version: Version of this package.
        git_commit: Commit of the checkout that this package runs from; None if it runs from no checkout.
        has_uncommitted_changes: Whether files of that checkout differ from the commit; None likewise.
        python_version: Version of Python.
        package_versions: Versions of what was used, by package, those that are installed.
        machine: System and processor; no name of a host or a person.
    """

    command: str
    seed: int | None = None
    data: Mapping[str, DataRecord] = field(default_factory=dict)
    provenance: Mapping[str, Any] | None = None
    started: str = ""
    seconds: float | None = None
    stigma_hf_version: str = __version__
    git_commit: str | None = None
    has_uncommitted_changes: bool | None = None
    python_version: str = ""
    package_versions: Mapping[str, str] = field(default_factory=dict)
    machine: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        return asdict(self)


def record_experiment(
    seed: int | None = None,
    splits: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
    provenance: Mapping[str, Any] | None = None,
    command: Sequence[str] | None = None,
    started: datetime | None = None,
) -> ExperimentRecord:
    """The record of what is running now, to be saved with its numbers.

    Args:
        seed: Seed of whatever is drawn at random.
        splits: Split name to its spans; they are fingerprinted and nothing of them is kept.
        provenance: Where the spans come from, the `provenance.json` of a data set's folder.
        command: Program and arguments; those of this process when None. A home folder in them is written as `~`.
        started: When it began, in UTC; the record then says how long it took, and was begun now otherwise.
    """
    now = datetime.now(UTC)
    commit, is_changed = _checkout(Path(__file__).parents[1])
    return ExperimentRecord(
        command=_typed(sys.argv if command is None else command),
        seed=seed,
        data={name: _data_record(spans) for name, spans in (splits or {}).items()},
        provenance=provenance,
        started=(started or now).isoformat(timespec="seconds"),
        seconds=None if started is None else round((now - started).total_seconds(), 1),
        git_commit=commit,
        has_uncommitted_changes=is_changed,
        python_version=platform.python_version(),
        package_versions=_installed(PACKAGES),
        machine=f"{platform.system()} {platform.machine()}",
    )


def _data_record(spans: Iterable[Mapping[str, Any]]) -> DataRecord:
    rows = spans if hasattr(spans, "column_names") else list(spans)
    return DataRecord(fingerprint(rows), len(rows))  # type: ignore[arg-type]


def _typed(command: Sequence[str]) -> str:
    """A command as one would type it, without the place of the program and the name of the person."""
    program, *arguments = command
    typed = shlex.join([Path(program).name, *arguments])
    home = str(Path.home())
    return typed if home == "/" else typed.replace(f"{home}/", "~/")


def _installed(packages: Iterable[str]) -> dict[str, str]:
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _checkout(folder: Path) -> tuple[str | None, bool | None]:
    """Commit of the checkout that tracks a folder's files, and whether any file differs from it."""
    # An environment inside some other checkout is not that checkout's: its files are not tracked.
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None, None
    commit, changes = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain")
    return commit, None if changes is None else bool(changes)


def _git(folder: Path, *arguments: str) -> str | None:
    """What git answers; None if it cannot."""
    try:
        answer = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
