"""The folder of a training: checkpoints while it runs, and at its end the model."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.errors import UsageError
from stigma_hf.mimic.output import private_folder
from stigma_hf.training.resume import check_same_run

_RECORD = "run.json"
_CONFIG = "config.json"


class RunFolder:
    """The folder that a training writes to.

    While it trains, `checkpoints` holds all there is; a model appears in the folder only when it is whole.

    Args:
        path: The folder.
        record: What makes this training different from others, as `run_record` gives it.
    """

    def __init__(self, path: str | Path, record: Mapping[str, Any]) -> None:
        # A Trainer remembers the path of its best checkpoint, and may go on from another working directory.
        self.path = Path(path).expanduser().absolute()
        self.checkpoints = self.path / "checkpoints"
        self._record = dict(record)

    def check(self, *, resume: bool, overwrite: bool) -> bool:
        """Whether the training is finished already; changes nothing.

        Raises:
            UsageError: If the folder holds something that may be neither gone on from nor replaced.
        """
        model, begun = self.path / _CONFIG, self.checkpoints / _RECORD
        if resume and overwrite:
            raise UsageError("expected --resume or --overwrite, found both")
        if model.is_file():
            training = self._ours(model)
            if resume:
                check_same_run(training.get("run", {}), self._record, self.path)
                return True
            if not overwrite:
                raise UsageError(f"{self.path} holds a model; replace it with --overwrite, or choose another folder")
        elif begun.is_file() and any(path.is_dir() for path in self.checkpoints.iterdir()):
            if resume:
                check_same_run(json.loads(begun.read_text(encoding="utf-8")), self._record, self.path)
            elif not overwrite:
                raise UsageError(
                    f"{self.path} holds a training that was cut off; go on with --resume, begin anew with "
                    "--overwrite, or choose another folder"
                )
        elif self.path.exists() and (not self.path.is_dir() or set(os.listdir(self.path)) - {self.checkpoints.name}):
            raise UsageError(f"expected a new or an empty folder to write to, found something else at {self.path}")
        return False

    def open(self, *, resume: bool) -> None:
        """Make the folder, emptied unless the training goes on; only after `check`, and in one process."""
        if self.path.exists() and not resume:
            shutil.rmtree(self.path)
        private_folder(self.path)
        private_folder(self.checkpoints)
        record = self.checkpoints / _RECORD
        record.write_text(json.dumps(self._record, indent=1), encoding="utf-8")

    def finish(self, model: AnchorPooledClassifier, tokenizer: Any, *, keep_checkpoints: bool) -> None:
        """Write the model, its configuration last, and remove the checkpoints unless they are to be kept."""
        ready = self.checkpoints / "ready"
        model.save_pretrained(ready)
        tokenizer.save_pretrained(ready)
        for file in sorted(ready.iterdir(), key=lambda file: file.name == _CONFIG):
            os.replace(file, self.path / file.name)
        ready.rmdir()
        if not keep_checkpoints:
            shutil.rmtree(self.checkpoints)

    def _ours(self, config: Path) -> dict[str, Any]:
        """The record of how the model in the folder was trained, if it is one of ours."""
        try:
            entries = json.loads(config.read_text(encoding="utf-8"))
        except ValueError:
            entries = {}
        if entries.get("model_type") != AnchorPooledClassifier.config_class.model_type:
            raise UsageError(f"expected a new or an empty folder to write to, found another model at {self.path}")
        return entries.get("training") or {}
