import pytest
import torch

from stigma_hf.errors import UsageError
from stigma_hf.training.arguments import describe, training_arguments, uses_cpu
from training.small_spans import small_recipe


def test_memory_is_halved_and_updates_stay_as_large(tmp_path):
    recipe = small_recipe(batch_size=16, accumulation=2)
    sizes = [
        (a.per_device_train_batch_size, a.gradient_accumulation_steps, a.per_device_eval_batch_size)
        for a in (training_arguments(recipe, tmp_path, device="cpu", halvings=n) for n in range(3))
    ]
    assert sizes == [(8, 2, 64), (4, 4, 32), (2, 8, 16)]


def test_an_update_that_cannot_be_divided_is_refused(tmp_path):
    with pytest.raises(
        UsageError, match="expected the batch_size 8 to be divisible among 1 processes and 3 parts each"
    ):
        training_arguments(small_recipe(accumulation=3), tmp_path, device="cpu")


def test_processes_share_an_update(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UsageError, match="the batch_size 8 to be divisible among 3 processes"):
        training_arguments(small_recipe(), tmp_path, device="cpu")


def test_fewer_processes_than_the_launcher_promised_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("stigma_hf.training.arguments.TrainingArguments.world_size", 1)
    monkeypatch.setattr("stigma_hf.training.arguments.TrainingArguments._setup_devices", torch.device("cpu"))
    with pytest.raises(UsageError, match="expected 2 processes to train together, found 1"):
        training_arguments(small_recipe(), tmp_path, device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_that_is_absent_is_refused():
    with pytest.raises(UsageError, match="expected a GPU with CUDA, found none"):
        uses_cpu("cuda")
    assert uses_cpu("cpu")


def test_an_unknown_device_is_refused():
    with pytest.raises(UsageError, match="expected a device among auto, cpu, cuda, found 'gpu'"):
        uses_cpu("gpu")


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(UsageError, match="expected a GPU for each of 3 processes, found 2"):
        uses_cpu("auto")


def test_the_seed_is_that_of_the_caller_of_the_recipe_or_of_the_published_models(tmp_path):
    own = small_recipe(training={"seed": 7})
    assert training_arguments(own, tmp_path, device="cpu", seed=1).seed == 1
    assert training_arguments(own, tmp_path, device="cpu").seed == 7
    assert training_arguments(small_recipe(), tmp_path, device="cpu").seed == 42


def test_a_processor_trains_in_full_precision_unless_the_recipe_says_otherwise(tmp_path):
    recipe = small_recipe(bf16_on_gpu=True)
    described = describe(training_arguments(recipe, tmp_path, device="cpu"))
    assert described == {"processes": 1, "device": "cpu", "precision": "fp32", "seed": 42}
    recipe = small_recipe(training={"bf16": True})
    assert describe(training_arguments(recipe, tmp_path, device="cpu"))["precision"] == "bf16"
