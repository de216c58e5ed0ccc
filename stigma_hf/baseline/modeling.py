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
from stigma_hf.publishing.downloads import check_downloads, hub_errors_explained
from stigma_hf.publishing.guard import GuardedPush
from stigma_hf.temperature import scale


class WindowClassifier(Protocol):
    """What serves one task from its label counts."""

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
    windows_at_once = 16_384
    """Windows it likes to see together: every chunk of text is looked up once among them, so the more the better."""

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
        if config.estimator in MAJORITIES:
            self._majorities = {task: self._majority(task, labels) for task, labels in config.labels.items()}
        else:
            from stigma_hf.baseline.serving import TaskEstimators

            served = {task: self.estimators[task] for task in config.labels}
            self._columns = {task: _columns(served[task], task, labels) for task, labels in config.labels.items()}
            self._served = TaskEstimators(served)
        self.eval()

    def _majority(self, task: str, labels: Sequence[str]) -> WindowClassifier:
        """The label counts of a task as a classifier."""
        if self.config.estimator == "majority-overall":
            return MajorityOverall(labels, self.counts[task])
        negated = self.config.negated_anchors
        counts = AnchorCounts(labels, self.counts[task], self.config.alpha, ignore_case=not negated)
        return MajorityPerAnchor(counts, negated)

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

    def forward(self, windows: Sequence[ContextWindow]) -> dict[str, list[np.ndarray]]:
        """Label probabilities of each window, in the label order of its task.

        Returns:
            `probabilities`: one vector per window, shape (number of labels of its task,).

        Raises:
            ValueError: If the model does not know a window's task.
        """
        of_tasks: dict[str, list[ContextWindow]] = defaultdict(list)
        for window in windows:
            of_tasks[window.task].append(window)
        if unknown := of_tasks.keys() - self.config.labels.keys():
            raise ValueError(f"this model knows the tasks {', '.join(self.config.labels)}, not {min(unknown)!r}")
        temperature = self.config.temperature
        rows = {task: iter(scale(p, temperature.get(task, 1.0))) for task, p in self._predict(of_tasks).items()}
        return {"probabilities": [next(rows[window.task]) for window in windows]}

    def predict_proba(
        self, windows: Sequence[ContextWindow], tokenizer: None = None, batch_size: int | None = None
    ) -> list[np.ndarray]:
        """What `forward` answers, asked for as of every model; there is no tokenizer and no batch to choose."""
        return self.forward(windows)["probabilities"]

    def _predict(self, windows: Mapping[str, list[ContextWindow]]) -> dict[str, np.ndarray]:
        """Probabilities of the windows of each task, columns in label order."""
        if self.config.estimator in MAJORITIES:
            return {task: self._majorities[task].predict_proba(of_task) for task, of_task in windows.items()}
        probabilities = {}
        for task, rows in self._served.predict_proba(windows).items():
            # A label that no training span had is never predicted.
            probabilities[task] = np.zeros((len(rows), len(self.config.labels[task])))
            probabilities[task][:, self._columns[task]] = rows
        return probabilities

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
            OSError: If a file of the model is missing or out of reach; of a hub, it says what to do.
            ValueError: If a file of the model is not what the configuration says or the hub announced, or holds types
                that are not trusted.
        """
        hub = {
            k: kwargs[k] for k in ("cache_dir", "revision", "token", "local_files_only", "subfolder") if k in kwargs
        }
        source = str(pretrained_model_name_or_path)
        with hub_errors_explained(source):
            if not isinstance(config, BaselineConfig):
                config = BaselineConfig.from_pretrained(config or source, **hub)
            is_majority = config.estimator in MAJORITIES
            path = cached_file(source, storage.COUNTS_FILE if is_majority else storage.ESTIMATORS_FILE, **hub)
        check_downloads(source, hub.get("revision"), hub.get("cache_dir"))
        if is_majority:
            return cls(config, storage.load_counts(path))
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
