import pytest
from mimic_tree import ANNOTATIONS, edit, map_rows

from stigma_hf.errors import UsageError
from stigma_hf.mimic.annotations import read_annotations, read_annotators


@pytest.fixture
def path(tmp_path):
    copy = tmp_path / "annotations.csv"
    copy.write_bytes(ANNOTATIONS.read_bytes())
    return copy


def without(name):
    return map_rows(lambda row: {key: value for key, value in row.items() if key != name})


def test_released_layout_is_read(path):
    annotations = read_annotations(path)
    assert len(annotations.rows) == 533
    assert annotations.annotators == ("annotator_1", "annotator_2", "annotator_3") == read_annotators(path)
    first = annotations.rows[0]
    assert (first.note_id, first.task, first.anchor) == ("10003945-DS-3", "other", "defensive")
    assert (first.clean_start, first.clean_end, first.label) == (587, 596, "exclude")
    assert first.annotators == ("exclude", "", "")


def test_published_layout_without_a_keyword_is_read(path):
    edit(path, without("keyword"))
    assert {row.anchor for row in read_annotations(path).rows} == {None}


def test_annotator_columns_may_be_absent(path):
    for number in (1, 2, 3):
        edit(path, without(f"annotator_{number}"))
    assert read_annotations(path).annotators == ()


@pytest.mark.parametrize("name", ["encounter_note_id", "keyword_category", "start", "end", "label"])
def test_missing_column_is_named(path, name):
    edit(path, without(name))
    with pytest.raises(UsageError, match=rf"missing {name};"):
        read_annotations(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keyword_category": "adamantly"}, r"a task among adamant, compliance, other .*1 of 533 .*\(rows 2\)"),
        ({"keyword_category": "adamant", "label": "positive"}, "difficult, disbelief, exclude for the task adamant"),
        ({"label": ""}, "a label among .* for the task other"),
        ({"start": "1400"}, r"start before end; 1 of 533 rows do not have it \(rows 2\)"),
        ({"start": "-1"}, "start before end"),
        ({"end": ""}, "start before end"),
        ({"start": "1.5"}, "row 3: expected int32 in the column 'start'"),
    ],
)
def test_row_that_cannot_be_an_annotation_is_an_error_with_its_number(path, change, message):
    edit(path, lambda rows: [rows[0], rows[1] | change, *rows[2:]])
    with pytest.raises(UsageError, match=message):
        read_annotations(path)


def test_only_the_first_wrong_rows_are_listed(path):
    edit(path, map_rows(lambda row: row | {"label": "maybe"}))
    with pytest.raises(UsageError, match=r"rows do not have it \(rows \d+, \d+, \d+, \.\.\.\)"):
        read_annotations(path)


def test_other_files_are_told_from_annotations(path, tmp_path):
    with pytest.raises(UsageError, match="no file at .*absent.csv"):
        read_annotations(tmp_path / "absent.csv")
    path.write_text("encounter_note_id;keyword_category;start;end;label\n")
    with pytest.raises(UsageError, match="separated by commas, found semicolons"):
        read_annotations(path)
    path.write_text("encounter_note_id,keyword_category,start,end,label\n")
    with pytest.raises(UsageError, match="expected annotations, found none"):
        read_annotations(path)


def test_repeated_annotations_are_kept_and_said(path, caplog):
    edit(path, lambda rows: [*rows, rows[0], rows[1]])
    assert len(read_annotations(path).rows) == 535
    assert "2 annotations are of an occurrence annotated before" in caplog.text
