"""Fine-tune an encoder by a recipe, from spans to a model folder."""

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import accelerate
import torch
import transformers
from accelerate import PartialState

from stigma_hf import __version__
from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.encoder.merging import merge_models
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.errors import UsageError
from stigma_hf.tasks import check_tasks, load_tasks
from stigma_hf.training.arguments import Device, describe, training_arguments, uses_cpu
from stigma_hf.training.class_weights import balanced_class_weights
from stigma_hf.training.fine_tuning import fine_tune
from stigma_hf.training.processes import check_launch
from stigma_hf.training.recipes import EncoderRecipe
from stigma_hf.training.run_folder import RunFolder
from stigma_hf.training.run_record import run_record
from stigma_hf.training.starting_point import encoder_and_tokenizer

logger = logging.getLogger(__name__)


def train_encoder(
    recipe: EncoderRecipe,
    spans: Mapping[str, LabelledWindows],
    out: str | Path,
    *,
    provenance: Mapping[str, Any] | None = None,
    encoder: str | None = None,
    tasks: str | Sequence[str] | None = None,
    seed: int | None = None,
    fold: int | None = None,
    device: Device = "auto",
    resume: bool = False,
    overwrite: bool = False,
    keep_checkpoints: bool = False,
) -> Path:
    """Train the model of a recipe and write it to a folder that `from_pretrained` and `pipeline` load.

    Under `torchrun` or `accelerate launch` every process calls this, and they share the work.

    Args:
        recipe: How the encoder is fine-tuned.
        spans: The splits: `train` to learn from, `validation` to choose the best state by, and `test`, if there, to
            report.
        out: Folder to write to. While training runs, `checkpoints` in it holds what it can be gone on from.
        provenance: Where the spans come from, `source` and what else is known; the model carries it on.
        encoder: Another encoder than the recipe's.
        tasks: Tasks to train; those of the recipe if None.
        seed: Seed of everything random; that of the recipe, else 42, if None.
        fold: Number of the fold that the spans are of, if they are of one.
        device: Where to train: `cpu`, `cuda`, or the fastest there is.
        resume: Whether to go on with a training that was cut off; one that is finished is left as it is.
        overwrite: Whether to replace what an earlier training left in the folder.
        keep_checkpoints: Whether to keep the checkpoints after the end.

    Returns:
        The folder.

    Raises:
        UsageError: If the spans, the encoder, the device or the folder are not what the training needs.
    """
    check_launch()
    recipe = replace(recipe, encoder=encoder or recipe.encoder, tasks=_chosen_tasks(recipe, tasks))
    spans = {split: _of_tasks(rows, recipe.tasks) for split, rows in spans.items()}
    _check_spans(spans, recipe.tasks)
    # One group of processes for the whole training, joined before anything is written.
    state = PartialState(cpu=uses_cpu(device))
    arguments = training_arguments(recipe, Path(out), seed=seed, device=device)
    starting_point, tokenizer = encoder_and_tokenizer(recipe.encoder)
    record = run_record(recipe, spans, arguments.seed, fold)
    folder = RunFolder(out, record)
    is_finished = folder.check(resume=resume, overwrite=overwrite)
    state.wait_for_everyone()
    if is_finished:
        logger.info("%s is finished", folder.path)
        return folder.path
    if state.is_main_process:
        folder.open(resume=resume)
    state.wait_for_everyone()
    groups = [recipe.tasks] if recipe.shared_encoder else [[task] for task in recipe.tasks]
    runs = []
    for group in groups:
        rows = {split: _of_tasks(of_split, group) for split, of_split in spans.items()}
        make_model = partial(_make_model, recipe, starting_point, group, rows["train"], provenance)
        where = folder.checkpoints / "-".join(group)
        run = _once(where, partial(fine_tune, make_model, tokenizer, rows, recipe, where, seed=seed, device=device))
        runs.append({"tasks": group, **run})
        if state.is_main_process and not keep_checkpoints:
            for checkpoint in where.glob("checkpoint-*"):
                shutil.rmtree(checkpoint)
    if state.is_main_process:
        models = {
            "-".join(group): AnchorPooledClassifier.from_pretrained(folder.checkpoints / "-".join(group) / "model")
            for group in groups
        }
        model = merge_models(models) if len(models) > 1 else next(iter(models.values()))
        model.config.training = _training_record(recipe, spans, record, describe(arguments), runs)
        folder.finish(model, tokenizer, keep_checkpoints=keep_checkpoints)
    state.wait_for_everyone()
    return folder.path


