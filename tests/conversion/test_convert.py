import errno
import json
import os
import re
import shutil
import stat

import numpy as np
import pytest
import yaml
from recordings import PARITY
from release_copies import BERT, MAJORITY, STATISTICAL, TASKS, copy_of, expected_rows
from transformers import pipeline

from stigma_hf import BaselineClassifier
from stigma_hf.cards import render_released_card
from stigma_hf.context_window import ContextWindow
from stigma_hf.conversion.convert import convert
from stigma_hf.decoding import rank_labels
from stigma_hf.encoder.opening import open_classifier
from stigma_hf.encoder.tokenization import WindowTokenizer
from stigma_hf.errors import UsageError
from stigma_hf.released_models import RELEASED_MODELS, find_converted
from stigma_hf.tasks import load_tasks

BASELINES = [model.name for model in RELEASED_MODELS if "bert" not in model.name]
ALL = [*BASELINES, BERT]


def windows_of(rows):
    return [ContextWindow(row["task"], row["anchor"], row["context"]) for row in rows]


def predict(folder, windows):
    if "bert" not in folder.name:
        return BaselineClassifier.from_pretrained(folder)(windows)["probabilities"]
    model, tokenizer = open_classifier(str(folder))
    return model.predict_proba(windows, tokenizer)


def test_every_model_of_the_fixtures_is_converted(converted):
    assert sorted(converted) == sorted(ALL)


@pytest.mark.parametrize("name", ALL)
def test_every_recorded_prediction_is_repeated(converted, name):
    rows = [row for row in expected_rows() if row["model"] == name and row["probabilities"]]
    found = predict(converted[name].folder, windows_of(rows))
    labels = {task.id: task.labels for task in load_tasks().values()}
    differences = [
        np.abs(probabilities - [row["probabilities"][label] for label in labels[row["task"]]]).max()
        for row, probabilities in zip(rows, found, strict=True)
    ]
    assert len(differences) == (305 + 12 if name in BASELINES else 305 + 6)
    assert max(differences) < (1e-9 if name in BASELINES else 5e-6)


@pytest.mark.parametrize("name", BASELINES)
def test_every_released_label_is_repeated_where_labels_tie(converted, name):
    """The released tie goes to the first label in the order of targets.txt, which is not alphabetical."""
    config = json.loads((converted[name].folder / "config.json").read_text())
    rows = [row for row in expected_rows() if row["model"] == name]
    tied = 0
    for row, found in zip(rows, predict(converted[name].folder, windows_of(rows)), strict=True):
        task = row["task"]
        ours = dict(zip(config["labels"][task], found.tolist(), strict=True))
        released = list(converted[name].labels[task])
        best = max(row["probabilities"].values())
        tied += sum(p == best for p in row["probabilities"].values()) > 1
        wanted = next(label for label in released if row["probabilities"][label] == best)
        assert rank_labels(ours, config["tie_order"][task])[0] == wanted
    assert tied > (20 if name == "mimic-iv-discharge_majority_keyword" else -1)


@pytest.mark.parametrize("task", TASKS)
def test_tokens_and_masks_are_identical(converted, task):
    model, tokenizer = open_classifier(str(converted[BERT].folder))
    encoder = WindowTokenizer(tokenizer, model.config)
    for name, texts in (("expected.json", "unseen.jsonl"), ("expected_odd.json", "unseen_odd.jsonl")):
        recorded = json.loads((PARITY / "bert" / name).read_text())[task]
        lines = (PARITY / "baseline" / texts).read_text().splitlines()
        spans = {(row["task"], row["id"]): row for row in map(json.loads, lines)}
        for number, ids, mask in zip(recorded["ids"], recorded["input_ids"], recorded["mask"], strict=True):
            span = spans[task, number]
            window = ContextWindow(task, span["keyword"], span["text"])
            if not any(mask):
                with pytest.raises(ValueError, match=rf"item 0 \(task {task}.* found none of its tokens"):
                    encoder.encode([window])
                continue
            (row,) = encoder.encode([window])
            assert row.input_ids == ids[: len(row.input_ids)]
            assert not any(ids[len(row.input_ids) :])
            assert row.anchor_tokens == [place for place, is_anchor in enumerate(mask) if is_anchor]


