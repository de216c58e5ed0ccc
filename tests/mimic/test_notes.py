import pyarrow as pa
import pytest
from mimic_tree import copy_tree, edit, map_rows

from stigma_hf.errors import UsageError
from stigma_hf.mimic.files import find_files
from stigma_hf.mimic.notes import NOTES, NoteStream
from stigma_hf.mimic.tables import AdmissionTable


@pytest.fixture
def tree(tmp_path):
    return copy_tree(tmp_path)


def stream(tree, **options):
    files = find_files(tree)
    return NoteStream(files, AdmissionTable(files), **options)


def test_every_note_is_given_out_once_in_order(tree):
    notes = stream(tree)
    ids = [note_id for batch in notes for note_id in batch.column("note_id").to_pylist()]
    assert len(ids) == len(set(ids)) == notes.counts["notes"] == 300
    assert ids[:2] == ["10003945-DS-3", "10003945-DS-4"]


def test_wanted_notes_alone_are_given_out_and_all_are_counted(tree):
    wanted = pa.array(["10003945-DS-4", "1-DS-1"])
    read = []
    notes = stream(tree, note_ids=wanted, on_notes=read.append)
    batches = list(notes)
    assert [batch.column("note_id").to_pylist() for batch in batches] == [["10003945-DS-4"]]
    assert sum(read) == notes.counts["notes"] == 300
    assert notes.existing(wanted) == {"10003945-DS-4"}


def test_odd_notes_are_counted(tree):
    changes = [{"hadm_id": ""}, {"hadm_id": "5"}, {"subject_id": "10000001"}, {"text": ""}]

    def spoil(rows):
        return [row | change for row, change in zip(rows, changes, strict=False)] + rows[len(changes) :]

    edit(tree / "discharge.csv.gz", spoil)
    notes = stream(tree)
    assert sum(map(len, notes)) == 300
    assert notes.counts == {
        "notes": 300,
        "notes without hadm_id": 1,
        "notes of an unknown admission": 1,
        "notes of another patient than their admission": 1,
        "notes without text": 1,
    }


def test_note_id_that_stands_twice_is_an_error(tree):
    edit(tree / "discharge.csv.gz", lambda rows: [*rows, rows[7], rows[7], rows[9]])
    with pytest.raises(UsageError, match=r"each note_id once, found 2 more than once \(\d+-DS-\d+, \d+-DS-\d+\)"):
        list(stream(tree))


def test_renamed_column_is_an_error(tree):
    edit(tree / "discharge.csv.gz", map_rows(lambda row: {{"text": "note_text"}.get(k, k): v for k, v in row.items()}))
    with pytest.raises(UsageError, match="missing text; found note_id, .*note_text"):
        list(stream(tree))


def test_extra_columns_come_along(tree):
    batch = next(iter(stream(tree, extra_columns={"charttime": pa.string()})))
    assert batch.schema.names == [*NOTES, "charttime"]
