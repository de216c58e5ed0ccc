import json
import os
import stat

import pytest
from mimic_tree import ANNOTATIONS, BASELINE, BUILD, TREE, copy_tree, edit, map_rows, read_rows

from stigma_hf.errors import UsageError
from stigma_hf.spans import load_spans
from stigma_hf.tasks import load_tasks

OURS = {"train": "train", "dev": "validation", "test": "test"}


@pytest.fixture(scope="module")
def spans():
    return load_spans(TREE, ANNOTATIONS)


@pytest.fixture
def tree(tmp_path):
    return copy_tree(tmp_path)


def recorded_rows(path, split_path, seed):
    """The released rows that match a note, by the split of their patient."""
    assigned = json.loads(split_path.read_text())[f"random_state_{seed}"]
    rows = {"train": [], "validation": [], "test": []}
    for row in read_rows(path):
        if patient := row["enterprise_mrn"].removesuffix(".0"):
            rows[OURS[assigned[patient]]].append(
                {
                    "note_id": row["encounter_note_id"],
                    "subject_id": int(patient),
                    "hadm_id": int(row["encounter_id"].removesuffix(".0")),
                    "task": row["keyword_category"],
                    "anchor": row["keyword"],
                    "clean_start": int(row["start"]),
                    "clean_end": int(row["end"]),
                    "context": row["note_text"],
                    "label": row["label"],
                    "service": row["encounter_note_service"],
                    "unit": row["encounter_note_unit"],
                }
            )
    return rows


def rows_of(dataset, names):
    label = dataset.features["label"]
    return [{name: row[name] for name in names} | {"label": label.int2str(row["label"])} for row in dataset]


@pytest.mark.parametrize("seed", [42, 7])
def test_spans_and_splits_equal_the_recorded_ones_row_for_row(seed):
    spans = load_spans(TREE, ANNOTATIONS, seed=seed)
    recorded = recorded_rows(BUILD / "expected/annotations.augmented.csv", BUILD / "expected/split.json", seed)
    assert {name: rows_of(spans[name], recorded["train"][0]) for name in spans} == recorded
    assert sum(spans.num_rows.values()) == 531


def test_training_input_equals_the_recorded_one_row_for_row():
    spans = load_spans(BASELINE / "mimic-iv", BASELINE / "annotations.csv")
    recorded = recorded_rows(BASELINE / "annotations.augmented.csv.gz", BASELINE / "expected_split.json", 42)
    assert {name: rows_of(spans[name], recorded["train"][0]) for name in spans} == recorded
    assert sum(spans.num_rows.values()) == 1580


def test_metadata_equals_the_recorded_metadata(spans):
    recorded = {row["encounter_id"]: row for row in read_rows(BUILD / "expected/matches.metadata.csv")}
    names = {
        "sex": "patient_gender",
        "race": "patient_race",
        "age": "patient_age",
        "language": "patient_language",
        "marital_status": "patient_marital_status",
        "insurance": "patient_insurance_type",
        "admission_type": "patient_admission_type",
        "service": "encounter_note_service",
        "unit": "encounter_note_unit",
    }
    for dataset in spans.values():
        for row in dataset:
            expected = recorded[str(row["hadm_id"])]
            assert {ours: "" if row[ours] is None else str(row[ours]) for ours in names} == {
                ours: expected[theirs] for ours, theirs in names.items()
            }
            assert "; ".join(row["icd_9_codes"]) == expected["patient_icd_9_codes"]
            assert "; ".join(row["icd_10_codes"]) == expected["patient_icd_10_codes"]


def test_annotators_are_kept_and_missing_where_they_saw_nothing(spans):
    annotated = {(r["encounter_note_id"], r["start"], r["end"]): r for r in read_rows(ANNOTATIONS)}
    for row in spans["test"]:
        expected = annotated[row["note_id"], str(row["clean_start"]), str(row["clean_end"])]
        assert [row[f"annotator_{i}"] for i in (1, 2, 3)] == [expected[f"annotator_{i}"] or None for i in (1, 2, 3)]


@pytest.mark.parametrize("task", load_tasks())
def test_one_task_holds_its_rows_of_all_with_its_own_labels(task, spans):
    alone = load_spans(TREE, ANNOTATIONS, task=task)
    assert alone["train"].features["label"].names == list(load_tasks()[task].labels)
    for name in spans:
        of_task = spans[name].filter(lambda row: row["task"] == task)
        assert rows_of(alone[name], ["note_id", "clean_start"]) == rows_of(of_task, ["note_id", "clean_start"])


