import functools
import json
import logging

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import f1_score
from transformers import TrainerCallback, pipeline

from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.pretrained import load_tokenizer
from stigma_hf.errors import UsageError
from stigma_hf.training import fine_tuning
from stigma_hf.training.ratchet import Ratchet
from stigma_hf.training.train_encoder import train_encoder
from training.small_spans import ENCODER, NOTE_WORD, all_splits, small_recipe, some_spans


def training_of(folder):
    return json.loads((folder / "config.json").read_text())["training"]


def assert_equal_models(one, other):
    weights, others = load_file(one / "model.safetensors"), load_file(other / "model.safetensors")
    assert weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    assert training_of(one)["tasks"] == training_of(other)["tasks"]


def test_the_folder_is_a_model_for_everything_else(trained):
    assert {file.name for file in trained.iterdir()} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    model = AnchorPooledClassifier.from_pretrained(trained)
    assert (model.config.title, model.config.provenance) == ("Small", {"source": "synthetic"})
    assert model.config.shared_encoder and list(model.config.labels) == ["adamant", "compliance", "other"]
    (span,) = pipeline("stigma-classification", model=str(trained))(
        {"task": "compliance", "anchor": "refused", "context": "patient never refused labs"}
    )
    assert span["anchor"] == "refused" and sum(span["probabilities"].values()) == pytest.approx(1)


def test_recorded_scores_are_those_of_the_model_in_the_folder(trained, splits):
    model, tokenizer = AnchorPooledClassifier.from_pretrained(trained), load_tokenizer(str(trained))
    tasks = training_of(trained)["tasks"]
    assert list(tasks) == ["adamant", "compliance", "other"]
    for task, about in tasks.items():
        labels = model.config.labels[task]
        assert about["spans"] == {split: len(rows.of_task(task).labels) for split, rows in splits.items()}
        for split, rows in splits.items():
            own = rows.of_task(task)
            predicted = [labels[row.argmax()] for row in model.predict_proba(own.windows, tokenizer)]
            assert about["scores"][split]["macro_f1"] == pytest.approx(
                f1_score(own.labels, predicted, average="macro")
            )
    assert np.mean([about["scores"]["validation"]["macro_f1"] for about in tasks.values()]) > 0.6


def test_how_it_was_trained_is_written_down(trained):
    training = training_of(trained)
    assert training["recipe"] == "small"
    assert (training["processes"], training["device"], training["precision"]) == (1, "cpu", "fp32")
    assert training["seed"] == training["run"]["seed"] == 42
    assert training["run"]["spans"]["validation"]["number"] == 61
    assert {"stigma_hf_version", "torch_version", "transformers_version", "accelerate_version"} <= training.keys()
    (run,) = training["runs"]
    assert (run["tasks"], run["updates"], run["resumed_after"]) == (["adamant", "compliance", "other"], 60, None)
    assert [entry["step"] for entry in run["history"]] == list(range(1, 61))
    evaluated = {entry["step"]: entry["macro_f1"] for entry in run["history"] if "macro_f1" in entry}
    assert list(evaluated) == list(range(6, 61, 6))
    assert evaluated[run["best_update"]] == max(evaluated.values())
    assert run["history"][-1]["loss"] < run["history"][0]["loss"]


def test_the_same_seed_gives_the_same_model_and_another_one_another(trained, splits, tmp_path):
    again = train_encoder(small_recipe(), splits, tmp_path / "again", device="cpu")
    assert_equal_models(trained, again)
    other = train_encoder(small_recipe(), splits, tmp_path / "other", device="cpu", seed=1)
    weights, others = load_file(trained / "model.safetensors"), load_file(other / "model.safetensors")
    assert not torch.equal(weights["heads.adamant.weight"], others["heads.adamant.weight"])


class CutOff(Exception):
    pass


@pytest.fixture
def cut_off_after(monkeypatch):
    """Cut the training off after an update."""

    def cut(update):
        class Cut(TrainerCallback):
            def on_step_end(self, args, state, control, **kwargs):
                if state.global_step == update:
                    raise CutOff

        class CutRatchet(Cut, Ratchet):
            pass

        monkeypatch.setattr(fine_tuning, "Ratchet", CutRatchet)

    return cut


