"""Which checkpoint of a task is the released one, and what its small files say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.conversion.arrays import to_number
from stigma_hf.conversion.baseline_files import check_labels
from stigma_hf.conversion.pickles import shown
from stigma_hf.conversion.torch_files import read_init
from stigma_hf.errors import UsageError

_POOLING = {
    "keyword_all": ("anchor", "all-word-pieces"),
    "keyword": ("anchor", "middle-word-pieces"),
    "cls": ("cls", "matched"),
    "all_no_special": ("mean", "matched"),
}
"""Released `mask_type` to our pooling and occurrences; those of the pooler are pooled from nothing."""

_USED = {"classifier_only", "mask_type", "include_all", "use_bert_pooler", "task_targets", "checkpoint", "p_dropout"}
_RECORDS = {"settings", "random_state", "loss_history", "performance_history"}
"""What `init.pth` tells about the training, which changes no answer."""


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint of one task.

    Attributes:
        task: Its task.
        folder: Its folder, as `adamant_fold-0/checkpoint-50`.
        targets: Labels in the order of its head.
        pooling: What stands for a window, as in `AnchorPooledConfig`.
        occurrences: Which occurrences of the anchor are pooled, as in `AnchorPooledConfig`.
        dropout: Dropout before the head.
        encoder_name: What its encoder was called when it was trained.
        unused: What else its `init.pth` holds.
    """

    task: str
    folder: Path
    targets: tuple[str, ...]
    pooling: str
    occurrences: str
    dropout: float
    encoder_name: str
    unused: tuple[str, ...]

    @property
    def weights_file(self) -> Path:
        """Where its weights are."""
        return self.folder / "model.pth"


def read_checkpoint(folder: Path, task: str, number: int | None = None) -> Checkpoint:
    """The released checkpoint of a task, without its weights.

    Args:
        folder: A folder as `adamant_fold-0`.
        task: Its task.
        number: Number of the checkpoint; the one that `best_model.json` names when None.

    Raises:
        UsageError: If a file is missing or not what it should be; it is named.
    """
    chosen = choose_checkpoint(folder, number)
    for name in ("init.pth", "model.pth"):
        if not (chosen / name).is_file():
            raise UsageError(f"{chosen / name}: expected this file, found none; is the download complete?")
    init = read_init(chosen / "init.pth")
    try:
        checkpoint = _checkpoint(chosen, task, init)
    except UsageError as error:
        raise UsageError(f"{chosen / 'init.pth'}: {error}") from error
    _check_targets_file(folder / "targets.json", checkpoint)
    return checkpoint


def choose_checkpoint(folder: Path, number: int | None) -> Path:
    """The folder of the checkpoint with a number, else of that which `best_model.json` names, else of the only one.

    Raises:
        UsageError: If it is not there, or several are and nothing says which.
    """
    there = sorted(path for path in folder.glob("checkpoint-*") if path.is_dir())
    names = ", ".join(path.name for path in there) or "no checkpoint"
    if number is None and (folder / "best_model.json").is_file():
        number = _best(folder / "best_model.json")
    if number is None:
        if len(there) != 1:
            raise UsageError(f"{folder}: expected best_model.json, which names the checkpoint, found none and {names}")
        return there[0]
    chosen = folder / f"checkpoint-{number}"
    if chosen not in there:
        raise UsageError(f"{folder}: expected {chosen.name}, found {names}; is the download complete?")
    return chosen


def _best(file: Path) -> int:
    """The number of the checkpoint that a `best_model.json` names."""
    best = read_json(file)
    entry = next(iter(best.values())) if len(best) == 1 else None
    steps = entry.get("steps") if isinstance(entry, dict) else None
    if type(steps) is not int or steps < 0:
        raise UsageError(
            f"{file}: expected one task with the number of its best checkpoint under steps, found another"
        )
    return steps


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        UsageError: If there is none.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{file}: expected JSON, found none ({type(error).__name__}); is the download complete?"
        ) from error
    if not isinstance(value, dict):
        raise UsageError(f"{file}: expected a JSON object, found {type(value).__name__}")
    return value


def _check_targets_file(file: Path, checkpoint: Checkpoint) -> None:
    """Raise if the file with the labels of a task, where there is one, contradicts the checkpoint."""
    if not file.is_file():
        return
    per_task = read_json(file).get("task_class_2_id")
    try:
        targets = _targets(checkpoint.task, per_task)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    if targets != checkpoint.targets:
        raise UsageError(f"{file}: its labels of {checkpoint.task} stand in another order than in init.pth")


def _checkpoint(chosen: Path, task: str, init: Mapping[str, Any]) -> Checkpoint:
    if init.get("classifier_only"):
        raise UsageError("expected a fine-tuned encoder, found a head alone on a frozen one (classifier_only)")
    for name in ("task_targets", "checkpoint", "p_dropout"):
        if name not in init:
            raise UsageError(f"expected {name}, found {', '.join(sorted(init))}")
    targets = _targets(task, init["task_targets"])
    pooling, occurrences = _read_pooling(init)
    dropout = to_number(init["p_dropout"])
    if not 0 <= dropout < 1:
        raise UsageError(f"expected p_dropout from 0 up to but not including 1, found {dropout}")
    unused = tuple(map(shown, sorted(init.keys() - _USED - _RECORDS)))
    return Checkpoint(task, chosen, targets, pooling, occurrences, float(dropout), str(init["checkpoint"]), unused)


def _targets(task: str, per_task: Any) -> tuple[str, ...]:
    """The labels of the only task there is, in the order of the head."""
    if not isinstance(per_task, dict) or not all(isinstance(name, str) for name in per_task):
        raise UsageError("expected the labels of a task, found none")
    if list(per_task) != [task]:
        raise UsageError(
            f"expected the task {task}, found {shown(', '.join(per_task))}: were folders swapped, or is this a "
            "model of several tasks in one?"
        )
    places = per_task[task]
    if not isinstance(places, dict) or sorted(map(str, places.values())) != sorted(map(str, range(len(places)))):
        raise UsageError(f"expected the place of each label of {task} in the head, found others")
    targets = tuple(sorted(places, key=places.__getitem__))
    check_labels(targets, task)
    return targets


def _read_pooling(init: Mapping[str, Any]) -> tuple[str, str]:
    """Our pooling and occurrences; the keys of older files included."""
    if init.get("use_bert_pooler", False):
        return "pooler", "matched"
    mask = init.get("mask_type")
    if "mask_type" not in init:
        if "include_all" not in init:
            raise UsageError("expected mask_type, or include_all in an older file, found neither")
        mask = "keyword_all" if init["include_all"] else "keyword"
    if mask not in _POOLING:
        raise UsageError(
            f"expected mask_type among {', '.join(_POOLING)}, or use_bert_pooler, found {ascii(mask)[:40]}, which no "
            "pooling of this package stands for"
        )
    return _POOLING[mask]
