import os
import signal
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
from mimic_tree import ANNOTATIONS, TREE, copy_tree, edit

from stigma_hf.errors import UsageError
from stigma_hf.mimic import notes
from stigma_hf.spans import load_spans
from stigma_hf.stigma_spans import REPORT, StigmaSpans, enable_load_dataset

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path):
    return copy_tree(tmp_path)


def builder(tmp_path, tree=TREE, name="all", annotations=ANNOTATIONS, **options):
    return StigmaSpans(tmp_path / "cache", config_name=name, mimic=tree, annotations=annotations, **options)


def test_builder_without_a_cache_folder_is_refused():
    with pytest.raises(UsageError, match="expected cache_dir=, a folder of your own"):
        StigmaSpans(config_name="all", mimic=TREE, annotations=ANNOTATIONS)


def test_unknown_configuration_is_refused(tmp_path):
    with pytest.raises(UsageError, match="among adamant, compliance, other, all, matches, found 'every'"):
        builder(tmp_path, name="every")


def test_builder_without_a_tree_is_refused(tmp_path):
    with pytest.raises(UsageError, match="expected mimic="):
        StigmaSpans(tmp_path / "cache", config_name="matches")


def test_second_load_reads_the_cache_and_not_the_notes(tmp_path, monkeypatch):
    first = load_spans(TREE, ANNOTATIONS, cache_dir=tmp_path / "cache")
    monkeypatch.setattr(notes, "read_batches", lambda *_: pytest.fail("the notes were read again"))
    second = load_spans(TREE, ANNOTATIONS, cache_dir=tmp_path / "cache")
    assert second["train"].to_list() == first["train"].to_list()


def test_another_spelling_of_a_path_is_the_same_build(tmp_path):
    assert builder(tmp_path, TREE).config_id == builder(tmp_path, str(TREE / ".." / TREE.name)).config_id


def test_changed_input_or_option_is_another_build(tmp_path, tree):
    ids = [builder(tmp_path, tree).config_id]
    edit(tree / "services.csv.gz", lambda rows: rows[:-1])
    ids.append(builder(tmp_path, tree).config_id)
    os.utime(tree / "patients.csv.gz", ns=(1, 1))
    ids.append(builder(tmp_path, tree).config_id)
    ids += [
        builder(tmp_path, tree, **option).config_id for option in ({"seed": 7}, {"split": "hash"}, {"name": "other"})
    ]
    assert len(set(ids)) == len(ids)


def test_options_that_do_not_matter_to_matches_make_no_other_build(tmp_path):
    plain = builder(tmp_path, name="matches", annotations=None)
    assert plain.config_id == builder(tmp_path, name="matches", seed=7, split="hash").config_id
    assert plain.config_id != builder(tmp_path, name="matches", duplicates="drop").config_id


def test_cache_is_bound_to_the_code(tmp_path):
    assert builder(tmp_path).cache_dir.endswith(builder(tmp_path).hash)
    assert builder(tmp_path, hash="other").cache_dir != builder(tmp_path).cache_dir


def test_report_lies_beside_the_data(tmp_path):
    built = builder(tmp_path)
    built.download_and_prepare()
    assert built.report.counts["annotations"] == 533
    assert (Path(built.cache_dir) / REPORT).is_file()


def test_streaming_gives_the_same_rows(tmp_path):
    built = builder(tmp_path, name="matches", annotations=None)
    streamed = list(built.as_streaming_dataset(split="train"))
    built.download_and_prepare(num_proc=2)
    assert streamed == built.as_dataset(split="train").to_list()


def test_split_without_rows_is_empty_and_has_columns(tmp_path):
    path = tmp_path / "annotations.csv"
    path.write_bytes(ANNOTATIONS.read_bytes())
    edit(path, lambda rows: rows[:2])
    spans = load_spans(TREE, path, cache_dir=tmp_path / "cache")
    assert sorted(spans.num_rows.values()) == [0, 0, 2]
    assert {tuple(dataset.column_names) for dataset in spans.values()} == {tuple(spans["train"].column_names)}


def test_error_in_the_notes_comes_out_as_it_is_and_leaves_no_data_set(tmp_path, tree):
    edit(tree / "discharge.csv.gz", lambda rows: [*rows, rows[0]])
    for task, annotations in (("matches", None), ("all", ANNOTATIONS)):
        with pytest.raises(UsageError, match="each note_id once"):
            load_spans(tree, annotations, task=task, cache_dir=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.arrow"))


def test_killed_build_leaves_nothing_that_loads_and_the_next_one_is_whole(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, signal, sys\n"
        "from stigma_hf.mimic.build import Builder\n"
        "from stigma_hf.spans import load_spans\n"
        "whole = Builder.matches\n"
        "def halfway(self, *args):\n"
        "    for table in whole(self, *args):\n"
        "        yield table.slice(0, len(table) // 2)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Builder.matches = halfway\n"
        "load_spans(sys.argv[1], task='matches', cache_dir=sys.argv[2])\n"
    )
    cache = tmp_path / "cache"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script, TREE, cache], env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert list(cache.rglob("*.incomplete"))
    half = builder(tmp_path, name="matches", annotations=None)
    with pytest.raises(FileNotFoundError):
        half.as_dataset()
    assert load_spans(TREE, task="matches", cache_dir=cache)["train"].num_rows == 650
    assert not list(cache.rglob("*.incomplete"))


def test_synthetic_stamp_reaches_the_data_set(tmp_path, tree):
    (tree / "SYNTHETIC.md").write_text("invented")
    for cache in (None, tmp_path / "cache"):
        spans = load_spans(tree, ANNOTATIONS, cache_dir=cache)
        assert all(dataset.info.description.startswith("SYNTHETIC") for dataset in spans.values())
    assert "SYNTHETIC" not in load_spans(TREE, ANNOTATIONS)["train"].info.description


def test_load_dataset_works_once_enabled(tmp_path):
    enable_load_dataset()
    spans = datasets.load_dataset(
        "stigma_spans", "other", data_dir=str(TREE), annotations=str(ANNOTATIONS), cache_dir=str(tmp_path / "cache")
    )
    assert spans["train"].to_list() == load_spans(TREE, ANNOTATIONS, task="other")["train"].to_list()
