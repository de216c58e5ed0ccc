import csv
import json

import pytest
from datasets import load_dataset
from test_cli import flat, run

NOTES = 300


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "synthetic"
    result = run("synthesize", folder, "--notes", NOTES, "--seed", 3)
    assert result.exit_code == 0, result.stderr
    assert f"{NOTES} notes of" in flat(result.stdout)
    return folder


@pytest.fixture(scope="module")
def matches(tree):
    folder = tree.parent / "matches"
    result = run("build-dataset", tree, "--config", "matches", "--out", folder)
    assert result.exit_code == 0, result.stderr
    return folder


def test_spans_are_built_and_load_as_a_data_set(tree, tmp_path):
    annotations = tree / "annotations.csv"
    result = run("build-dataset", tree, "--annotations", annotations, "--out", tmp_path / "spans", "--split", "hash")
    assert result.exit_code == 0, result.stderr
    assert "synthetic MIMIC-IV 2.2" in flat(result.stdout)
    assert "readable by you alone" in flat(result.stdout)
    spans = load_dataset(str(tmp_path / "spans"), "all", cache_dir=str(tmp_path / "cache"))
    with open(annotations, newline="") as file:
        assert sum(rows.num_rows for rows in spans.values()) == len(list(csv.DictReader(file)))
    assert json.loads((tmp_path / "spans" / "provenance.json").read_text())["source"] == "synthetic"


def test_missing_files_are_all_named(tree, tmp_path):
    result = run("build-dataset", tree / "mimic-iv-2.2", "--config", "matches", "--out", tmp_path / "spans")
    assert result.exit_code == 1
    assert "1 of 6 needed files are missing: note/discharge.csv.gz" in flat(result.stderr)
    assert not (tmp_path / "spans").exists()


def test_a_tree_is_not_written_over(tree):
    result = run("synthesize", tree)
    assert result.exit_code == 1
    assert "expected a folder that is new or empty" in flat(result.stderr)


def test_a_sample_is_drawn_labelled_and_built_into_spans(tree, matches, tmp_path):
    sample, filled, annotations = (tmp_path / name for name in ("sample.csv", "filled.csv", "annotations.csv"))
    result = run("sample", matches, "--out", sample, "--per-anchor", 2, "--per-task", 20)
    assert result.exit_code == 0, result.stderr
    with open(sample, newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["task"] for row in rows} == {"adamant", "compliance", "other"}
    with open(filled, "w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "label"])
        writer.writeheader()
        writer.writerows({"id": row["id"], "label": row["choices"].split(" | ")[0]} for row in rows[1:])
    result = run("import-labels", sample, filled, "--out", annotations)
    assert result.exit_code == 0, result.stderr
    assert f"{len(rows) - 1} annotations, 1 unlabelled" in flat(result.stdout)
    result = run("build-dataset", tree, "--annotations", annotations, "--out", tmp_path / "spans")
    assert result.exit_code == 0, result.stderr
    assert f"annotations: {len(rows) - 1}" in flat(result.stdout)
    assert "match nothing" not in flat(result.stdout)


def test_later_rounds_leave_out_earlier_samples(matches, tmp_path):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert run("sample", matches, "--out", first, "--per-task", 50).exit_code == 0
    assert run("sample", matches, "--out", second, "--per-task", 50, "--exclude", first).exit_code == 0
    ids = [{json.loads(line)["id"] for line in path.read_text().splitlines()} for path in (first, second)]
    assert ids[0] and ids[1] and not ids[0] & ids[1]


def test_labels_need_an_annotator_and_a_file(tmp_path):
    result = run("import-labels", "a.csv", "b.csv", "--out", tmp_path / "c.csv", "--annotator", "annotator_1")
    assert "expected --annotator NAME=FILE, found 'annotator_1'" in flat(result.stderr)