def test_columns_and_their_order_are_fixed(spans):
    first = "note_id subject_id hadm_id task anchor clean_start clean_end context label annotator_1".split()
    assert spans["train"].column_names[:10] == first
    assert spans["train"].features["label"].names == sorted({n for t in load_tasks().values() for n in t.labels})


@pytest.mark.parametrize("split", ["released", "hash"])
def test_no_patient_is_in_two_splits(split):
    spans = load_spans(TREE, ANNOTATIONS, split=split)
    patients = [set(dataset["subject_id"]) for dataset in spans.values()]
    assert sum(map(len, patients)) == len(set.union(*patients))
    assert sum(spans.num_rows.values()) == 531


def test_hash_split_stays_when_a_patient_goes(tree):
    before = load_spans(tree, ANNOTATIONS, split="hash")
    gone = before["train"][0]["subject_id"]
    for name in ("admissions", "patients"):
        edit(tree / f"{name}.csv.gz", lambda rows: [row for row in rows if row["subject_id"] != str(gone)])
    after = load_spans(tree, ANNOTATIONS, split="hash")
    assert {name: after[name]["note_id"] == before[name]["note_id"] for name in after} == dict.fromkeys(after, True)


def test_published_layout_without_keywords_gives_the_same_spans(tmp_path, spans):
    path = tmp_path / "annotations.csv"
    path.write_bytes(ANNOTATIONS.read_bytes())
    edit(path, map_rows(lambda row: {key: value for key, value in row.items() if key != "keyword"}))
    without = load_spans(TREE, path)
    assert {name: without[name].to_list() for name in without} == {name: spans[name].to_list() for name in spans}


def test_annotations_that_match_nothing_are_counted_with_their_rows(caplog):
    load_spans(TREE, ANNOTATIONS)
    assert "2 annotations match nothing and are left out (rows 532, 533)" in caplog.text


def test_annotations_of_other_notes_are_an_error():
    with pytest.raises(
        UsageError, match=r"none of 1580 fits \(no such note: 1580\); are both files of the same release"
    ):
        load_spans(TREE, BASELINE / "annotations.csv")


def test_annotation_of_another_anchor_is_reported(tmp_path, caplog):
    path = tmp_path / "annotations.csv"
    path.write_bytes(ANNOTATIONS.read_bytes())
    edit(path, lambda rows: [rows[0] | {"keyword": "pleasant"}, *rows[1:]])
    load_spans(TREE, path)
    assert "3 annotations match nothing and are left out (rows 1, 532, 533)" in caplog.text


def test_span_of_a_patient_without_an_admission_is_reported(tree, caplog):
    edit(tree / "admissions.csv.gz", lambda rows: [row for row in rows if row["subject_id"] != "10003945"])
    spans = load_spans(tree, ANNOTATIONS)
    lost = sum(row["encounter_note_id"].startswith("10003945-") for row in read_rows(ANNOTATIONS)) - 1
    assert sum(spans.num_rows.values()) == 531 - lost
    assert f"{lost + 2} annotations match nothing" in caplog.text


def test_published_split_is_refused_on_another_release_and_hash_works(tree):
    (tree / "CHANGELOG.txt").write_text("MIMIC-IV v3.1")
    with pytest.raises(UsageError, match="split 'released': found MIMIC-IV 3.1 .*use split=\"hash\""):
        load_spans(tree, ANNOTATIONS)
    assert sum(load_spans(tree, ANNOTATIONS, split="hash").num_rows.values()) == 531


def test_admissions_of_the_published_release_give_its_split_on_another(tree, tmp_path, spans):
    edit(tree / "admissions.csv.gz", lambda rows: [*rows, rows[0] | {"subject_id": "1", "hadm_id": "2"}])
    (tree / "CHANGELOG.txt").write_text("MIMIC-IV v3.1")
    old = tmp_path / "2.2" / "hosp" / "admissions.csv.gz"
    old.parent.mkdir(parents=True)
    old.write_bytes((TREE / "admissions.csv.gz").read_bytes())
    assigned = load_spans(tree, ANNOTATIONS, split_admissions=old)
    assert {name: assigned[name]["note_id"] for name in assigned} == {name: spans[name]["note_id"] for name in spans}
    with pytest.raises(UsageError, match="split 'released': found MIMIC-IV 3.1"):
        load_spans(tree, ANNOTATIONS, split_admissions=tree / "admissions.csv.gz")
    with pytest.raises(UsageError, match="as split_admissions, found no file"):
        load_spans(tree, ANNOTATIONS, split_admissions=tmp_path / "absent.csv")