def test_proofs_say_what_was_compared_and_how_it_came_out(converted):
    for name, model in converted.items():
        by_kind = {against: [p for p in model.proofs if p.against == against] for against in ("direct", "expected")}
        assert (
            [proof.task for proof in by_kind["direct"]] == [proof.task for proof in by_kind["expected"]] == list(TASKS)
        )
        assert all(proof.windows == (30 if name == BERT else 100) and not proof.refused for proof in by_kind["direct"])
        assert sum(proof.windows + proof.refused for proof in by_kind["expected"]) == 305 + 12
        assert sum(proof.refused for proof in by_kind["expected"]) == (6 if name == BERT else 0)
        assert max(proof.max_difference for proof in model.proofs) < (5e-6 if name == BERT else 1e-12)


def test_the_record_in_the_folder_names_files_sums_and_proofs(converted, release):
    for name, model in converted.items():
        text = (model.folder / "conversion.json").read_text()
        record = json.loads(text)
        assert str(release) not in text and str(model.folder) not in text
        assert record["name"] == name and len(record["proofs"]) == 6
        root = release / (BERT if name == BERT else MAJORITY if name.endswith("overall") else STATISTICAL)
        for file, checksum in record["released_files"].items():
            assert re.fullmatch("[0-9a-f]{64}", checksum) and (root / file).is_file()
        wanted = {"other_fold-0/checkpoint-350/model.pth", "preprocessing.params.joblib"} & set(
            record["released_files"]
        )
        assert len(wanted) == 1
    assert json.loads((converted[BERT].folder / "conversion.json").read_text())["released_label_order"]["other"] == [
        "negative", "neutral", "exclude", "positive",
    ]  # fmt: skip


def test_weights_without_effect_are_reported_by_their_keys(converted):
    positions, weight = "_bert._bert.embeddings.position_ids", "_bert._bert.pooler.dense.weight"
    notes = dict(note.split(": ", 1) for note in converted[BERT].notes)
    assert set(notes) == set(TASKS)
    assert all(weight in note for note in notes.values())
    assert [positions in notes[task] for task in TASKS] == [True, True, False]


@pytest.mark.parametrize("name", ALL)
def test_a_converted_folder_says_that_it_comes_from_mimic(converted, name):
    folder = converted[name].folder
    config = json.loads((folder / "config.json").read_text())
    assert config["provenance"]["source"] == "MIMIC-IV derived"
    front = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
    assert front["license"] == "other" and "credentialed users of PhysioNet" in front["extra_gated_prompt"]
    assert "converted from the 2023 release" in config["title"]


@pytest.mark.parametrize("name", ALL)
def test_the_card_of_a_converted_folder_is_that_of_the_released_model(converted, name):
    assert (converted[name].folder / "README.md").read_text() == render_released_card(name)


@pytest.mark.parametrize("name", ALL)
def test_a_converted_folder_is_for_its_owner_and_holds_no_path(converted, name):
    folder = converted[name].folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.glob("*.json"):
        assert str(PARITY) not in file.read_text() and "/tmp" not in file.read_text()


