"""The spans of one task in a corpus, as arrays: what a model says of each, and what people say of some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stigma_hf.errors import UsageError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

HARMFUL = {"adamant": ("difficult", "disbelief"), "compliance": ("negative",), "other": ("negative",)}
"""Labels of each task that put a patient in a bad light."""

UNKNOWN = -1
"""Stands for a label that nobody gave, and for a group that is not known."""

_SUM_TOLERANCE = 1e-3


class Grouping(NamedTuple):
    """Which group each span belongs to.

    Attributes:
        names: Names of the groups.
        codes: Place of the group of each span among the names, UNKNOWN where none is given.
    """

    names: tuple[str, ...]
    codes: IntArray


@dataclass(frozen=True)
class CorpusSpans:
    """Every span of one task in a corpus; all arrays have one entry per span.

    Attributes:
        task: Task id.
        labels: Labels of the task.
        anchors: Names of the anchors.
        anchor: Place of the span's anchor among them.
        patient: Number of the patient whose note it stands in, from 0 without gaps.
        note: Number of the note, likewise.
        text: Number of the text it is a repeat of, likewise; a text that stands once has a number of its own.
        predicted: Place of the label that the model gives.
        probabilities: Probability of each label by the model, shape (spans, labels).
        gold: Place of the label that people gave, UNKNOWN for most spans.
        groups: Name of a grouping (sex, race) to the groups.
    """

    task: str
    labels: tuple[str, ...]
    anchors: tuple[str, ...]
    anchor: IntArray
    patient: IntArray
    note: IntArray
    text: IntArray
    predicted: IntArray
    probabilities: FloatArray
    gold: IntArray
    groups: Mapping[str, Grouping]

    @classmethod
    def from_columns(
        cls,
        task: str,
        labels: Sequence[str],
        *,
        anchors: Sequence[Any],
        patients: Sequence[Any],
        predicted: Sequence[Any],
        gold: Sequence[Any],
        notes: Sequence[Any] | None = None,
        texts: Sequence[Any] | None = None,
        probabilities: npt.ArrayLike | None = None,
        groups: Mapping[str, Sequence[Any]] | None = None,
    ) -> Self:
        """Spans from columns of equal length: lists, numpy or Arrow arrays, with missing values where allowed.

        Args:
            task: Task id.
            labels: Labels of the task, in the order of the probabilities.
            anchors: Anchor of each span.
            patients: Patient of each span; whatever tells one patient from another.
            predicted: Label that the model gives each span.
            gold: Label that people gave, missing for most spans.
            notes: Note of each span; one note per patient if not given.
            texts: Text of the window, or whatever is equal for repeats of it; none repeats if not given. A label given
                to one of them counts for all repeats, unless they were given different ones.
            probabilities: Probability of each label, shape (spans, labels); 1 for the predicted label if not given.
            groups: Name of a grouping to the group of each span, missing where it is not known.

        Raises:
            UsageError: If lengths differ, a label is none of the task, a value is missing where it may not be, or
                probabilities are none.
        """
        columns: dict[str, Any] = {"anchors": anchors, "patients": patients, "predicted": predicted, "gold": gold}
        columns |= {"notes": notes, "texts": texts, "probabilities": probabilities, **(groups or {})}
        sizes = {name: len(column) for name, column in columns.items() if column is not None}
        if len(set(sizes.values())) > 1:
            raise UsageError(f"task {task}: expected columns of one length, found {sizes}")
        anchor_names, anchor = _encode(task, "anchors", anchors)
        guessed = _places(task, "predicted", predicted, labels)
        if (guessed == UNKNOWN).any():
            raise UsageError(f"task {task}: expected a predicted label for every span, some have none")
        _, patient = _encode(task, "patients", patients)
        given = _places(task, "gold", gold, labels)
        if texts is None:
            text = np.arange(len(anchor), dtype=np.int64)
        else:
            _, same_words = _encode(task, "texts", texts)
            _, text = np.unique(same_words * len(anchor_names) + anchor, return_inverse=True)
        return cls(
            task,
            tuple(labels),
            anchor_names,
            anchor,
            patient,
            patient if notes is None else _encode(task, "notes", notes)[1],
            text,
            guessed,
            np.eye(len(labels))[guessed] if probabilities is None else _checked(task, probabilities, len(labels)),
            _spread(given, text),
            {name: Grouping(*_encode(task, name, column, True)) for name, column in (groups or {}).items()},
        )

    def __len__(self) -> int:
        return len(self.anchor)

    def restricted(self, kept: BoolArray) -> Self:
        """Some of the spans; anchors and groups keep their places, patients, notes and texts are numbered anew."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("anchor", "predicted", "probabilities", "gold"):
            values[name] = values[name][kept]
        for name in ("patient", "note", "text"):
            values[name] = np.unique(values[name][kept], return_inverse=True)[1]
        values["groups"] = {name: Grouping(names, codes[kept]) for name, (names, codes) in self.groups.items()}
        return type(self)(**values)


def count_distinct(codes: IntArray) -> int:
    """How many different numbers there are."""
    return len(np.unique(codes))


def _encode(task: str, name: str, column: Sequence[Any], may_miss: bool = False) -> tuple[tuple[str, ...], IntArray]:
    """The different values of a column as text, and the place of each entry among them."""
    array = column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column, from_pandas=True)
    if array.null_count and not may_miss:
        raise UsageError(f"task {task}: expected a value for every span in {name}, {array.null_count:,} are missing")
    encoded = (
        array.cast(pa.string()).combine_chunks() if isinstance(array, pa.ChunkedArray) else array.cast(pa.string())
    )
    encoded = encoded.dictionary_encode()
    codes = encoded.indices.fill_null(UNKNOWN).to_numpy(zero_copy_only=False).astype(np.int64)
    return tuple(encoded.dictionary.to_pylist()), codes


def _places(task: str, name: str, column: Sequence[Any], labels: Sequence[str]) -> IntArray:
    """The place of each label among those of the task, UNKNOWN where none is given."""
    found, codes = _encode(task, name, column, True)
    unknown = sorted(set(found) - set(labels))
    if unknown:
        raise UsageError(
            f"task {task}: expected {name} labels among {', '.join(labels)}, found {', '.join(map(repr, unknown))}"
        )
    places = np.array([labels.index(label) for label in found] + [UNKNOWN], dtype=np.int64)
    return places[codes]


def _checked(task: str, probabilities: npt.ArrayLike, n_labels: int) -> FloatArray:
    values = np.asarray(probabilities, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != n_labels:
        raise UsageError(f"task {task}: expected probabilities of {n_labels} labels, found shape {values.shape}")
    # NaN fails both comparisons.
    is_good = ((values >= 0) & (values <= 1)).all(axis=1) & (np.abs(values.sum(axis=1) - 1) <= _SUM_TOLERANCE)
    if not is_good.all():
        raise UsageError(
            f"task {task}: expected probabilities between 0 and 1 that add up to 1, {(~is_good).sum():,} of "
            f"{len(values):,} spans have others"
        )
    return values


def _spread(gold: IntArray, text: IntArray) -> IntArray:
    """Give the label of a text to all its repeats, unless it was given two."""
    n_texts = int(text.max(initial=-1)) + 1
    lowest, highest = np.full(n_texts, np.iinfo(np.int64).max), np.full(n_texts, UNKNOWN)
    labelled = gold != UNKNOWN
    np.minimum.at(lowest, text[labelled], gold[labelled])
    np.maximum.at(highest, text[labelled], gold[labelled])
    agreed = np.where(lowest == highest, highest, UNKNOWN)
    return np.where(labelled, gold, agreed[text])