def _chosen_tasks(recipe: EncoderRecipe, tasks: str | Sequence[str] | None) -> list[str]:
    try:
        chosen = None if tasks is None else [tasks] if isinstance(tasks, str) else list(tasks)
        return check_tasks(chosen or recipe.tasks or None, list(load_tasks()))
    except ValueError as error:
        raise UsageError(str(error)) from error


def _of_tasks(rows: LabelledWindows, tasks: Sequence[str]) -> LabelledWindows:
    return rows.rows(place for place, window in enumerate(rows.windows) if window.task in tasks)


def _check_spans(spans: Mapping[str, LabelledWindows], tasks: Sequence[str]) -> None:
    """Raise if a task has nothing to learn from or to choose by."""
    if missing := [split for split in ("train", "validation") if split not in spans]:
        raise UsageError(f"expected the splits train and validation, found no {' and no '.join(missing)}")
    for task in tasks:
        labels = set(spans["train"].of_task(task).labels)
        if len(labels) < 2:
            found = f"all labelled {labels.pop()!r}" if labels else "none"
            raise UsageError(
                f"expected training spans of {task} with at least two labels, found {found}; leave the task out "
                "(--tasks)"
            )
        if not spans["validation"].of_task(task).labels:
            raise UsageError(
                f"expected validation spans of {task} to choose the best state by, found none; leave the task out "
                "(--tasks)"
            )


def _make_model(
    recipe: EncoderRecipe,
    starting_point: Any,
    tasks: Sequence[str],
    train: LabelledWindows,
    provenance: Mapping[str, Any] | None,
) -> AnchorPooledClassifier:
    labels = {task: list(load_tasks()[task].labels) for task in tasks}
    try:
        model = AnchorPooledClassifier.from_encoder(
            starting_point,
            labels,
            pooling=recipe.pooling,
            occurrences=recipe.occurrences,
            dropout=recipe.dropout,
            class_weights=balanced_class_weights(train, labels),
            title=recipe.title,
            provenance=None if provenance is None else dict(provenance),
        )
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"recipe {recipe.name}: {error}") from error
    # Some encoders are stored in half precision, in which the small steps of fine-tuning are lost.
    return model.float()


def _once(where: Path, run: partial[Any]) -> dict[str, Any]:
    """The outcome of a fine-tuning, which is not done again if it was finished before."""
    record = where / "finished.json"
    if record.is_file():
        return json.loads(record.read_text(encoding="utf-8"))
    outcome = asdict(run())
    if PartialState().is_main_process:
        record.write_text(json.dumps(outcome), encoding="utf-8")
    return outcome


def _training_record(
    recipe: EncoderRecipe,
    spans: Mapping[str, LabelledWindows],
    record: Mapping[str, Any],
    described: Mapping[str, Any],
    runs: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """How the model was trained, in the form that baselines have, too."""
    scores = {task: of_task for run in runs for task, of_task in run.pop("scores").items()}
    return {
        "recipe": recipe.name,
        "run": record,
        **described,
        "stigma_hf_version": __version__,
        "torch_version": torch.__version__,
        "transformers_version": transformers.__version__,
        "accelerate_version": accelerate.__version__,
        "seconds": round(sum(run["seconds"] for run in runs), 1),
        "tasks": {
            task: {
                "spans": {split: len(rows.of_task(task).labels) for split, rows in spans.items()},
                "scores": of_task,
            }
            for task, of_task in scores.items()
        },
        "runs": list(runs),
    }
