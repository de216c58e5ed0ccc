"""The windows that a model was trained on: what must not be found again in what is published."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stigma_hf.baseline.training_data import SPLITS
from stigma_hf.context_window import ContextWindow
from stigma_hf.errors import UsageError
from stigma_hf.publishing.findings import Finding
from stigma_hf.publishing.provenance import Origin, provenance_of
from stigma_hf.publishing.texts import FileText

WORDS_IN_A_ROW = 8
"""So many words in a row, equal to those of a window, are text of a note."""

_ADVICE = "write it anew with invented text"


@dataclass(frozen=True)
class TrainingText:
    """The spans of a data set, with the note of each.

    Attributes:
        windows: The training windows.
        notes: The note of each.
        others: The windows of the other splits.
    """

    windows: list[ContextWindow]
    notes: list[str]
    others: list[ContextWindow]

    @cached_property
    def hashes(self) -> frozenset[int]:
        """Hashes of all runs of eight words in all windows; they hold for this process only."""
        contexts = (window.context for window in (*self.windows, *self.others))
        return frozenset(run for context in contexts for run in _runs(context))

    def is_in(self, text: str) -> bool:
        """Whether eight words in a row of some window stand in a text, whatever the case and punctuation."""
        return any(run in self.hashes for run in _runs(text))


def read_training_text(folder: str | Path, origin: Origin, config: Mapping[str, Any] | None = None) -> TrainingText:
    """The spans in a folder of `build-dataset`.

    Args:
        folder: The folder.
        origin: Origin of what is to be published.
        config: Configuration of the model that was trained on them, if it is one.

    Raises:
        UsageError: If it holds no spans, comes from elsewhere than the model, or cannot be what it was trained on.
    """
    from pyarrow import parquet

    root = Path(folder)
    if not (root / "all" / "train.parquet").is_file():
        raise UsageError(f"{folder}: expected the folder of build-dataset that it was trained on, found none")
    found = provenance_of(root).origin
    if found is not origin:
        raise UsageError(f"{folder}: expected the training data of something {origin}, found data that is {found}")
    rows = {
        split: parquet.read_table(path, columns=["task", "anchor", "context", "note_id"]).to_pylist()
        for split in SPLITS
        if (path := root / "all" / f"{split}.parquet").is_file()
    }
    train = rows.pop("train")
    _check_numbers(folder, train, config or {})
    others = [ContextWindow.from_item(row) for split in rows.values() for row in split]
    return TrainingText([ContextWindow.from_item(row) for row in train], [row["note_id"] for row in train], others)


def find_note_text(text: FileText, training: TrainingText) -> list[Finding]:
    """Whether a run of words of a training window stands in a file.

    Args:
        text: The text of the file.
        training: The windows.
    """
    whole = "\n".join((*text.prose, *text.vocabulary))
    if training.is_in(whole):
        return [Finding(text.shown, f"{WORDS_IN_A_ROW} words in a row of a training window", _ADVICE)]
    return []


def find_note_text_in_names(names: Mapping[str, str], training: TrainingText) -> list[Finding]:
    """Whether a run of words of a training window stands in a name.

    Args:
        names: Names, with how each may be shown.
        training: The windows.
    """
    kind = f"{WORDS_IN_A_ROW} words in a row of a training window in the name"
    return [Finding(shown, kind, "give it another name") for name, shown in names.items() if training.is_in(name)]


def _runs(text: str) -> Iterable[int]:
    words = re.findall(r"[^\W_]+", text.casefold())
    return (hash(tuple(words[at : at + WORDS_IN_A_ROW])) for at in range(len(words) - WORDS_IN_A_ROW + 1))


def _check_numbers(folder: str | Path, train: list[dict[str, Any]], config: Mapping[str, Any]) -> None:
    """Raise if a model was trained on more spans of a task than there are: then these are not all of its spans."""
    for task, about in ((config.get("training") or {}).get("tasks") or {}).items():
        trained_on = (about.get("spans") or {}).get("train", 0)
        there = sum(row["task"] == task for row in train)
        if there < trained_on:
            raise UsageError(
                f"{folder}: expected the {trained_on} training spans of {task} that the model learned from, found "
                f"{there}; give the data set that it was trained on"
            )
