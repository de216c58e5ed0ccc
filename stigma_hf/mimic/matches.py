"""Turn notes into tables of matches, and add what is known of each patient."""

from collections.abc import Collection, Mapping
from operator import attrgetter

import pyarrow as pa

from stigma_hf.cleaning import Span
from stigma_hf.mimic.tables import AdmissionTable
from stigma_hf.search import AnchorMatch, AnchorSearch

MATCHES = pa.schema(
    {
        "note_id": pa.string(),
        "subject_id": pa.int64(),
        "hadm_id": pa.int64(),
        "task": pa.string(),
        "anchor": pa.string(),
        "clean_start": pa.int32(),
        "clean_end": pa.int32(),
        "context": pa.string(),
    }
)
METADATA = pa.schema(
    {
        "sex": pa.string(),
        "race": pa.string(),
        "age": pa.int32(),
        "language": pa.string(),
        "marital_status": pa.string(),
        "insurance": pa.string(),
        "admission_type": pa.string(),
        "service": pa.string(),
        "unit": pa.string(),
        "icd_9_codes": pa.list_(pa.string()),
        "icd_10_codes": pa.list_(pa.string()),
    }
)
_FOUND = list(MATCHES)[3:]

Places = Mapping[str, Collection[Span]]
"""Spans of the cleaned note, by note id."""


def search_notes(notes: pa.RecordBatch, search: AnchorSearch, places: Places | None = None) -> pa.Table:
    """The matches in some notes, in the columns of `MATCHES` and any other that the notes have.

    They come by note, then by task in lexicon order, then by position.

    Notes are decoded as latin-1, whatever they were written in, because the published offsets were made so: a
    character that takes two bytes counts twice.

    Args:
        notes: Notes in the columns of `NOTES`, and others if need be.
        search: What to look for.
        places: Where to look in each note; everywhere when None.
    """
    rows: list[int] = []
    found: list[AnchorMatch] = []
    ids, texts = notes.column("note_id").to_pylist(), notes.column("text").to_pylist()
    for row, (note_id, text) in enumerate(zip(ids, texts, strict=True)):
        note = text.decode("latin-1")
        matches = search.search(note) if places is None else search.search_at(note, places[note_id])
        rows += [row] * len(matches)
        found += matches
    sources = notes.drop_columns("text").take(pa.array(rows, pa.int64()))
    arrays = [pa.array(list(map(attrgetter(field.name), found)), field.type) for field in _FOUND]
    return pa.Table.from_arrays([*sources.columns, *arrays], schema=pa.schema([*sources.schema, *_FOUND]))


def attach_metadata(matches: pa.Table, admissions: AdmissionTable) -> pa.Table:
    """Matches with the columns of `METADATA` of their admission; missing where there is no such admission."""
    known = admissions.take(matches["hadm_id"]).select(METADATA.names).cast(METADATA)
    for name in METADATA.names:
        matches = matches.append_column(METADATA.field(name), known[name])
    return matches
