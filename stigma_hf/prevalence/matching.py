"""Find the span of the corpus that each label was given to."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stigma_hf.errors import UsageError
from stigma_hf.prevalence.tables import require

_SPAN = ("note_id", "task", "anchor")
_PLACES = (("clean_start", "clean_end"), ("start", "end"))
_WORDS = "words"
_PARTS = ("context_left", "context_anchor", "context_right")
"""The window in the files of `stigma-hf sample`."""


def match_labels(
    spans: pa.Table, sample: pa.Table, predictions: str | Path, labelled: str | Path, remarks: list[str]
) -> pa.Array:
    """The label that people gave each span of the corpus, missing for most of them.

    Spans of a note are told apart by their place in the cleaned note, their place in the note, or the words around
    them: by the first of these that both tables have.

    Args:
        spans: The predictions.
        sample: The labelled spans.
        predictions: Name of the file of predictions, for messages.
        labelled: Name of the file of labels.
        remarks: Where sentences are added about labels that are not used.

    Raises:
        UsageError: If spans cannot be told apart, or not a single label belongs to one of the corpus.
    """
    require(sample, (*_SPAN, "label"), labelled)
    key = _key(spans, sample, predictions, labelled)
    n_rows = len(sample)
    sample = _with_words(sample.filter(pc.is_valid(sample["label"])))
    if empty := n_rows - len(sample):
        remarks.append(f"{empty:,} of {n_rows:,} sampled spans have no label; they are taken to be like the others")
    said: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for *span, label in zip(*_columns(sample, (*_SPAN, *key, "label")), strict=True):
        said[tuple(span)].add(label.strip().lower())
    if two := [span for span, labels in said.items() if len(labels) > 1]:
        remarks.append(f"{len(two):,} spans were given two labels; neither is used")
    in_note = pc.is_in(spans["note_id"], pc.unique(sample["note_id"]))
    near = np.flatnonzero(in_note.to_numpy())
    candidates = _with_words(spans.filter(in_note))
    gold: list[str | None] = [None] * len(spans)
    found = set()
    for place, *span in zip(near, *_columns(candidates, (*_SPAN, *key)), strict=True):
        if labels := said.get(tuple(span)):
            found.add(tuple(span))
            gold[place] = next(iter(labels)) if len(labels) == 1 else None
    if not found:
        raise UsageError(
            f"{labelled}: expected labels of spans in {predictions}, none of {len(said):,} is there, compared by "
            f"{', '.join((*_SPAN, *key))}; predict all notes that the sample was drawn from, with the same windows "
            "and the same encoding"
        )
    if lost := len(said) - len(found):
        remarks.append(f"{lost:,} of {len(said):,} labelled spans are not in the predictions; they are not used")
    return pa.array(gold, pa.string())


def _key(spans: pa.Table, sample: pa.Table, predictions: str | Path, labelled: str | Path) -> tuple[str, ...]:
    """The columns that tell the spans of a note apart in both tables."""
    for key in _PLACES:
        if all(name in table.column_names for table in (spans, sample) for name in key):
            return key
    if all("context" in table.column_names or set(_PARTS) <= set(table.column_names) for table in (spans, sample)):
        return (_WORDS,)
    raise UsageError(
        f"{predictions} and {labelled}: expected columns in both that tell the spans of a note apart: clean_start and "
        "clean_end, start and end, or context; the file of stigma-hf sample with its labels filled in has the context"
    )


def _with_words(table: pa.Table) -> pa.Table:
    """A table with the words of each window run together, which is the same however a file cuts or spaces them."""
    names = table.column_names
    if "context" in names:
        words = table["context"]
    elif set(_PARTS) <= set(names):
        parts = [table[name] for name in _PARTS]
        words = pc.binary_join_element_wise(*parts, "", null_handling="replace")
    else:
        return table
    return table.append_column(_WORDS, pc.replace_substring_regex(words, r"\s+", ""))


def _columns(table: pa.Table, names: tuple[str, ...]) -> list[list[str]]:
    return [table[name].to_pylist() for name in names]
