import json
import stat
from pathlib import Path

import datasets
import pytest
import yaml
from mimic_tree import ANNOTATIONS, TREE, copy_tree, edit

from stigma_hf.cards import render_dataset_card
from stigma_hf.dataset_folder import build_dataset
from stigma_hf.errors import UsageError
from stigma_hf.mimic.splits import SPLITS
from stigma_hf.spans import load_spans
from stigma_hf.stigma_spans import CONFIGURATIONS

DOOR = Path(__file__).parents[2] / "dataset_builder"


def load(folder, name, tmp_path):
    return datasets.load_dataset(str(folder), name, cache_dir=str(tmp_path / "hf"))


def front_matter(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_folder_of_spans_loads_as_every_configuration(tmp_path):
    report = build_dataset(TREE, tmp_path / "out", ANNOTATIONS)
    assert len(report.unmatched) == 2
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    for name in ("adamant", "compliance", "other", "all"):
        loaded, expected = load(tmp_path / "out", name, tmp_path), load_spans(TREE, ANNOTATIONS, task=name)
        for split in SPLITS:
            assert loaded[split].features == expected[split].features
            assert loaded[split].to_list() == expected[split].to_list()


def test_folder_of_matches_loads(tmp_path):
    build_dataset(TREE, tmp_path / "out", config="matches", num_proc=2)
    assert (
        load(tmp_path / "out", "matches", tmp_path)["train"].to_list()
        == load_spans(TREE, task="matches")["train"].to_list()
    )


@pytest.mark.parametrize(("is_synthetic", "source"), [(True, "synthetic"), (False, "mimic-iv")])
def test_provenance_and_card_say_what_the_rows_are_of(tmp_path, is_synthetic, source):
    tree = copy_tree(tmp_path)
    if is_synthetic:
        (tree / "SYNTHETIC.md").write_text("invented")
    build_dataset(tree, tmp_path / "out", ANNOTATIONS)
    assert json.loads((tmp_path / "out" / "provenance.json").read_text())["source"] == source
    card = (tmp_path / "out" / "README.md").read_text()
    assert ("**SYNTHETIC" in card) == is_synthetic == ("synthetic" in front_matter(card)["tags"])
    assert ("extra_gated_prompt" in front_matter(card)) != is_synthetic


def test_splits_without_rows_are_left_out(tmp_path):
    path = tmp_path / "annotations.csv"
    path.write_bytes(ANNOTATIONS.read_bytes())
    edit(path, lambda rows: rows[:2])
    build_dataset(TREE, tmp_path / "out", path)
    assert load(tmp_path / "out", "other", tmp_path).num_rows == {"train": 2}
    assert [entry["config_name"] for entry in front_matter((tmp_path / "out/README.md").read_text())["configs"]] == [
        "other",
        "all",
    ]


def test_card_holds_no_text_of_notes(tmp_path):
    build_dataset(TREE, tmp_path / "out", ANNOTATIONS)
    written = (tmp_path / "out" / "README.md").read_text() + (tmp_path / "out" / "build_report.json").read_text()
    contexts = [row["context"] for split in load_spans(TREE, ANNOTATIONS).values() for row in split]
    assert not any(context[:40] in written for context in contexts)


def test_unfit_requests_are_refused_and_leave_nothing(tmp_path):
    with pytest.raises(UsageError, match="expected annotations, the CSV file"):
        build_dataset(TREE, tmp_path / "out")
    with pytest.raises(UsageError, match="expected config among spans, matches, found 'all'"):
        build_dataset(TREE, tmp_path / "out", ANNOTATIONS, config="all")
    with pytest.raises(UsageError, match="expected split among"):
        build_dataset(TREE, tmp_path / "out", ANNOTATIONS, split="random")
    assert not list(tmp_path.iterdir())


def test_card_of_the_door_is_the_one_that_is_written():
    layout = {name: SPLITS if name != "matches" else ("train",) for name in CONFIGURATIONS}
    assert (DOOR / "README.md").read_text() == render_dataset_card(layout)


def test_card_describes_every_column(tmp_path):
    card = render_dataset_card({"all": SPLITS})
    columns = {*load_spans(TREE, ANNOTATIONS)["train"].column_names, "is_duplicate"}
    assert [name for name in columns if f"`{name}`" not in card and not name.startswith("annotator_")] == []