@pytest.mark.parametrize("update", [3, 20])
def test_a_training_that_was_cut_off_goes_on_to_the_same_model(
    trained, splits, tmp_path, monkeypatch, cut_off_after, update
):
    out = tmp_path / "model"
    with pytest.raises(CutOff):
        cut_off_after(update)
        train_encoder(small_recipe(), splits, out, device="cpu")
    monkeypatch.undo()
    assert not (out / "config.json").exists()
    with pytest.raises(UsageError, match="holds a training that was cut off"):
        train_encoder(small_recipe(), splits, out, device="cpu")
    train_encoder(small_recipe(), splits, out, device="cpu", resume=True)
    assert_equal_models(trained, out)
    assert training_of(out)["runs"][0]["resumed_after"] == (18 if update == 20 else None)


def test_a_training_that_had_stopped_and_was_cut_off_then_does_not_train_on(splits, tmp_path, monkeypatch):
    recipe = small_recipe(patience=1, improvement=0.5)
    whole = train_encoder(recipe, splits, tmp_path / "whole", device="cpu")
    assert training_of(whole)["runs"][0]["updates"] < 60
    out = tmp_path / "cut"

    class CutRatchet(Ratchet):
        def on_train_end(self, args, state, control, **kwargs):
            raise CutOff

    monkeypatch.setattr(fine_tuning, "Ratchet", CutRatchet)
    with pytest.raises(CutOff):
        train_encoder(recipe, splits, out, device="cpu")
    monkeypatch.undo()
    train_encoder(recipe, splits, out, device="cpu", resume=True)
    assert_equal_models(whole, out)


def test_another_training_is_not_gone_on_with(splits, tmp_path, cut_off_after):
    out = tmp_path / "model"
    with pytest.raises(CutOff):
        cut_off_after(8)
        train_encoder(small_recipe(), splits, out, device="cpu")
    with pytest.raises(UsageError, match="dropout was 0.1, now 0.2; batch_size was 8, now 4"):
        train_encoder(small_recipe(batch_size=4, dropout=0.2), splits, out, device="cpu", resume=True)
    with pytest.raises(UsageError, match="spans.train.number was 160, now 90"):
        train_encoder(small_recipe(), {**splits, "train": some_spans(90)}, out, device="cpu", resume=True)


def test_a_finished_training_is_not_done_again(trained, splits):
    before = (trained / "model.safetensors").stat().st_mtime_ns
    assert train_encoder(small_recipe(), splits, trained, device="cpu", resume=True) == trained
    assert (trained / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="holds a model; replace it with --overwrite"):
        train_encoder(small_recipe(), splits, trained, device="cpu")


def test_an_encoder_per_task_is_trained_task_by_task_and_put_into_one_folder(splits, tmp_path):
    recipe = small_recipe(shared_encoder=False, occurrences="all-word-pieces", tasks=["compliance", "other"])
    out = train_encoder(recipe, splits, tmp_path / "both", device="cpu")
    model = AnchorPooledClassifier.from_pretrained(out)
    assert not model.config.shared_encoder and list(model.encoders) == ["compliance", "other"]
    assert model.config.occurrences == "all-word-pieces"
    training = training_of(out)
    assert [run["tasks"] for run in training["runs"]] == [["compliance"], ["other"]]
    assert set(training["tasks"]) == {"compliance", "other"}
    alone = train_encoder(recipe, splits, tmp_path / "alone", device="cpu", tasks="other")
    windows = splits["test"].of_task("other").windows
    answers = [
        AnchorPooledClassifier.from_pretrained(folder).predict_proba(windows, load_tokenizer(str(folder)))
        for folder in (out, alone)
    ]
    np.testing.assert_array_equal(*answers)
    assert training_of(alone)["tasks"]["other"] == training["tasks"]["other"]


