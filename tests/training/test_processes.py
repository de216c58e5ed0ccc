"""Real processes: started by torchrun, by accelerate and by ourselves, and killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from stigma_hf.errors import UsageError
from stigma_hf.training.processes import check_launch, run_in_processes
from stigma_hf.training.train_encoder import train_encoder
from training.small_spans import ENCODER, all_splits, small_recipe, write_data

DOOR = Path(__file__).parents[2] / "train" / "train_encoder.py"
CALM = {**ENCODER, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
SETTINGS = {"encoder": CALM, "dropout": 0.0, "training": {"num_train_epochs": 1}}


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Splits whose sizes no number of processes divides."""
    return all_splits(85, 61, 23)


@pytest.fixture(scope="module")
def data(odd, tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"), odd)


def recipe_file(folder, **settings):
    recipe = small_recipe(**settings)
    entries = {
        name: getattr(recipe, name) for name in ("title", "encoder", "dropout", "batch_size", "patience", "training")
    }
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(entries))
    return file


def run(*command, **variables):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", **variables}
    command = [sys.executable, *map(str, command)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


def training_of(folder):
    return json.loads((folder / "config.json").read_text())["training"]


def test_two_processes_train_the_model_of_one(odd, data, tmp_path):
    alone = train_encoder(small_recipe(**SETTINGS), odd, tmp_path / "alone", device="cpu")
    together = tmp_path / "together"
    result = run(
        *("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", 2, DOOR),
        *(recipe_file(tmp_path, **SETTINGS), "--data", data, "--out", together, "--device", "cpu"),
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.count("SYNTHETIC") == 1
    assert (alone / "tokenizer.json").read_bytes() == (together / "tokenizer.json").read_bytes()
    one, two = training_of(alone), training_of(together)
    assert (one["processes"], two["processes"]) == (1, 2)
    assert one["tasks"] == two["tasks"]
    pairs = list(zip(one["runs"][0]["history"], two["runs"][0]["history"], strict=True))
    assert len(pairs) == 11
    for own, other in pairs:
        assert other["loss"] == pytest.approx(own["loss"], abs=1e-5)
        assert other.get("macro_f1") == own.get("macro_f1")
    weights, others = load_file(alone / "model.safetensors"), load_file(together / "model.safetensors")
    # Biases of the keys have no gradient but rounding errors, which AdamW makes as large as all others.
    for name in weights.keys() - {name for name in weights if name.endswith("key.bias")}:
        torch.testing.assert_close(weights[name], others[name], atol=1e-4, rtol=0)


def test_accelerate_that_silently_starts_one_process_is_refused(data, tmp_path):
    result = run(
        *("-m", "accelerate.commands.launch", "--cpu", "--num_processes", 2, DOOR),
        *(recipe_file(tmp_path), "--data", data, "--out", tmp_path / "model"),
    )
    assert result.returncode != 0
    assert "accelerate launch was asked for several processes and started one" in result.stderr
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("variables", [{}, {"MASTER_ADDR": "a"}, {"ACCELERATE_MIXED_PRECISION": "no"}])
def test_a_single_process_that_nobody_wanted_more_of_is_fine(monkeypatch, variables):
    for name in ("MASTER_ADDR", "ACCELERATE_MIXED_PRECISION", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    check_launch()


def test_accelerate_with_several_processes_is_fine(monkeypatch):
    for name, value in {"MASTER_ADDR": "a", "ACCELERATE_MIXED_PRECISION": "no", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    check_launch()
    monkeypatch.delenv("WORLD_SIZE")
    with pytest.raises(UsageError, match="asked for several processes and started one"):
        check_launch()


def test_processes_are_not_started_by_a_process_that_was_started_so(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(UsageError, match="expected no --processes under a launcher, which started 4 already"):
        run_in_processes(2, print)


@pytest.mark.parametrize(
    ("threads", "said"), [("1", "answered 0 of 2, left None\n"), ("7", "complained: expected 7 threads, found 1\n")]
)
def test_two_processes_of_our_own_answer_or_complain_with_one_voice(threads, said):
    assert run(Path(__file__).with_name("several.py"), threads).stdout == said


def test_a_training_that_was_killed_goes_on_to_the_same_model(data, odd, tmp_path):
    settings = {"training": {"num_train_epochs": 8}}
    whole = train_encoder(small_recipe(**settings), odd, tmp_path / "whole", device="cpu")
    out = tmp_path / "killed"
    command = [
        sys.executable,
        DOOR,
        recipe_file(tmp_path, **settings),
        "--data",
        data,
        "--out",
        out,
        "--device",
        "cpu",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 200
    while not list(out.glob("checkpoints/*/checkpoint-24")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (out / "config.json").exists()
    train_encoder(small_recipe(**settings), odd, out, device="cpu", resume=True)
    assert training_of(out)["runs"][0]["resumed_after"] >= 18
    assert training_of(out)["tasks"] == training_of(whole)["tasks"]
    weights, others = load_file(whole / "model.safetensors"), load_file(out / "model.safetensors")
    assert all(torch.equal(weights[name], others[name]) for name in weights)
