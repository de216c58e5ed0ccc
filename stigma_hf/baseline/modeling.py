"""Baseline classifiers as transformers models: loaded, saved and served like an encoder."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.utils import cached_file

from stigma_hf.baseline import storage
from stigma_hf.baseline.configuration import MAJORITIES, BaselineConfig
from stigma_hf.baseline.counts import AnchorCounts, MajorityOverall, MajorityPerAnchor
from stigma_hf.context_window import ContextWindow
from stigma_hf.publishing import GuardedPush


class WindowClassifier(Protocol):
    """What serves one task: a scikit-learn pipeline that starts from windows, or label counts."""

    def predict_proba(self, windows: Sequence[ContextWindow]) -> np.ndarray:
        """Probabilities, shape (len(windows), number of labels)."""
        ...


class BaselineClassifier(GuardedPush, PreTrainedModel):
    """A classifier without an encoder, for all three tasks, in one folder.

    Args:
        config: Its configuration.
        counts: For a majority, the label counts of each task: per anchor, or of all spans together.
        estimators: For any other baseline, a fitted scikit-learn estimator per task that takes context windows, as
            `stigma_hf.baseline.training.train_baseline` makes them.

    Raises:
        ValueError: If a task has no counts or no estimator, an estimator is not fitted, or they do not fit the labels.
    """

    config_class = BaselineConfig
    base_model_prefix = "baseline"
    main_input_name = "windows"
    default_batch_size = 4096
    """Windows per forward pass that suit a model for which every call costs more than a window."""

    def __init__(
        self,
        config: BaselineConfig,
        counts: Mapping[str, Any] | None = None,
        estimators: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(config)
        kind, given = ("counts", counts) if config.estimator in MAJORITIES else ("estimators", estimators)
        for task in config.labels:
            if task not in (given or {}):
                raise ValueError(f"expected {kind} for the tasks {', '.join(config.labels)}, found none for {task!r}")
        self.counts = dict(counts or {})
        self.estimators = dict(estimators or {})
        self._classifiers: dict[str, WindowClassifier] = {}
        self._columns: dict[str, list[int]] = {}
        for task, labels in config.labels.items():
            self._classifiers[task], self._columns[task] = self._classifier(task, labels)
        self.eval()

    def _classifier(self, task: str, labels: Sequence[str]) -> tuple[WindowClassifier, list[int]]:
        """The classifier of a task, and the place of each of its columns in the label order."""
        columns = list(range(len(labels)))
        if self.config.estimator == "majority-overall":
            return MajorityOverall(labels, self.counts[task]), columns
        if self.config.estimator == "majority-per-anchor":
            negated = self.config.negated_anchors
            counts = AnchorCounts(labels, self.counts[task], self.config.alpha, ignore_case=not negated)
            return MajorityPerAnchor(counts, negated), columns
        return self.estimators[task], _columns(self.estimators[task], task, labels)

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
        places_of: dict[str, list[int]] = defaultdict(list)
        for i, window in enumerate(windows):
            places_of[window.task].append(i)
        for task, places in places_of.items():
            if task not in self._classifiers:
                raise ValueError(f"this model knows the tasks {', '.join(self._classifiers)}, not {task!r}")
            # A label that no training span had is never predicted.
            rows = np.zeros((len(places), len(self.config.labels[task])))
            rows[:, self._columns[task]] = self._classifiers[task].predict_proba([windows[i] for i in places])
            for i, row in zip(places, rows, strict=True):
                probabilities[i] = row
        return {"probabilities": probabilities}

    def save_pretrained(
        self, save_directory: str | os.PathLike[str], push_to_hub: bool = False, **kwargs: Any
    ) -> None:
        """Write the model to a folder: `config.json`, with `counts.json` or `model.skops`.

        Raises:
            NotPublishable: If asked to push the folder to a hub.
        """
        if push_to_hub:
            self.push_to_hub()
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        self.config.architectures = [type(self).__name__]
        self.config.save_pretrained(folder)
        if self.config.estimator in MAJORITIES:
            storage.save_counts(self.counts, folder / storage.COUNTS_FILE)
        else:
            storage.save_estimators(self.estimators, folder / storage.ESTIMATORS_FILE)

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | os.PathLike[str], *args: Any, config: Any = None, **kwargs: Any
    ) -> "BaselineClassifier":
        """The model of a folder or hub repository.

        Raises:
            OSError: If a file of the model is missing or out of reach.
            ValueError: If a file of the model is not what the configuration says, or holds types that are not trusted.
        """
        hub = {
            k: kwargs[k] for k in ("cache_dir", "revision", "token", "local_files_only", "subfolder") if k in kwargs
        }
        if not isinstance(config, BaselineConfig):
            config = BaselineConfig.from_pretrained(config or pretrained_model_name_or_path, **hub)
        if config.estimator in MAJORITIES:
            path = cached_file(pretrained_model_name_or_path, storage.COUNTS_FILE, **hub)
            return cls(config, storage.load_counts(path))
        path = cached_file(pretrained_model_name_or_path, storage.ESTIMATORS_FILE, **hub)
        trained_with = (config.training or {}).get("sklearn_version")
        return cls(config, estimators=storage.load_estimators(path, trained_with))


def _columns(estimator: Any, task: str, labels: Sequence[str]) -> list[int]:
    """The place of each class of a fitted estimator in the label order."""
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(f"expected an estimator with predict_proba for {task!r}, found {type(estimator).__name__}")
    if not hasattr(estimator, "classes_"):
        raise ValueError(f"expected a fitted estimator for {task!r}, found one that is not fitted; fit it first")
    classes = [str(label) for label in estimator.classes_]
    if unknown := set(classes) - set(labels):
        raise ValueError(f"expected the labels {', '.join(labels)} for {task!r}, found {', '.join(sorted(unknown))}")
    return [list(labels).index(label) for label in classes]
