import gzip
import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from stigma_hf.errors import UsageError
from stigma_hf.note_files import NoteReader, UnreadableNote

NOTES = ["She refused.", 'two\nlines, "quoted"', "", "caf\xe9"]


def texts(*inputs, **options):
    return [note.text for note in NoteReader(inputs, **options)]


def write_csv(path, rows, header="note_id,text"):
    quoted = "\n".join(f'{number},"{text.replace(chr(34), chr(34) * 2)}"' for number, text in enumerate(rows))
    data = f"{header}\n{quoted}\n".encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_jsonl(path, rows):
    data = "".join(json.dumps({"text": text, "id": f"n{i}"}) + "\n" for i, text in enumerate(rows)).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_parquet(path, rows):
    parquet.write_table(pa.table({"text": rows}), path)
    return path


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.csv", write_csv),
        ("a.csv.gz", write_csv),
        ("a.jsonl", write_jsonl),
        ("a.jsonl.gz", write_jsonl),
        ("a.parquet", write_parquet),
    ],
)
def test_every_format_gives_the_notes_back(tmp_path, name, write):
    reader = NoteReader([write(tmp_path / name, NOTES)])
    assert [note.text for note in reader] == NOTES
    assert reader.bytes_read == reader.bytes_total > 0


def test_ids_come_from_their_column_or_number_the_rows(tmp_path):
    assert [n.note_id for n in NoteReader([write_jsonl(tmp_path / "a.jsonl", NOTES)])] == ["n0", "n1", "n2", "n3"]
    assert [n.note_id for n in NoteReader([write_parquet(tmp_path / "a.parquet", NOTES)])][:2] == [
        "a.parquet:1",
        "a.parquet:2",
    ]


def test_a_folder_stands_for_every_file_of_notes_in_it(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_bytes(b"line\r\nnext")
    (tmp_path / "sub" / "a.txt").write_text("deep")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    reader = NoteReader([tmp_path])
    assert [(note.note_id, note.text) for note in reader] == [("b.txt", "line\r\nnext"), ("sub/a.txt", "deep")]


def test_text_column_is_taken_by_name_or_guessed_with_a_message(tmp_path, caplog):
    path = tmp_path / "a.csv"
    path.write_text("Report,body,other\nx,y,z\n")
    caplog.set_level("INFO")
    assert texts(path) == ["y"]
    assert "taking the text from the column 'body', rows numbered" in caplog.text
    assert texts(path, text_column="other") == ["z"]


def test_a_column_that_is_missing_or_cannot_be_guessed_is_an_error_with_the_choices(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("first,second\nx,y\n")
    with pytest.raises(UsageError, match="no column 'note'; expected one of first, second"):
        texts(path, text_column="note")
    with pytest.raises(UsageError, match="name it with --text-column: first, second"):
        texts(path)
    with pytest.raises(UsageError, match="no column 'key'"):
        texts(path, text_column="first", id_column="key")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda d: d / "absent.txt", "absent.txt: no such file or folder"),
        (
            lambda d: (d / "empty").mkdir() or d / "empty",
            "expected a folder with files of notes .* found 0 other files",
        ),
        (
            lambda d: (d / "a.docx").write_text("x") and d / "a.docx",
            r"file that ends in \.txt, \.csv, \.jsonl, \.parquet",
        ),
    ],
)
def test_inputs_that_cannot_hold_notes_are_refused_before_reading(tmp_path, make, message):
    with pytest.raises(UsageError, match=message):
        NoteReader([make(tmp_path)])


def test_unknown_encoding_and_error_policy_are_refused(tmp_path):
    with pytest.raises(UsageError, match="unknown encoding 'utf-88'"):
        NoteReader([tmp_path], encoding="utf-88")
    with pytest.raises(UsageError, match="on_error among skip, stop, found 'ignore'"):
        NoteReader([tmp_path], on_error="ignore")


SECRET = "SECRET-NOTE"


def binary_text(folder):
    (folder / "a.txt").write_text("first")
    (folder / "b.txt").write_bytes(f"{SECRET} \xff".encode("latin-1"))
    (folder / "c.txt").write_text("last")
    return folder, 2, "b.txt: not utf-8 text; name its encoding with --encoding", "not text in the given encoding"