@pytest.mark.parametrize("pooling", ["cls", "mean", "pooler"])
def test_every_pooling_is_trained(splits, tmp_path, pooling):
    recipe = small_recipe(pooling=pooling, training={"max_steps": 2})
    out = train_encoder(recipe, splits, tmp_path / "model", device="cpu", tasks=["adamant"])
    assert AnchorPooledClassifier.from_pretrained(out).config.pooling == pooling


def test_layers_may_learn_at_different_rates(splits, tmp_path):
    recipe = small_recipe(layer_decay=0.5, training={"max_steps": 6})
    out = train_encoder(recipe, splits, tmp_path / "model", device="cpu")
    assert training_of(out)["runs"][0]["history"][-1]["loss"] > 0


def test_an_encoder_in_half_precision_is_trained_in_full(splits, tmp_path):
    folder = train_encoder(small_recipe(training={"max_steps": 1}), splits, tmp_path / "first", device="cpu")
    model = AnchorPooledClassifier.from_pretrained(folder)
    encoder = tmp_path / "encoder"
    model.encoders["shared"].half().save_pretrained(encoder)
    load_tokenizer(str(folder)).save_pretrained(encoder)
    recipe = small_recipe(encoder=str(encoder), training={"max_steps": 2})
    out = train_encoder(recipe, splits, tmp_path / "model", device="cpu")
    again = AnchorPooledClassifier.from_pretrained(out)
    assert {parameter.dtype for parameter in again.parameters()} == {torch.float32}
    assert again.config.base_model == "encoder"
    assert str(tmp_path) not in (out / "config.json").read_text()


def test_checkpoints_hold_no_word_of_a_note(splits, tmp_path):
    recipe = small_recipe(training={"max_steps": 6})
    out = train_encoder(recipe, splits, tmp_path / "model", device="cpu", keep_checkpoints=True)
    files = [file for file in out.rglob("*") if file.is_file()]
    assert any(file.name == "optimizer.pt" for file in files)
    assert not [file for file in files if NOTE_WORD.encode() in file.read_bytes()]
    assert not (out / "checkpoints" / "adamant-compliance-other" / "model" / "training_args.bin").exists()


def out_of_memory(windows_at_most):
    """A forward pass for which a batch of more windows is too much."""
    forward = AnchorPooledClassifier.forward

    @functools.wraps(forward)
    def limited(self, input_ids, *args, **kwargs):
        if len(input_ids) > windows_at_most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return forward(self, input_ids, *args, **kwargs)

    return limited