def test_an_encoder_folder_is_complete_in_itself(converted):
    names = {file.name for file in converted[BERT].folder.iterdir()}
    assert names == {
        "README.md", "config.json", "conversion.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    config = json.loads((converted[BERT].folder / "config.json").read_text())
    assert config["pooling"] == "anchor" and config["occurrences"] == "all-word-pieces"
    assert config["shared_encoder"] is False and config["dropout"] == 0.1
    assert config["training"]["tasks"]["other"] == {"checkpoint": "checkpoint-350"}
    assert config["base_model"] == "encoder"


@pytest.mark.parametrize("name", ALL)
def test_the_pipeline_serves_a_converted_model(converted, name):
    classify = pipeline("stigma-classification", model=str(converted[name].folder))
    spans = classify("She insists she is adherent, and was pleasant.")
    assert [span["anchor"] for span in spans] == ["insists", "adherent", "pleasant"]


def test_names_find_the_folders_they_were_converted_to(release, tmp_path):
    assert find_converted("mimic-iv-discharge_majority_overall") is None
    (model,) = convert(release / MAJORITY, tmp_path / "out")
    assert find_converted("mimic-iv-discharge_majority_overall") == tmp_path / "out" / model.name == model.folder


@pytest.mark.parametrize("task", TASKS)
def test_a_release_of_one_task_is_converted_alone(release, tmp_path, task):
    folder = copy_of(release / STATISTICAL, tmp_path / STATISTICAL)
    for other in set(TASKS) - {task}:
        for path in folder.rglob(f"{other}_fold-0"):
            shutil.rmtree(path)
    models = convert(folder, tmp_path / "out")
    assert [list(model.labels) for model in models] == [[task]] * 3
    with pytest.raises(ValueError, match=f"knows the tasks {task}, not"):
        BaselineClassifier.from_pretrained(models[0].folder)([ContextWindow("absent", "claims", "")])


def test_without_an_encoder_and_without_a_network_the_error_says_how_to_get_one(bert, tmp_path):
    with pytest.raises(UsageError, match=r"emilyalsentzer/Bio_ClinicalBERT: the release holds no .* --encoder FOLDER"):
        convert(bert, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_an_encoder_of_another_name_is_the_one_its_checkpoint_names(bert, tmp_path):
    renamed = bert.rename(bert.with_name("my-own-bert"))
    with pytest.raises(UsageError, match="tiny-bert: the release holds no configuration"):
        convert(renamed, tmp_path / "out")


def test_an_earlier_conversion_is_kept_unless_told_otherwise(majority, tmp_path):
    (model,) = convert(majority, tmp_path / "out")
    (model.folder / "mine.txt").write_text("kept")
    with pytest.raises(UsageError, match="found one that is not empty; --overwrite replaces it"):
        convert(majority, tmp_path / "out")
    assert (model.folder / "mine.txt").exists()
    convert(majority, tmp_path / "out", overwrite=True)
    assert not (model.folder / "mine.txt").exists() and (model.folder / "counts.json").exists()


def test_a_folder_that_is_no_conversion_is_never_replaced(majority, tmp_path):
    folder = tmp_path / "out" / "mimic-iv-discharge_majority_overall"
    folder.mkdir(parents=True)
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="expected a converted model to replace, found something else; move it away"):
        convert(majority, tmp_path / "out", overwrite=True)
    assert (folder / "thesis.tex").exists()


def test_a_full_disk_leaves_no_half_written_folder(majority, tmp_path, monkeypatch):
    def full(self, folder, *args, **kwargs):
        (folder / "config.json").write_text("{")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(BaselineClassifier, "save_pretrained", full)
    with pytest.raises(UsageError, match="cannot be written, and nothing of it is left: .*No space left on device"):
        convert(majority, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    assert find_converted("mimic-iv-discharge_majority_overall") is None


def test_a_full_disk_keeps_the_earlier_conversion(majority, tmp_path, monkeypatch):
    (model,) = convert(majority, tmp_path / "out")
    before = {file.name: file.read_bytes() for file in model.folder.iterdir()}

    def full(self, folder, *args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(BaselineClassifier, "save_pretrained", full)
    with pytest.raises(UsageError, match="No space left on device"):
        convert(majority, tmp_path / "out", overwrite=True)
    assert {file.name: file.read_bytes() for file in model.folder.iterdir()} == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == [model.name]


def test_a_model_that_answers_otherwise_when_loaded_again_is_not_kept(majority, tmp_path, monkeypatch):
    save = BaselineClassifier.save_pretrained

    def spoil(self, folder, *args, **kwargs):
        save(self, folder, *args, **kwargs)
        counts = json.loads((folder / "counts.json").read_text())
        counts["other"] = counts["other"][::-1]
        (folder / "counts.json").write_text(json.dumps(counts))

    monkeypatch.setattr(BaselineClassifier, "save_pretrained", spoil)
    with pytest.raises(UsageError, match="other, direct answers: expected .* within 1e-09 .* of 100 windows"):
        convert(majority, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