def truncated_gzip(folder):
    path = folder / "a.csv.gz"
    rows = "".join(f"{i},{SECRET} {i * 7919 % 1013}\n" for i in range(20_000))
    path.write_bytes(gzip.compress(f"id,text\n{rows}".encode())[:-4000])
    return path, None, "the gzip data is broken or ends early", "rest of an unreadable file"


def corrupt_gzip(folder):
    path = folder / "a.jsonl.gz"
    data = bytearray(gzip.compress(b"\n".join(json.dumps({"text": SECRET * i}).encode() for i in range(500))))
    data[len(data) // 2 :] = b"\0" * (len(data) - len(data) // 2)
    path.write_bytes(bytes(data))
    return path, None, "the gzip data is broken or ends early", "rest of an unreadable file"


def truncated_jsonl(folder):
    path = folder / "a.jsonl"
    path.write_text(json.dumps({"text": "first"}) + "\n" + json.dumps({"text": SECRET})[:-3])
    return path, 1, "a.jsonl:2: expected one JSON object on the line", "broken JSON line"


def null_and_number_in_jsonl(folder):
    path = folder / "a.jsonl"
    path.write_text('{"text": "first"}\n{"text": null}\n')
    return path, 1, "a.jsonl:2: expected text, found NoneType", "row without text"


def ragged_csv(folder):
    path = folder / "a.csv"
    path.write_text(f"id,text\n1,first\n2,{SECRET},more\n3,last\n")
    return path, 2, "expected 2 fields in a row of a.csv, found 3", "row with too many or too few fields"


def not_parquet(folder):
    path = folder / "a.parquet"
    path.write_text(SECRET)
    return path, 0, "not a readable Parquet file", "rest of an unreadable file"


def numbers_in_parquet(folder):
    path = folder / "a.parquet"
    parquet.write_table(pa.table({"text": [1, 2]}), path)
    return path, 0, "expected text in the column 'text', found int64", "rest of an unreadable file"


def empty_csv(folder):
    path = folder / "a.csv"
    path.write_bytes(b"")
    return path, 0, "expected a line of column names, found an empty file", "rest of an unreadable file"


def unpaired_quote(folder):
    path = folder / "a.csv"
    path.write_text(f'id,text\n1,first\n2,"{SECRET}\n3,last\n')
    return path, None, "a quotation mark is left open", "rest of an unreadable file"


def endless_row(folder):
    path = folder / "a.csv"
    path.write_text(f'id,text\n1,first\n2,"{SECRET}' + "x\n" * 50_000_000)
    return path, None, "longer than 32 MiB; is a quotation mark left open", "rest of an unreadable file"


@pytest.mark.parametrize(
    "make",
    [binary_text, truncated_gzip, corrupt_gzip, truncated_jsonl, null_and_number_in_jsonl, ragged_csv, not_parquet]
    + [numbers_in_parquet, empty_csv, unpaired_quote, endless_row],
)
def test_what_cannot_be_read_stops_or_is_skipped_and_counted_and_never_quoted(tmp_path, make, caplog):
    path, kept, message, reason = make(tmp_path)
    with pytest.raises(UnreadableNote, match=message) as caught:
        texts(path)
    reader = NoteReader([path], on_error="skip")
    notes = list(reader)
    assert reader.skipped == {reason: 1}
    assert kept is None or len(notes) == kept
    assert SECRET not in caplog.text
    assert SECRET not in str(caught.value) and SECRET not in repr(caught.value.__cause__)


def test_other_encodings_are_read_when_named(tmp_path):
    (tmp_path / "a.txt").write_bytes("caf\xe9".encode("latin-1"))
    assert texts(tmp_path / "a.txt", encoding="latin-1") == ["caf\xe9"]
    (tmp_path / "a.txt").write_bytes("\ufeffcaf\xe9".encode())
    assert texts(tmp_path / "a.txt") == ["caf\xe9"]


def test_a_note_of_a_megabyte_in_a_csv_row_is_read_whole(tmp_path):
    note = "word " * 250_000
    assert texts(write_csv(tmp_path / "a.csv", [note])) == [note]
