import csv
import json

import pytest
from pyarrow import parquet

from stigma_hf.errors import UsageError
from stigma_hf.result_files import PREDICT_COLUMNS, ResultWriter

ROW = {
    "note_id": "n1",
    "task": "other",
    "anchor": "angry",
    "start": 3,
    "end": 8,
    "word": "angry",
    "label": "negative",
    "score": 0.75,
    "probabilities": {"exclude": 0.25, "negative": 0.75},
    "context": 'was "angry", again',
    "model": "m",
    "beside": "ignored",
}
KEPT = {key: ROW[key] for key in PREDICT_COLUMNS}


def write(path, rows, **options):
    with ResultWriter(path, PREDICT_COLUMNS, **options) as writer:
        for row in rows:
            writer.write(row)
    return path


def test_json_lines_hold_a_row_a_line(tmp_path):
    path = write(tmp_path / "a.jsonl", [ROW, ROW])
    assert [json.loads(line) for line in path.read_text().splitlines()] == [KEPT, KEPT]


def test_csv_holds_probabilities_as_json(tmp_path):
    path = write(tmp_path / "a.csv", [ROW])
    with open(path, newline="") as file:
        (row,) = csv.DictReader(file)
    assert json.loads(row.pop("probabilities")) == ROW["probabilities"]
    assert row == {key: str(value) for key, value in KEPT.items() if key != "probabilities"}


def test_parquet_holds_typed_columns_over_many_row_groups(tmp_path):
    path = write(tmp_path / "a.parquet", [ROW] * 5000)
    table = parquet.read_table(path)
    assert table.num_rows == 5000
    assert table.column_names == list(PREDICT_COLUMNS)
    assert {**table.slice(4999).to_pylist()[0], "probabilities": ROW["probabilities"]} == KEPT
    assert table.column("probabilities")[0].as_py() == list(ROW["probabilities"].items())


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_without_spans_there_is_still_a_file(tmp_path, ending):
    path = write(tmp_path / f"a.{ending}", [])
    read = {"jsonl": lambda: path.read_text() == "", "csv": lambda: path.read_text().startswith("note_id,")}
    assert read.get(ending, lambda: parquet.read_table(path).num_rows == 0)()


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_lone_surrogate_in_a_word_becomes_a_question_mark(tmp_path, ending):
    path = write(tmp_path / f"a.{ending}", [{**ROW, "word": "an\ud800gry"}])
    text = str(parquet.read_table(path).to_pylist()) if ending == "parquet" else path.read_text()
    assert "an?gry" in text


def test_what_was_written_stays_when_the_work_fails(tmp_path):
    for ending in ("jsonl", "csv", "parquet"):
        path = tmp_path / f"a.{ending}"
        with pytest.raises(RuntimeError), ResultWriter(path, PREDICT_COLUMNS) as writer:
            writer.write(ROW)
            raise RuntimeError
        assert "angry" in (str(parquet.read_table(path).to_pylist()) if ending == "parquet" else path.read_text())


def test_an_existing_file_is_replaced_only_when_told(tmp_path):
    path = write(tmp_path / "a.jsonl", [ROW])
    with pytest.raises(UsageError, match="exists already; choose another name or allow --overwrite"):
        write(path, [])
    assert path.read_text() != ""
    write(path, [], overwrite=True)
    assert path.read_text() == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", r"ends in \.jsonl, \.csv, \.parquet"),
        ("absent/a.csv", "cannot be written: there is no folder .*absent"),
    ],
)
def test_files_that_cannot_be_written_are_refused_at_once(tmp_path, name, message):
    with pytest.raises(UsageError, match=message):
        ResultWriter(tmp_path / name, PREDICT_COLUMNS)
