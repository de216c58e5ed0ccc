import gzip
import os

import pyarrow as pa
import pytest

from stigma_hf.errors import UsageError
from stigma_hf.mimic.csv_input import BrokenFile, read_batches, read_table

COLUMNS = {"a": pa.string(), "n": pa.int64(), "text": pa.large_binary()}
SECRET = "patient was adamant"


def read(tmp_path, data, columns=COLUMNS, name="x.csv", **options):
    path = tmp_path / name
    path.write_bytes(data)
    return [row for batch in read_batches(path, columns, **options) for row in batch.to_pylist()]


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_text_keeps_line_breaks_quotes_bytes_and_the_letters_na(tmp_path, name):
    data = b'a,n,other,text\nNA,,z,"one\r\n""two"" \xe9\xff"\nnull,3,z,\n'
    rows = read(tmp_path, gzip.compress(data) if name.endswith("gz") else data, name=name)
    assert rows == [
        {"a": "NA", "n": None, "text": b'one\r\n"two" \xe9\xff'},
        {"a": "null", "n": 3, "text": b""},
    ]


def test_columns_come_in_the_order_asked_for_and_byte_order_mark_is_no_part_of_a_name(tmp_path):
    assert list(read(tmp_path, b"\xef\xbb\xbftext,a,n\nx,y,1\n")[0]) == ["a", "n", "text"]


@pytest.mark.parametrize("length", [10, 63, 64, 65, 1000])
def test_record_of_any_length_is_read_once(tmp_path, length):
    data = b"a,n,text\n" + b"".join(b'%d,%d,"%s"\n' % (i, i, b"x\n" * (length if i == 5 else 3)) for i in range(12))
    rows = read(tmp_path, data, block_bytes=64)
    assert [row["n"] for row in rows] == list(range(12))
    assert len(rows[5]["text"]) == 2 * length


def test_header_alone_gives_no_rows(tmp_path):
    assert read(tmp_path, b"a,n,text\n") == []
    assert read_table(tmp_path / "x.csv", COLUMNS).schema == pa.schema(COLUMNS)


def packed(rows=20_000):
    body = b"".join(b'1,2,"%s"\n' % os.urandom(20).hex().encode() for _ in range(rows))
    return gzip.compress(b"a,n,text\n" + body)


def flipped(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-4],
        lambda data: data[: len(data) // 2],
        lambda data: data[:5],
        flipped,
        lambda data: SECRET.encode(),
    ],
    ids=["last bytes missing", "half missing", "all but missing", "flipped byte", "not gzip"],
)
def test_broken_gzip_is_an_error_that_names_the_file(tmp_path, spoil):
    with pytest.raises(BrokenFile, match=r"x\.csv\.gz: the gzip data is broken or ends early; fetch"):
        read(tmp_path, spoil(packed()), name="x.csv.gz")


def test_plain_file_that_ends_inside_a_text_is_an_error(tmp_path):
    with pytest.raises(BrokenFile, match=r"x\.csv: ends inside a quoted field"):
        read(tmp_path, f'a,n,text\n1,2,"{SECRET}'.encode())


def test_row_with_too_few_fields_is_an_error_with_its_number(tmp_path):
    with pytest.raises(BrokenFile, match=r"row 3: expected 3 fields, found 2") as error:
        read(tmp_path, f'a,n,text\n1,2,"x"\n{SECRET},3\n'.encode())
    assert_quotes_nothing(error)


def test_wrong_value_is_an_error_with_its_column(tmp_path):
    with pytest.raises(BrokenFile, match=r"row 2: expected int64 in the column 'n'") as error:
        read(tmp_path, f"a,n,text\n1,{SECRET},x\n".encode())
    assert_quotes_nothing(error)


def test_quote_left_open_is_an_error_and_does_not_fill_the_memory(tmp_path):
    with pytest.raises(BrokenFile, match="longer than 32 MiB; is a quote left open"):
        read(tmp_path, b'a,n,text\n1,2,"' + b"x\n" * 2**25)


def test_empty_file_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="found an empty file"):
        read(tmp_path, b"")


@pytest.mark.parametrize(("sign", "name"), [(b";", "semicolons"), (b"\t", "tabs"), (b"|", "vertical bars")])
def test_wrong_delimiter_is_named(tmp_path, sign, name):
    with pytest.raises(UsageError, match=f"columns separated by commas, found {name}"):
        read(tmp_path, b"a,n,text\n".replace(b",", sign))


def test_missing_columns_are_named_with_those_there_are(tmp_path):
    with pytest.raises(UsageError, match="expected columns a, n, text; missing n, text; found a, m"):
        read(tmp_path, b"a,m\n")


def test_file_without_column_names_is_not_quoted(tmp_path):
    with pytest.raises(UsageError, match="found no column names") as error:
        read(tmp_path, f"1,2,{SECRET}\n".encode())
    assert_quotes_nothing(error)


def assert_quotes_nothing(error):
    """Neither the message nor what stands behind it in a traceback holds the row."""
    assert SECRET not in str(error.value)
    assert error.value.__context__ is None or error.value.__suppress_context__
