"""The runs of an experiment on disk: a record for each that is finished, which is never done again."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.mimic.output import private_folder
from stigma_hf.training.resume import check_same_run
from stigma_hf.whole_files import write_whole

RUNS = "runs"
_IDENTITY = "identity.json"


@dataclass(frozen=True, order=True)
class Run:
    """One training and its scores.

    Attributes:
        model: Name of the model that is trained.
        task: The task.
        part: Name of the spans that it is trained on, a fold or a draw.
    """

    model: str
    task: str
    part: str

    def __str__(self) -> str:
        return f"{self.model}, {self.task}, {self.part}"


class RunStore:
    """The folder of an experiment's runs: `runs/MODEL/TASK/PART.json`, and `PART` beside it while it is trained.

    Args:
        out: Folder of the experiment.
        identities: Model to what its runs depend on: the data, the recipe and how the data is divided. Runs that were
            done with anything else do not count as done.
    """

    def __init__(self, out: str | Path, identities: Mapping[str, Mapping[str, Any]]) -> None:
        self._root = Path(out) / RUNS
        self._identities = identities

    def check(self) -> None:
        """Raise if the folder holds runs of another experiment.

        Raises:
            UsageError: If so; what differs is in the message.
        """
        for model, identity in self._identities.items():
            found = _read(self._root / model / _IDENTITY)
            if found is not None and _holds_files(self._root / model):
                check_same_run(found, identity, self._root / model)

    def open(self, models: Sequence[str]) -> None:
        """Note what the runs of some models depend on, before the first of them."""
        private_folder(self._root)
        for model in models:
            private_folder(self._root / model)
            write_whole(self._root / model / _IDENTITY, _as_json(self._identities[model]))

    def clear(self) -> None:
        """Remove every run."""
        if self._root.exists():
            shutil.rmtree(self._root)

    def folder(self, run: Run) -> Path:
        """Where a run trains its model."""
        return self._root / run.model / run.task / run.part

    def record(self, run: Run) -> dict[str, Any] | None:
        """What a finished run came to; None if it is not finished."""
        return _read(self._record_file(run))

    def finish(self, run: Run, record: Mapping[str, Any]) -> None:
        """Keep what a run came to."""
        private_folder(self._root / run.model / run.task)
        write_whole(self._record_file(run), _as_json(record))

    def _record_file(self, run: Run) -> Path:
        # Not `with_suffix`: a part may have a point in its name.
        return self._root / run.model / run.task / f"{run.part}.json"


def _holds_files(folder: Path) -> bool:
    """Whether a model's folder holds anything that a run has left."""
    return any(path.is_file() and path.name != _IDENTITY for path in folder.rglob("*"))


def _read(file: Path) -> dict[str, Any] | None:
    try:
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except ValueError as error:
        raise UsageError(f"{file}: expected a record of this package as JSON; remove the file: {error}") from error


def _as_json(entries: Mapping[str, Any]) -> str:
    return json.dumps(entries, indent=1, allow_nan=False) + "\n"
