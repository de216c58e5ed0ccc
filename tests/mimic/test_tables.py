import pyarrow as pa
import pytest
from mimic_tree import copy_tree, edit, map_rows

from stigma_hf.mimic.categories import race_group
from stigma_hf.mimic.csv_input import BrokenFile
from stigma_hf.mimic.files import find_files
from stigma_hf.mimic.tables import AdmissionTable

FIRST = 27807361


@pytest.fixture
def tree(tmp_path):
    return copy_tree(tmp_path)


def admission(tree, hadm_id=FIRST):
    return AdmissionTable(find_files(tree)).take(pa.array([hadm_id])).to_pylist()[0]


def test_clean_tree_has_nothing_to_count(tree):
    assert AdmissionTable(find_files(tree)).counts == {}


def test_later_releases_come_out_as_earlier_ones(tree):
    def as_later(row):
        return row | {"language": "Spanish", "insurance": "No charge", "marital_status": "SINGLE"}

    edit(tree / "admissions.csv.gz", map_rows(as_later))
    found = admission(tree)
    assert (found["language"], found["insurance"], found["marital_status"]) == ("Spanish", "No Charge", "Single")


def test_empty_categories_are_missing(tree):
    blank = {"language": "", "insurance": "", "marital_status": "", "race": ""}
    edit(tree / "admissions.csv.gz", map_rows(lambda row: row | blank))
    found = admission(tree)
    assert [found[name] for name in blank] == [None] * 4


@pytest.mark.parametrize(
    ("race", "group"),
    [
        ("HISPANIC/LATINO - GUATEMALAN", "Hispanic or Latino"),
        ("HISPANIC/LATINO - COLUMBIAN", "Hispanic or Latino"),
        ("BLACK/CARIBBEAN ISLAND", "Black or African American"),
        ("White - Russian", "White or Caucasian"),
        ("PATIENT DECLINED TO ANSWER", "Unknown"),
        ("MARTIAN", "Martian"),
    ],
)
def test_races_are_grouped_as_published(race, group):
    assert race_group(race) == group


def test_races_beyond_the_published_groups_are_counted(tree):
    edit(tree / "admissions.csv.gz", map_rows(lambda row: row | {"race": "MARTIAN"}))
    assert AdmissionTable(find_files(tree)).counts == {"admissions of a race without a published group": 344}


def test_service_and_unit_are_the_last_by_time_whatever_the_order_of_rows(tree):
    before = admission(tree, 29997062)
    for name in ("services", "transfers"):
        edit(tree / f"{name}.csv.gz", lambda rows: rows[::-1])
    after = admission(tree, 29997062)
    assert (after["service"], after["unit"]) == (before["service"], before["unit"]) == ("OMED", before["unit"])


def test_codes_keep_their_recorded_order_and_stay_apart_by_version(tree):
    def change(rows):
        rows = [row for row in rows if row["hadm_id"] != str(FIRST)]
        first = {"subject_id": "10003945", "hadm_id": str(FIRST)}
        codes = [("3", "V3", "9"), ("1", "A1", "10"), ("2", "B2", "10"), ("4", "W4", "9"), ("5", "X", "11")]
        extra = [first | {"seq_num": n, "icd_code": c, "icd_version": v} for n, c, v in codes]
        return [extra[2], extra[3], *rows, extra[1], extra[0], extra[4]]

    edit(tree / "diagnoses_icd.csv.gz", change)
    table = AdmissionTable(find_files(tree))
    found = table.take(pa.array([FIRST])).to_pylist()[0]
    assert (found["icd_9_codes"], found["icd_10_codes"]) == (["V3", "W4"], ["A1", "B2"])
    assert table.counts == {"diagnoses_icd rows of another version than 9 or 10": 1}


def test_rows_that_belong_nowhere_are_counted_and_lose_nothing(tree):
    edit(tree / "patients.csv.gz", lambda rows: [row for row in rows if row["subject_id"] != "10003945"])
    edit(tree / "services.csv.gz", lambda rows: [*rows, rows[0] | {"hadm_id": "1"}])
    edit(tree / "admissions.csv.gz", lambda rows: [*rows, rows[0] | {"insurance": "second"}])
    table = AdmissionTable(find_files(tree))
    assert table.counts == {
        "admissions without a patient": 3,
        "admissions that stand twice": 1,
        "services rows without an admission": 1,
    }
    found = admission(tree)
    assert (found["sex"], found["age"], found["service"], found["insurance"]) == (None, None, "MED", "Medicaid")


def test_unknown_admission_has_nothing_known(tree):
    table = AdmissionTable(find_files(tree)).take(pa.array([None, 5, FIRST]))
    assert table["hadm_id"].to_pylist() == [None, None, FIRST]
    assert table["race"].to_pylist() == [None, None, "Asian"]


def test_empty_tables_do_no_harm(tree):
    for name in ("services", "transfers", "diagnoses_icd", "patients"):
        edit_to_header(tree / f"{name}.csv.gz")
    found = admission(tree)
    assert (found["service"], found["unit"], found["sex"], found["icd_10_codes"]) == (None, None, None, [])


def edit_to_header(path):
    import gzip

    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).split(b"\n")[0] + b"\n"))


def test_wrong_id_is_an_error_with_file_row_and_column(tree):
    edit(tree / "admissions.csv.gz", lambda rows: [rows[0], rows[1] | {"hadm_id": "abc"}, *rows[2:]])
    with pytest.raises(BrokenFile, match=r"admissions.csv.gz: row 3: expected int64 in the column 'hadm_id'"):
        AdmissionTable(find_files(tree))
