"""From a recipe to the `TrainingArguments` of a stock `Trainer`."""

import logging
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from transformers import TrainingArguments
from transformers.utils import is_torch_bf16_gpu_available

from stigma_hf.errors import UsageError
from stigma_hf.training.ratchet import METRIC
from stigma_hf.training.recipes import EncoderRecipe

logger = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]

DEFAULT_SEED = 42
"""The seed of the published models."""

_OWN = {
    "output_dir": "--out",
    "per_device_train_batch_size": "batch_size",
    "gradient_accumulation_steps": "accumulation",
    "train_sampling_strategy": "group_by_length",
    "eval_strategy": "eval_steps",
    "save_strategy": "eval_steps",
    "save_steps": "eval_steps",
    "load_best_model_at_end": "improvement and patience",
    "metric_for_best_model": "improvement and patience",
    "greater_is_better": "improvement and patience",
    "use_cpu": "--device",
    "resume_from_checkpoint": "--resume",
    "remove_unused_columns": "nothing, the collator keeps to the model's arguments",
    "push_to_hub": "nothing, for what notes have taught is not pushed while it trains",
}
"""Arguments that are not a recipe's to give, and what to use instead."""


def uses_cpu(device: Device) -> bool:
    """Whether training runs on the processor: if asked for, or if there is nothing faster.

    Raises:
        UsageError: If CUDA is asked for and absent, there are fewer GPUs than processes, or the device is none of the
            choices.
    """
    if device not in get_args(Device):
        raise UsageError(f"expected a device among {', '.join(get_args(Device))}, found {device!r}")
    if device == "cpu":
        return True
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise UsageError(
            "expected a GPU with CUDA, found none that PyTorch can use; leave the device at auto, or mend the driver"
        )
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if has_cuda and processes > torch.cuda.device_count():
        raise UsageError(
            f"expected a GPU for each of {processes} processes, found {torch.cuda.device_count()}; start fewer "
            "processes, or train on the cpu"
        )
    return not torch.accelerator.is_available()


def training_arguments(
    recipe: EncoderRecipe,
    folder: Path,
    *,
    seed: int | None = None,
    device: Device = "auto",
    halvings: int = 0,
) -> TrainingArguments:
    """The arguments of a recipe's training.

    `batch_size` is the number of windows per update whatever the number of processes: each of them gets an equal part.

    Args:
        recipe: How an encoder is fine-tuned.
        folder: Where checkpoints go.
        seed: Seed of everything random; that of the recipe, else 42, if None.
        device: Where to train.
        halvings: How often to halve the windows that a process works on at once, for want of memory; updates stay
            the same, for each is accumulated over so many times more parts.

    Raises:
        UsageError: If a field of `training` is unknown, not a recipe's to give, or has a value that it cannot have; or
            if the windows of an update cannot be divided.
    """
    settings = dict(recipe.training)
    known = {entry.name for entry in fields(TrainingArguments)}
    for name in settings:
        if name in _OWN or name.startswith("hub_"):
            raise UsageError(
                f"recipe {recipe.name}: {name} is not given under training; use {_OWN.get(name, 'nothing')}"
            )
        if name not in known:
            raise UsageError(
                f"recipe {recipe.name}: expected fields of TrainingArguments under training, found {name!r}"
            )
    on_cpu = uses_cpu(device)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    accumulation = recipe.accumulation * 2**halvings
    windows, rest = divmod(recipe.batch_size, processes * accumulation)
    if rest:
        raise UsageError(
            f"recipe {recipe.name}: expected the batch_size {recipe.batch_size} to be divisible among {processes} "
            f"processes and {accumulation} parts each; choose another batch_size, accumulation or number of processes"
        )
    settings.setdefault("eval_steps", 50)
    settings.setdefault("logging_steps", settings["eval_steps"])
    settings.setdefault("per_device_eval_batch_size", 64)
    settings["per_device_eval_batch_size"] = max(1, settings["per_device_eval_batch_size"] >> halvings)
    settings.setdefault("report_to", "none")
    settings.setdefault("disable_tqdm", not sys.stderr.isatty())
    if recipe.bf16_on_gpu and not on_cpu and is_torch_bf16_gpu_available():
        settings.setdefault("bf16", True)
    settings["seed"] = settings.get("seed", DEFAULT_SEED) if seed is None else seed
    try:
        arguments = TrainingArguments(
            output_dir=str(folder),
            per_device_train_batch_size=windows,
            gradient_accumulation_steps=accumulation,
            train_sampling_strategy="sequential",
            eval_strategy="steps",
            save_strategy="steps",
            save_steps=settings["eval_steps"],
            save_total_limit=settings.pop("save_total_limit", 2),
            load_best_model_at_end=True,
            metric_for_best_model=METRIC,
            greater_is_better=True,
            remove_unused_columns=False,
            use_cpu=on_cpu,
            **settings,
        )
    except (TypeError, ValueError) as error:
        raise UsageError(f"recipe {recipe.name}: {error}") from error
    _use_one_device(arguments, processes)
    return arguments


def _use_one_device(arguments: TrainingArguments, processes: int) -> None:
    """Make sure that there are as many processes as the launcher promised, each with one device."""
    if arguments.world_size != processes:
        raise UsageError(f"expected {processes} processes to train together, found {arguments.world_size}")
    if arguments.n_gpu > 1:
        logger.info("training on one of %d GPUs; `--processes %d` uses all", arguments.n_gpu, arguments.n_gpu)
        # A Trainer would divide batches among all GPUs with DataParallel, which has no other switch.
        arguments._n_gpu = 1


def describe(arguments: TrainingArguments) -> dict[str, Any]:
    """What about the run is worth recording in a model: how many processes, on what, in what precision."""
    return {
        "processes": arguments.world_size,
        "device": arguments.device.type,
        "precision": "bf16" if arguments.bf16 else "fp16" if arguments.fp16 else "fp32",
        "seed": arguments.seed,
    }
