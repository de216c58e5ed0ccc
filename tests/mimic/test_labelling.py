import csv
import json
from dataclasses import asdict

import pytest
from test_sampling import row

from stigma_hf.errors import UsageError
from stigma_hf.mimic.annotations import read_annotations
from stigma_hf.mimic.labelling import (
    ANNOTATION_COLUMNS,
    EXPORT_COLUMNS,
    import_labels,
    read_sample,
    write_annotations,
    write_sample,
)
from stigma_hf.mimic.sampling import SampledMatch, sample_matches
from stigma_hf.tasks import load_tasks

SAMPLE = sample_matches([row(n) for n in range(6)] + [row(n, "refused", "compliance") for n in range(2)]).matches


def labelled(path, cells, columns=("label",)):
    """A file in which annotators filled in cells: id to values of the columns."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *columns])
        writer.writerows([id, *values] for id, values in cells.items())
    return path


@pytest.mark.parametrize("name", ["sample.csv", "sample.jsonl"])
def test_export_holds_what_annotators_need_and_reads_back(tmp_path, name):
    write_sample(SAMPLE, tmp_path / name)
    text = (tmp_path / name).read_text(encoding="utf-8")
    lines = (
        list(csv.DictReader(text.splitlines())) if name.endswith("csv") else list(map(json.loads, text.splitlines()))
    )
    first = lines[0]
    assert tuple(first) == EXPORT_COLUMNS
    assert first["id"] == SAMPLE[0].id
    assert first["choices"] == "difficult | disbelief | exclude"
    assert (first["context_left"], first["context_anchor"]) == (SAMPLE[0].context_left, "claims")
    assert {first[column] for column in ("label", "annotator_1", "annotator_2", "annotator_3")} == {""}
    assert read_sample(tmp_path / name) == list(SAMPLE)


def test_export_does_not_overwrite_labels_unasked(tmp_path):
    write_sample(SAMPLE, tmp_path / "sample.csv")
    with pytest.raises(UsageError, match="exists already"):
        write_sample(SAMPLE, tmp_path / "sample.csv")
    write_sample(SAMPLE, tmp_path / "sample.csv", overwrite=True)
    with pytest.raises(UsageError, match="ends in .csv or .jsonl"):
        write_sample(SAMPLE, tmp_path / "sample.xlsx")


def test_ids_are_distinct_and_name_the_place():
    assert len({match.id for match in SAMPLE}) == len(SAMPLE)
    assert SampledMatch("1-DS-2", "other", "refused", 3, 10, "", "refused", "").id == "1-DS-2:other:3-10"


def test_labels_come_back_in_the_released_columns(tmp_path):
    one, two = SAMPLE[:2]
    cells = {one.id: ["difficult", "disbelief", "disbelief"], two.id: ["", "exclude", "exclude"]}
    file = labelled(tmp_path / "done.csv", cells, ("annotator_1", "annotator_2", "label"))
    imported = import_labels(SAMPLE, [file])
    write_annotations(imported.annotations, tmp_path / "annotations.csv")
    lines = list(csv.reader((tmp_path / "annotations.csv").read_text().splitlines()))
    place = [one.note_id, "adamant", "claims", str(one.clean_start), str(one.clean_end)]
    assert lines[0] == list(ANNOTATION_COLUMNS)
    assert lines[1] == [*place, "difficult", "disbelief", "", "disbelief"]
    assert lines[2][5:] == ["", "exclude", "", "exclude"]
    assert imported.unlabelled == [match.id for match in SAMPLE[2:]]


def test_imported_annotations_are_annotations_to_the_builder(tmp_path):
    file = labelled(tmp_path / "done.csv", {SAMPLE[0].id: ["exclude"]}, ("annotator_2",))
    write_annotations(import_labels(SAMPLE, [file]).annotations, tmp_path / "annotations.csv")
    (annotation,) = read_annotations(tmp_path / "annotations.csv").rows
    assert (annotation.note_id, annotation.task, annotation.anchor) == (SAMPLE[0].note_id, "adamant", "claims")
    assert (annotation.clean_start, annotation.clean_end) == (SAMPLE[0].clean_start, SAMPLE[0].clean_end)
    assert (annotation.annotators, annotation.label) == (("", "exclude", ""), "exclude")


def test_exported_file_filled_in_is_imported(tmp_path):
    write_sample(SAMPLE, tmp_path / "sample.jsonl")
    done = [json.loads(line) | {"label": "exclude"} for line in (tmp_path / "sample.jsonl").read_text().splitlines()]
    done = [line for line in done if line["task"] == "adamant"]
    (tmp_path / "done.jsonl").write_text("\n".join(map(json.dumps, done)) + "\n\n")
    imported = import_labels(read_sample(tmp_path / "sample.jsonl"), [tmp_path / "done.jsonl"])
    assert len(imported.annotations) == len(done)
    assert imported.summary().startswith(f"{len(done)} annotations, {len(SAMPLE) - len(done)} unlabelled")


def test_annotators_with_files_of_their_own_agree_or_stay_unresolved(tmp_path):
    same, other, single = (match.id for match in SAMPLE[:3])
    first = labelled(tmp_path / "1.csv", {same: ["exclude"], other: ["difficult"], single: ["Disbelief "]})
    second = labelled(tmp_path / "2.csv", {same: ["exclude"], other: ["disbelief"], single: [""]})
    imported = import_labels(SAMPLE, [], {"annotator_1": first, "annotator_3": second})
    by_id = {row["start"]: row for row in imported.annotations}
    agreed, alone = by_id[SAMPLE[0].clean_start], by_id[SAMPLE[2].clean_start]
    assert [agreed[c] for c in ("annotator_1", "annotator_2", "annotator_3", "label")] == [
        "exclude",
        "",
        "exclude",
        "exclude",
    ]
    assert [alone[c] for c in ("annotator_1", "annotator_3", "label")] == ["disbelief", "", "disbelief"]
    assert imported.unresolved == [other]
    resolved = labelled(tmp_path / "resolved.csv", {other: ["disbelief"]})
    imported = import_labels(SAMPLE, [resolved], {"annotator_1": first, "annotator_3": second})
    assert imported.unresolved == [] and len(imported.annotations) == 3


def test_unknown_ids_and_labels_of_another_task_are_reported(tmp_path):
    one, two = SAMPLE[0].id, SAMPLE[1].id
    file = labelled(
        tmp_path / "done.csv", {one: ["negative"], two: ["difficult"], "19999999-DS-1:other:1-2": ["positive"]}
    )
    imported = import_labels(SAMPLE, [file])
    assert imported.invalid == [(one, "label")]
    assert imported.unknown_ids == ["19999999-DS-1:other:1-2"]
    assert imported.unresolved == [one], "an instance with an invalid label is not taken for unlabelled"
    assert [row["start"] for row in imported.annotations] == [SAMPLE[1].clean_start]


def test_conflicting_files_are_reported_and_neither_value_is_taken(tmp_path):
    id = SAMPLE[0].id
    first = labelled(tmp_path / "1.csv", {id: ["exclude", "exclude"]}, ("annotator_1", "annotator_2"))
    second = labelled(tmp_path / "2.csv", {id: ["difficult", "exclude"]}, ("annotator_1", "annotator_2"))
    imported = import_labels(SAMPLE, [first, second])
    assert imported.conflicts == [(id, "annotator_1")]
    assert imported.unresolved == [id] and imported.annotations == []
    decided = labelled(tmp_path / "3.csv", {id: ["exclude"]})
    (annotation,) = import_labels(SAMPLE, [first, second, decided]).annotations
    assert (annotation["annotator_1"], annotation["annotator_2"], annotation["label"]) == ("", "exclude", "exclude")


def test_every_label_of_a_task_is_accepted_and_no_other(tmp_path):
    for match in (SAMPLE[0], SAMPLE[-1]):
        every = {label for task in load_tasks().values() for label in task.labels}
        accepted = set()
        for label in every:
            file = labelled(tmp_path / "one.csv", {match.id: [label]})
            accepted |= {row["label"] for row in import_labels(SAMPLE, [file]).annotations}
        assert accepted == set(load_tasks()[match.task].labels)


def test_spreadsheet_mark_and_labels_in_lists_are_understood(tmp_path):
    (tmp_path / "excel.csv").write_text(f"id,label\n{SAMPLE[0].id},EXCLUDE\n", encoding="utf-8-sig")
    cells = [{"id": SAMPLE[1].id, "label": ["difficult"]}, {"id": SAMPLE[2].id, "label": []}]
    cells += [{"id": SAMPLE[3].id, "label": None}, {"id": SAMPLE[4].id, "label": ["exclude", "difficult"]}]
    (tmp_path / "tool.jsonl").write_text("\n".join(map(json.dumps, cells)))
    imported = import_labels(SAMPLE, [tmp_path / "excel.csv", tmp_path / "tool.jsonl"])
    assert [row["label"] for row in imported.annotations] == ["exclude", "difficult"]
    assert imported.invalid == [(SAMPLE[4].id, "label")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "id;label\nsecret words;x\n",
            "line 2: expected columns id, missing id; a CSV file is separated by commas",
        ),
        ("a.csv", "id,note\nsecret words,x\n", "line 2: expected any of the columns annotator_1, .*, found none"),
        ("a.jsonl", "secret words\n", r"line 1: expected a JSON object \(Expecting value\)"),
        ("a.jsonl", '["secret words"]\n', "line 1: expected a JSON object, found list"),
        ("a.csv", b"id,label\nsecret words,\xff\n", r"expected UTF-8 text .*\(UnicodeDecodeError\)"),
        ("a.txt", "", "ends in .csv or .jsonl"),
    ],
)
def test_wrong_files_are_refused_without_quoting_them(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=message) as caught:
        import_labels(SAMPLE, [tmp_path / name])
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None, "the cause would carry the text"


def test_absent_file_and_unknown_annotator_are_refused(tmp_path):
    with pytest.raises(UsageError, match="gone.csv: cannot be read: No such file"):
        import_labels(SAMPLE, [tmp_path / "gone.csv"])
    with pytest.raises(UsageError, match="expected annotators among annotator_1, .* found 'jane'"):
        import_labels(SAMPLE, [], {"jane": tmp_path / "gone.csv"})
    with pytest.raises(UsageError, match="ends in .csv"):
        write_annotations([], tmp_path / "annotations.jsonl")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clean_start": "x"}, "line 1: expected whole numbers"),
        ({"note_id": "another"}, "line 1: the id does not agree"),
        ({"task": "tone"}, "line 1: the id does not agree"),
    ],
)
def test_sample_file_that_was_changed_is_refused(tmp_path, change, message):
    match = SAMPLE[0]
    (tmp_path / "sample.jsonl").write_text(json.dumps({"id": match.id, **asdict(match), **change}))
    with pytest.raises(UsageError, match=message):
        read_sample(tmp_path / "sample.jsonl")