def test_stand_in_for_the_published_split_says_so(caplog):
    load_spans(TREE, ANNOTATIONS)
    assert "not the published assignment" in caplog.text


def test_every_match_equals_the_recorded_ones_row_for_row():
    matches = load_spans(TREE, task="matches")["train"]
    recorded = read_rows(BUILD / "expected/matches.csv")
    names = {
        "note_id": "encounter_note_id",
        "subject_id": "enterprise_mrn",
        "hadm_id": "encounter_id",
        "task": "keyword_category",
        "anchor": "keyword",
        "clean_start": "start",
        "clean_end": "end",
        "context": "note_text",
        "service": "encounter_note_service",
        "unit": "encounter_note_unit",
    }
    ours = [{theirs: str(row[name]) for name, theirs in names.items()} for row in matches]
    assert ours == [{theirs: row[theirs] for theirs in names.values()} for row in recorded]
    assert len(ours) == 650


def test_repeated_matches_are_marked_or_dropped(tree):
    def repeat(rows):
        copies = [row | {"note_id": f"{row['note_id']}0"} for row in rows[:50]]
        return [*rows, *copies]

    edit(tree / "discharge.csv.gz", repeat)
    marked = load_spans(tree, task="matches")["train"]
    assert not any(row["is_duplicate"] for row in marked.select(range(650)))
    assert marked.num_rows > 650 and all(row["is_duplicate"] for row in marked.select(range(650, marked.num_rows)))
    dropped = load_spans(tree, task="matches", duplicates="drop")["train"]
    assert dropped.to_list() == marked.select(range(650)).to_list()


def test_several_processes_give_the_same_matches_in_the_same_order(tmp_path):
    one = load_spans(TREE, task="matches")["train"]
    assert load_spans(TREE, task="matches", num_proc=2)["train"].to_list() == one.to_list()


def test_notes_are_decoded_as_released(tree):
    """A UTF-8 reader would give the span that follows a non-ASCII character other offsets."""

    def put_in_front(rows):
        return [rows[0] | {"text": "\u00c3\u00a9 " + rows[0]["text"]}, *rows[1:]]

    before = load_spans(tree, task="matches")["train"][0]
    edit(tree / "discharge.csv.gz", put_in_front)
    after = load_spans(tree, task="matches")["train"][0]
    assert after["clean_start"] - before["clean_start"] == len("a(c) ")


def test_text_is_in_no_message_whatever_happens(tree, caplog):
    caplog.set_level("DEBUG", logger="stigma_hf")
    load_spans(tree, ANNOTATIONS)
    load_spans(tree, task="matches")
    contexts = load_spans(tree, task="matches")["train"]["context"]
    assert not any(context[:30] in caplog.text for context in contexts)


def test_without_a_cache_folder_nothing_is_written(tree, tmp_path, monkeypatch):
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for path in [tree, *tree.iterdir()]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    load_spans(tree, ANNOTATIONS)
    load_spans(tree, task="matches")
    assert sorted(tmp_path.rglob("*")) == before


def test_cache_gives_the_same_and_is_its_owners_alone(tmp_path, spans):
    cached = load_spans(TREE, ANNOTATIONS, cache_dir=tmp_path / "cache")
    assert stat.S_IMODE(os.stat(tmp_path / "cache").st_mode) == 0o700
    for name in spans:
        assert cached[name].features == spans[name].features
        assert cached[name].to_list() == spans[name].to_list()
    assert cached["train"].cache_files[0]["filename"].startswith(str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "adamantly"}, "expected task among adamant, compliance, other, all, matches, found 'adamantly'"),
        ({"split": "random"}, "expected split among released, hash, found 'random'"),
        ({"task": "matches", "duplicates": "keep"}, "expected duplicates among mark, drop, found 'keep'"),
        ({"annotations_csv": None}, "expected annotations=, the CSV file of annotations"),
        ({"annotations_csv": "absent.csv"}, "no file at absent.csv"),
    ],
)
def test_wrong_arguments_are_errors_that_say_what_was_expected(options, message):
    with pytest.raises(UsageError, match=message):
        load_spans(TREE, **({"annotations_csv": ANNOTATIONS} | options))
