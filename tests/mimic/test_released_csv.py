import gzip
import stat

import pytest
from mimic_tree import ANNOTATIONS, BASELINE, BUILD, TREE, copy_tree, edit, read_rows

from stigma_hf.errors import UsageError
from stigma_hf.mimic.released_csv import export_released_csv

FILES = ("matches.csv", "matches.source.csv", "matches.metadata.csv")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "full"
    return out, export_released_csv(TREE, out, ANNOTATIONS)


@pytest.fixture(scope="module")
def annotated(tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "annotated"
    return out, export_released_csv(TREE, out, ANNOTATIONS, annotations_only=True)


@pytest.mark.parametrize("name", FILES)
def test_full_search_equals_the_released_files_byte_for_byte(full, name):
    assert (full[0] / name).read_bytes() == (BUILD / "expected" / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_annotated_notes_alone_equal_the_released_files_byte_for_byte(annotated, name):
    assert (annotated[0] / name).read_bytes() == (BUILD / "expected_annotations_only" / name).read_bytes()


@pytest.mark.parametrize("which", ["full", "annotated"])
def test_annotated_spans_equal_the_released_rows_that_match(which, request):
    out, report = request.getfixturevalue(which)
    released = read_rows(BUILD / "expected" / "annotations.augmented.csv")
    matched = [row for row in released if row["enterprise_mrn"]]
    for row in matched:  # ids are floats there, because of the rows that match nothing
        row |= {name: row[name].removesuffix(".0") for name in ("enterprise_mrn", "encounter_id")}
    assert read_rows(out / "annotations.augmented.csv") == matched
    assert (len(matched), len(released)) == (531, 533)
    unmatched = [row for row in released if not row["enterprise_mrn"]]
    assert [(u.note_id, str(u.clean_start)) for u in report.unmatched] == [
        (row["encounter_note_id"], row["start"]) for row in unmatched
    ]
    assert [u.reason for u in report.unmatched] == ["no anchor of the task at these offsets", "no such note"]


def test_training_input_equals_the_released_file_byte_for_byte(tmp_path):
    report = export_released_csv(BASELINE / "mimic-iv", tmp_path / "out", BASELINE / "annotations.csv")
    released = gzip.decompress((BASELINE / "annotations.augmented.csv.gz").read_bytes())
    assert (tmp_path / "out" / "annotations.augmented.csv").read_bytes() == released
    assert report.unmatched == []


def test_files_are_their_owners_alone(full):
    assert stat.S_IMODE(full[0].stat().st_mode) == 0o700


def test_without_annotations_there_is_no_augmented_file(tmp_path):
    export_released_csv(TREE, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FILES)


def test_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="expected a new or an empty folder"):
        export_released_csv(TREE, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_failed_export_leaves_nothing_behind(tmp_path):
    tree = copy_tree(tmp_path)
    edit(tree / "discharge.csv.gz", lambda rows: [*rows, rows[0]])
    with pytest.raises(UsageError, match="each note_id once"):
        export_released_csv(tree, tmp_path / "out", ANNOTATIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["mimic-iv"]


def test_annotated_notes_alone_need_annotations(tmp_path):
    with pytest.raises(UsageError, match="annotations_only needs the annotations"):
        export_released_csv(TREE, tmp_path / "out", annotations_only=True)
