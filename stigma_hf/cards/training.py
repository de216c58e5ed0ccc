"""How a model was trained and on what machine, as rows of a table."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from stigma_hf.cards.facts import ModelFacts
from stigma_hf.mimic.splits import SPLITS
from stigma_hf.tasks import load_tasks

Row = tuple[str, str]

_OF_ENCODER = {
    "pooling": "what stands for a window",
    "occurrences": "occurrences of the anchor pooled",
    "shared_encoder": "one encoder for all tasks",
    "dropout": "dropout before the heads",
    "batch_size": "windows per update",
    "layer_decay": "learning rate from layer to layer",
    "improvement": "a checkpoint replaces the best if better by",
    "patience": "evaluations without a better one before the end",
    "seed": "seed",
}
_OF_TRAINER = {
    "num_train_epochs": "epochs at most",
    "learning_rate": "learning rate",
    "lr_scheduler_type": "schedule",
    "warmup_steps": "warm-up",
    "optim": "optimizer",
    "weight_decay": "weight decay",
    "max_grad_norm": "gradient norm clipped at (0 for never)",
    "eval_steps": "evaluated every (updates, or share of the training)",
}


def recipe_rows(facts: ModelFacts) -> list[Row]:
    """Settings of the training; those that the paper gives for a released model."""
    if facts.recipe and facts.kind == "encoder":
        from stigma_hf.training.recipes import load_encoder_recipe

        return list(_encoder_rows(asdict(load_encoder_recipe(facts.recipe))))
    if facts.recipe:
        return list(_baseline_rows(facts.recipe))
    rows = [("recipe", f"`{facts.training['recipe']}`")] if "recipe" in facts.training else []
    return [*rows, *_encoder_rows(facts.training.get("run", {}))]


def _encoder_rows(run: Mapping[str, Any]) -> Iterator[Row]:
    if isinstance(run.get("encoder"), str):
        yield "encoder", str(run["encoder"])
    for names, settings in ((_OF_ENCODER, run), (_OF_TRAINER, run.get("training", {}))):
        for name, meaning in names.items():
            # Layers with equal learning rates are what everybody expects.
            if name in settings and (name, settings[name]) != ("layer_decay", 1.0):
                yield meaning, _written(settings[name])
    if run:
        yield "loss", "cross-entropy, labels weighted by the inverse of their frequency"


def _baseline_rows(name: str) -> Iterator[Row]:
    """The settings of a recipe for baselines."""
    from stigma_hf.baseline.recipes import load_recipe

    recipe = load_recipe(name)
    if recipe.estimator == "majority-per-anchor":
        yield "Laplace smoothing", _written(recipe.alpha)
        yield "an anchor after a negation counts as another", _written(recipe.negated_anchors)
    for step in (*recipe.for_all_tasks, *recipe.for_each_task):
        for full_name, settings in step.items():
            written = ", ".join(f"{key} {_written(value)}" for key, value in (settings or {}).items())
            yield full_name.rpartition(".")[2], written or "as it is"
    for setting, choices in recipe.choose.items():
        yield f"{setting}, chosen by macro F1 on validation spans", _written(choices)


def score_rows(facts: ModelFacts) -> list[dict[str, Any]]:
    """What the training itself recorded of each task: its spans, its macro F1 by split, what it chose."""
    return [
        {
            "task": load_tasks()[task].name if task in load_tasks() else task,
            "spans": [about["spans"].get(split, 0) for split in SPLITS],
            "macro_f1": [about["scores"].get(split, {}).get("macro_f1") for split in SPLITS],
            "chosen": ", ".join(f"{name} {_written(value)}" for name, value in about.get("chosen", {}).items()),
        }
        for task, about in facts.training.get("tasks", {}).items()
        if "scores" in about
    ]


def environment_rows(facts: ModelFacts) -> list[Row]:
    """Machine, time, versions and carbon, each as far as it is on record."""
    training = facts.training
    machine, seconds = "not recorded", "not recorded"
    if facts.released and facts.kind == "encoder":
        machine = "servers with 2 NVIDIA Tesla M60 (8 GB each) and Intel Xeon E5-3698, by the release page"
    elif facts.origin == "published counts":
        machine, seconds = "any; the counts are added up", "below a second"
    elif "device" in training:
        processes = "1 process" if training["processes"] == 1 else f"{training['processes']} processes"
        machine = f"{processes} on {training['device']}, {training['precision']}"
    if "seconds" in training:
        seconds = f"{training['seconds']:,.0f} seconds"
    versions = [
        f"{name.removesuffix('_version')} {version}"
        for name, version in sorted(training.items())
        if name.endswith("_version")
    ]
    return [
        ("machine", machine),
        ("time", seconds),
        ("software", ", ".join(versions) or "not recorded"),
        ("carbon", "not recorded"),
    ]


def _written(value: Any) -> str:
    """A setting as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_written, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
