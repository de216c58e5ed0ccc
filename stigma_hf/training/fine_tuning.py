"""Fine-tune one model with a `Trainer`."""

import gc
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from transformers import set_seed

from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.errors import UsageError
from stigma_hf.training.arguments import Device, training_arguments
from stigma_hf.training.data import EncodedSpan, ShuffledSpans, SpanCollator, encode_spans
from stigma_hf.training.layer_decay import layerwise_optimizer
from stigma_hf.training.metrics import metrics_of, score_tasks
from stigma_hf.training.ratchet import Ratchet
from stigma_hf.training.recipes import EncoderRecipe
from stigma_hf.training.resume import newest_checkpoint
from stigma_hf.training.trainer import SpanTrainer

logger = logging.getLogger(__name__)

_LOGGED = ("step", "epoch", "loss", "grad_norm", "learning_rate", "eval_loss")


@dataclass(frozen=True)
class FineTuning:
    """What came of a training.

    Attributes:
        scores: Macro F1 and accuracy of each task and split.
        history: Losses and scores as the training went on, an entry for each time that they were taken.
        best_update: The update after which the model was as it is now.
        updates: All updates.
        resumed_after: The update after which it went on from a checkpoint; None if it was done in one go.
        seconds: How long it took, since it last went on.
    """

    scores: dict[str, dict[str, dict[str, float]]]
    history: list[dict[str, float]]
    best_update: int
    updates: int
    resumed_after: int | None
    seconds: float


def fine_tune(
    make_model: Callable[[], AnchorPooledClassifier],
    tokenizer: Any,
    spans: Mapping[str, LabelledWindows],
    recipe: EncoderRecipe,
    folder: Path,
    *,
    seed: int | None = None,
    device: Device = "auto",
) -> FineTuning:
    """Train a model, from the newest checkpoint of a folder if there is one, and save its best state.

    Where memory runs out, each update is worked through in twice as many parts, beginning at the newest checkpoint.

    Args:
        make_model: Gives the model to begin with.
        tokenizer: Its tokenizer.
        spans: The splits: `train`, `validation` to choose the best state by, and others to report.
        recipe: How to train.
        folder: Where checkpoints go; the best state goes to `model` in it.
        seed: Seed of everything random; that of the recipe if None.
        device: Where to train.

    Raises:
        UsageError: If the spans are not what the model expects, or memory runs out even for the smallest part.
    """
    begin = time.perf_counter()
    halvings = 0
    while True:
        arguments = training_arguments(recipe, folder, seed=seed, device=device, halvings=halvings)
        set_seed(arguments.seed)
        model = make_model()
        rows = {split: _encode(split, of_split, tokenizer, model) for split, of_split in spans.items()}
        trainer = make_trainer(model, rows, recipe, arguments, tokenizer.pad_token_id)
        checkpoint = newest_checkpoint(folder)
        if checkpoint:
            logger.info("going on from %s", checkpoint.name)
        if _trains_in_memory(trainer, checkpoint):
            break
        _check_can_halve(arguments)
        halvings += 1
        del trainer, model
        gc.collect()
        clear_device_cache()
    labels = model.config.labels
    scores: dict[str, dict[str, dict[str, float]]] = {task: {} for task in labels}
    for split, of_split in rows.items():
        if of_split:
            output = trainer.predict(of_split)
            for task, score in score_tasks(output.predictions, output.label_ids, labels).items():
                scores[task][split] = score
    trainer.save_model(str(folder / "model"))
    if arguments.should_save:
        # A pickle with paths of this machine, which a model has no use for.
        (folder / "model" / "training_args.bin").unlink(missing_ok=True)
    return FineTuning(
        scores=scores,
        history=_history(trainer),
        best_update=trainer.state.best_global_step or trainer.state.global_step,
        updates=trainer.state.global_step,
        resumed_after=int(checkpoint.name.split("-")[1]) if checkpoint else None,
        seconds=round(time.perf_counter() - begin, 1),
    )


def _encode(split: str, spans: LabelledWindows, tokenizer: Any, model: AnchorPooledClassifier) -> list[EncodedSpan]:
    try:
        return encode_spans(spans, tokenizer, model.config)
    except UsageError as error:
        raise UsageError(f"{split} spans: {error}") from error


def make_trainer(
    model: AnchorPooledClassifier,
    rows: Mapping[str, list[EncodedSpan]],
    recipe: EncoderRecipe,
    arguments: Any,
    pad_id: int,
) -> SpanTrainer:
    """The Trainer of a recipe.

    Args:
        model: The model to begin with.
        rows: Its spans, `train` and `validation`.
        recipe: How to train.
        arguments: The recipe's, as `training_arguments` gives them.
        pad_id: The tokenizer's padding id.
    """
    optimizer = None
    if recipe.layer_decay < 1:
        optimizer = layerwise_optimizer(model, arguments, recipe.layer_decay)
    return SpanTrainer(
        model=model,
        args=arguments,
        data_collator=SpanCollator(pad_id),
        train_dataset=ShuffledSpans(
            rows["train"],
            list(model.config.class_weights.values()),
            windows_per_update=recipe.batch_size,
            parts=arguments.world_size * arguments.gradient_accumulation_steps,
            seed=arguments.seed,
            group_by_length=recipe.group_by_length,
        ),
        eval_dataset=rows["validation"],
        compute_metrics=metrics_of(model.config.labels),
        callbacks=[Ratchet(recipe.improvement, recipe.patience)],
        optimizer_cls_and_kwargs=optimizer,
    )


def _trains_in_memory(trainer: SpanTrainer, checkpoint: Path | None) -> bool:
    """Train; whether memory sufficed."""
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except RuntimeError as error:
        if not should_reduce_batch_size(error):
            raise
        return False
    return True


def _check_can_halve(arguments: Any) -> None:
    windows = arguments.per_device_train_batch_size
    if arguments.world_size > 1:
        # The other processes are waiting for this one, and cannot be told.
        raise UsageError(
            f"out of memory with {windows} windows per process at once; make a recipe based_on this one with "
            f"accumulation: {2 * arguments.gradient_accumulation_steps}, and --resume with it"
        )
    if windows % 2:
        raise UsageError(
            f"out of memory with {windows} windows at once, which cannot be halved; take a smaller encoder, or "
            "gradient_checkpointing: true under training in the recipe"
        )
    logger.warning(
        "out of memory with %d windows at once: going on with %d, accumulated over %d parts of an update",
        windows,
        windows // 2,
        2 * arguments.gradient_accumulation_steps,
    )


def _history(trainer: SpanTrainer) -> list[dict[str, float]]:
    """Losses and scores as the training went on, an entry an update."""
    entries: dict[int, dict[str, float]] = {}
    for logged in trainer.state.log_history:
        kept = {
            name.removeprefix("eval_") if name.startswith("eval_macro_f1") else name: value
            for name, value in logged.items()
            if name in _LOGGED or name.startswith("eval_macro_f1")
        }
        entries.setdefault(logged["step"], {}).update(kept)
    return list(entries.values())