def test_out_of_memory_halves_the_batch_and_keeps_the_updates(splits, tmp_path, monkeypatch, caplog):
    calm = {**ENCODER, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    recipe = small_recipe(encoder=calm, dropout=0.0, training={"max_steps": 12, "per_device_eval_batch_size": 8})
    roomy = train_encoder(recipe, splits, tmp_path / "roomy", device="cpu")
    monkeypatch.setattr(AnchorPooledClassifier, "forward", out_of_memory(2))
    with caplog.at_level(logging.WARNING):
        tight = train_encoder(recipe, splits, tmp_path / "tight", device="cpu")
    assert "out of memory with 8 windows at once: going on with 4, accumulated over 2 parts" in caplog.text
    assert "out of memory with 4 windows at once: going on with 2, accumulated over 4 parts" in caplog.text
    losses = [[entry["loss"] for entry in training_of(out)["runs"][0]["history"]] for out in (roomy, tight)]
    assert len(losses[0]) == 12
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_out_of_memory_later_on_goes_on_from_the_last_checkpoint(splits, tmp_path, monkeypatch, caplog):
    forward, calls = AnchorPooledClassifier.forward, []

    @functools.wraps(forward)
    def failing_once(self, input_ids, *args, **kwargs):
        calls.append(len(input_ids))
        if self.training and calls.count(8) == 8 and len(input_ids) == 8:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return forward(self, input_ids, *args, **kwargs)

    monkeypatch.setattr(AnchorPooledClassifier, "forward", failing_once)
    with caplog.at_level(logging.INFO, "stigma_hf"):
        out = train_encoder(small_recipe(training={"max_steps": 12}), splits, tmp_path / "model", device="cpu")
    assert "going on from checkpoint-6" in caplog.text
    assert training_of(out)["runs"][0]["updates"] == 12


def test_out_of_memory_for_a_single_window_is_an_error(splits, tmp_path, monkeypatch):
    monkeypatch.setattr(AnchorPooledClassifier, "forward", out_of_memory(0))
    with pytest.raises(UsageError, match="out of memory with 1 windows at once, which cannot be halved"):
        train_encoder(small_recipe(), splits, tmp_path / "model", device="cpu")


def relabelled(rows, task, label):
    labels = [label if window.task == task else own for window, own in zip(rows.windows, rows.labels, strict=True)]
    return LabelledWindows(rows.windows, labels)


def without(rows, task):
    return rows.rows(place for place, window in enumerate(rows.windows) if window.task != task)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: {**s, "train": without(s["train"], "other")},
            r"expected training spans of other with at least two labels, found none; leave the task out \(--tasks\)",
        ),
        (
            lambda s: {**s, "train": relabelled(s["train"], "adamant", "exclude")},
            "expected training spans of adamant with at least two labels, found all labelled 'exclude'",
        ),
        (
            lambda s: {**s, "validation": without(s["validation"], "other")},
            "expected validation spans of other to choose the best state by, found none",
        ),
        (lambda s: {"train": s["train"]}, "expected the splits train and validation, found no validation"),
        (
            lambda s: {**s, "test": relabelled(s["test"], "adamant", "positive")},
            "test spans: item 0: expected a label of adamant among difficult, .*found 'positive'",
        ),
    ],
)
def test_spans_that_nothing_can_be_learned_from_are_refused(splits, tmp_path, change, message):
    with pytest.raises(UsageError, match=message):
        train_encoder(small_recipe(), change(splits), tmp_path / "model", device="cpu")
    assert not (tmp_path / "model" / "config.json").exists()
    # What was wrong can be mended and the same command given again.
    train_encoder(small_recipe(training={"max_steps": 1}), splits, tmp_path / "model", device="cpu")


def test_a_label_without_training_spans_is_never_in_the_way(splits, tmp_path, caplog):
    kept = [i for i, label in enumerate(splits["train"].labels) if label != "difficult"]
    rare = {**splits, "train": splits["train"].rows(kept)}
    out = train_encoder(small_recipe(training={"max_steps": 6}), rare, tmp_path / "model", device="cpu")
    assert "no training span of adamant is labelled difficult" in caplog.text
    assert np.isfinite(training_of(out)["runs"][0]["history"][-1]["eval_loss"])


def test_a_data_set_without_test_spans_is_trained_on(splits, tmp_path):
    rows = {split: splits[split] for split in ("train", "validation")}
    out = train_encoder(small_recipe(training={"max_steps": 1}), rows, tmp_path / "model", device="cpu")
    assert set(training_of(out)["tasks"]["other"]["scores"]) == {"train", "validation"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tasks": "mood"}, "expected tasks among adamant, compliance, other, found 'mood'"),
        ({"device": "gpu"}, "expected a device among auto, cpu, cuda"),
        ({"encoder": "nobody/no-such-encoder"}, "nobody/no-such-encoder: no encoder in a folder of this name"),
        ({"resume": True, "overwrite": True}, "expected --resume or --overwrite, found both"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_written(splits, tmp_path, settings, message):
    with pytest.raises(UsageError, match=message):
        train_encoder(small_recipe(), splits, tmp_path / "model", **{"device": "cpu", **settings})
    assert not (tmp_path / "model").exists()


def test_settings_of_a_recipe_that_a_model_cannot_have_are_refused_with_its_name(splits, tmp_path):
    with pytest.raises(
        UsageError, match="recipe small: expected pooling among anchor, cls, mean, pooler, found 'max'"
    ):
        train_encoder(small_recipe(pooling="max"), splits, tmp_path / "model", device="cpu")


def test_odd_numbers_of_spans_are_trained_on(tmp_path):
    out = train_encoder(
        small_recipe(training={"num_train_epochs": 1}), all_splits(61, 7, 5), tmp_path / "model", device="cpu"
    )
    assert training_of(out)["runs"][0]["updates"] == 8
