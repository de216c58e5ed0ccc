import os

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from mimic_tree import TREE

from stigma_hf.mimic import workers
from stigma_hf.mimic.csv_input import read_batches
from stigma_hf.mimic.notes import NOTES
from stigma_hf.mimic.workers import search_batches


def batches(rows):
    notes = pa.Table.from_batches(list(read_batches(TREE / "discharge.csv.gz", NOTES)))
    return notes.combine_chunks().to_batches(max_chunksize=rows)


@pytest.mark.parametrize("num_proc", [2, 3])
@pytest.mark.parametrize("rows", [1, 7, 300])
def test_any_number_of_processes_gives_each_batch_in_order(num_proc, rows):
    assert list(search_batches(batches(rows), num_proc)) == list(search_batches(batches(rows)))


@pytest.mark.parametrize("num_proc", [1, 2])
def test_places_restrict_the_matches_to_those_that_stand_there(num_proc):
    everywhere = pa.concat_tables(search_batches(batches(100)))
    places = {note_id: set() for note_id in everywhere["note_id"].to_pylist()}
    chosen = everywhere.take(list(range(0, len(everywhere), 3)))
    for row in chosen.to_pylist():
        start, end = row["clean_start"], row["clean_end"]
        places[row["note_id"]] |= {(start, end), (start, end + 1)}
    annotated = [batch.filter(pc.is_in(batch["note_id"], value_set=pa.array(places))) for batch in batches(100)]
    assert pa.concat_tables(search_batches(annotated, num_proc, places)).to_pylist() == chosen.to_pylist()


def test_batch_too_large_for_shared_memory_is_searched_all_the_same(monkeypatch):
    monkeypatch.setattr(workers, "_BLOCK_BYTES", 2**17)
    assert list(search_batches(batches(300), 2)) == list(search_batches(batches(300)))


def test_no_notes_give_no_matches():
    assert list(search_batches([], 2)) == []


def test_error_while_reading_ends_the_workers(caplog):
    def broken():
        yield from batches(10)
        raise ValueError("cut short")

    with pytest.raises(ValueError, match="cut short"):
        list(search_batches(broken(), 2))


def test_error_in_a_worker_comes_out(monkeypatch):
    def broken(batch, places):
        raise ValueError("no search")

    monkeypatch.setattr(workers, "_search", broken)
    with pytest.raises(ValueError, match="no search"):
        list(search_batches(batches(100), 2))


def test_worker_that_dies_is_an_error_and_no_endless_wait(monkeypatch):
    def die(connection, places):
        connection.recv()
        os._exit(1)

    monkeypatch.setattr(workers, "_serve", die)
    with pytest.raises(RuntimeError, match="a search process ended early"):
        list(search_batches(batches(100), 2))
