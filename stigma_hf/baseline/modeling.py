"""Baseline classifiers as transformers models: loaded, saved and served like an encoder."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.utils import cached_file

from stigma_hf.baseline.configuration import BaselineConfig
from stigma_hf.baseline.counts import AnchorCounts
from stigma_hf.context_window import ContextWindow
from stigma_hf.publishing import GuardedPush

COUNTS_FILE = "counts.json"


class BaselineClassifier(GuardedPush, PreTrainedModel):
    """A classifier without an encoder, for all three tasks, in one folder.

    Args:
        config: Its configuration.
        counts: Task to anchor to label counts, for a majority per anchor.
    """

    config_class = BaselineConfig
    base_model_prefix = "baseline"
    main_input_name = "windows"

    def __init__(self, config: BaselineConfig, counts: Mapping[str, Mapping[str, Sequence[int]]]) -> None:
        super().__init__(config)
        missing = [task for task in config.labels if task not in counts]
        if missing:
            raise ValueError(
                f"expected counts for the tasks {', '.join(config.labels)}, found none for {missing[0]!r}"
            )
        self.estimators = {t: AnchorCounts(labels, counts[t], config.alpha) for t, labels in config.labels.items()}
        self.eval()

    @property
    def device(self) -> torch.device:
        """The CPU: there is nothing to move."""
        return torch.device("cpu")

    @property
    def dtype(self) -> torch.dtype:
        """Double precision, as scikit-learn computes."""
        return torch.float64

    def to(self, *args: Any, **kwargs: Any) -> "BaselineClassifier":
        """The model as it is: it runs on the CPU wherever the pipeline is."""
        return self

    def prepare(self, windows: Sequence[ContextWindow], tokenizer: None = None) -> dict[str, list[ContextWindow]]:
        """The inputs of `forward` for some windows."""
        return {"windows": list(windows)}

    def forward(self, windows: Sequence[ContextWindow]) -> dict[str, list[np.ndarray]]:
        """Label probabilities of each window, in the label order of its task.

        Returns:
            `probabilities`: one vector per window, shape (number of labels of its task,).

        Raises:
            ValueError: If the model does not know a window's task.
        """
        probabilities: list[np.ndarray] = [np.empty(0)] * len(windows)
        for task in {window.task for window in windows}:
            if task not in self.estimators:
                raise ValueError(f"this model knows the tasks {', '.join(self.estimators)}, not {task!r}")
            places = [i for i, window in enumerate(windows) if window.task == task]
            rows = self.estimators[task].predict_proba([windows[i].anchor for i in places])
            for i, row in zip(places, rows, strict=True):
                probabilities[i] = row
        return {"probabilities": probabilities}

    def save_pretrained(
        self, save_directory: str | os.PathLike[str], push_to_hub: bool = False, **kwargs: Any
    ) -> None:
        """Write the model to a folder: `config.json` and `counts.json`.

        Raises:
            NotPublishable: If asked to push the folder to a hub.
        """
        if push_to_hub:
            self.push_to_hub()
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        self.config.architectures = [type(self).__name__]
        self.config.save_pretrained(folder)
        counts = {task: estimator.counts for task, estimator in self.estimators.items()}
        (folder / COUNTS_FILE).write_text(_json_table(counts), encoding="utf-8")

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | os.PathLike[str], *args: Any, config: Any = None, **kwargs: Any
    ) -> "BaselineClassifier":
        """The model of a folder or hub repository.

        Raises:
            OSError: If a file of the model is missing or out of reach.
            ValueError: If the counts are not what the configuration says.
        """
        hub = {
            k: kwargs[k] for k in ("cache_dir", "revision", "token", "local_files_only", "subfolder") if k in kwargs
        }
        if not isinstance(config, BaselineConfig):
            config = BaselineConfig.from_pretrained(config or pretrained_model_name_or_path, **hub)
        path = cached_file(pretrained_model_name_or_path, COUNTS_FILE, **hub)
        try:
            counts = json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{COUNTS_FILE}: expected JSON with counts per task and anchor: {error}") from error
        return cls(config, counts)


def _json_table(counts: Mapping[str, Mapping[str, Sequence[int]]]) -> str:
    """Counts as JSON that reads like a table, an anchor a line."""
    tasks = []
    for task, rows in counts.items():
        lines = ",\n".join(f"    {json.dumps(anchor)}: {json.dumps(row)}" for anchor, row in rows.items())
        tasks.append(f"  {json.dumps(task)}: {{\n{lines}\n  }}")
    return "{\n" + ",\n".join(tasks) + "\n}\n"
