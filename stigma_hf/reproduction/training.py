"""Do one run: train a model on its part of the spans, and score it."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from stigma_hf.baseline.recipes import Recipe
from stigma_hf.errors import UsageError
from stigma_hf.evaluation.experiment import record_experiment
from stigma_hf.reproduction.divisions import Division, Divisions
from stigma_hf.reproduction.labelled_data import LabelledData, read_labelled_data
from stigma_hf.reproduction.runs import Run, RunStore
from stigma_hf.training.recipes import EncoderRecipe

AnyRecipe = Recipe | EncoderRecipe


@dataclass(frozen=True)
class RunTraining:
    """What does the runs of an experiment; sent to worker processes, where it reads the spans once.

    Attributes:
        data: Folder of spans.
        fingerprints: Of the spans that the experiment was begun with.
        recipes: Name of a model to its recipe.
        divisions: How the spans are divided among runs.
        store: Where runs are kept.
        device: Where encoders are trained, as in `train_encoder`.
        keep_models: Whether trained models are kept.
    """

    data: Path
    fingerprints: Mapping[str, str]
    recipes: Mapping[str, AnyRecipe]
    divisions: Divisions
    store: RunStore
    device: Any = "auto"
    keep_models: bool = False

    @cached_property
    def _spans(self) -> LabelledData:
        spans = read_labelled_data(self.data)
        if spans.fingerprints != self.fingerprints:
            raise UsageError(f"{self.data}: the spans have changed since this was begun")
        return spans

    @cached_property
    def _record(self) -> dict[str, Any]:
        """What is the same for every run of a process; asking git takes longer than the shorter runs."""
        return record_experiment().to_dict()

    @cached_property
    def _divide(self) -> Any:
        return lru_cache(maxsize=1)(lambda part: self.divisions.divide(self._spans, part))

    def __call__(self, run: Run) -> dict[str, Any]:
        """Do a run, or go on with it, and keep what it came to.

        Raises:
            UsageError: If its part of the spans cannot be trained on.
        """
        import torch

        started = datetime.now(UTC)
        recipe, division, folder = self.recipes[run.model], self._divide(run.part), self.store.folder(run)
        provenance = self._spans.rows.provenance
        if isinstance(recipe, EncoderRecipe):
            training = _train_encoder(recipe, division, run.task, folder, provenance, self.device)
        else:
            training = _train_baseline(recipe, division, run.task, folder, provenance, self.keep_models)
        about = training["tasks"][run.task]
        record = {
            "scores": about["scores"],
            "n_spans": about["spans"],
            "n_patients": division.n_patients.get(run.task),
            "chosen": about.get("chosen"),
            "training": {name: training[name] for name in ("device", "precision") if name in training},
            "threads": torch.get_num_threads(),
            "record": {
                **self._record,
                "seed": training.get("seed"),
                "started": started.isoformat(timespec="seconds"),
                "seconds": round((datetime.now(UTC) - started).total_seconds(), 1),
            },
        }
        self.store.finish(run, record)
        if not self.keep_models and folder.exists():
            shutil.rmtree(folder)
        return record


def identity(recipe: AnyRecipe, divisions: Divisions, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    """What the runs of a model depend on."""
    settings = asdict(recipe)
    if isinstance(recipe, EncoderRecipe):
        from stigma_hf.encoder.pretrained import name_of_encoder

        settings["encoder"] = name_of_encoder(recipe.encoder) or recipe.encoder
    return {"data": dict(fingerprints), "division": divisions.settings(), "recipe": settings}


def be_quiet() -> None:
    """Leave the terminal to the process that started this one."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    # A Trainer prints its losses; whoever wants them finds them in a model that is kept.
    sys.stdout = open(os.devnull, "w", encoding="utf-8")


def _train_baseline(
    recipe: Recipe,
    division: Division,
    task: str,
    folder: Path,
    provenance: Mapping[str, Any] | None,
    keep_model: bool,
) -> dict[str, Any]:
    """Train a baseline for one task; how it was trained, and its scores."""
    from stigma_hf.baseline.training import train_baseline
    from stigma_hf.mimic.output import finished_folder

    of_task = {split: rows.of_task(task) for split, rows in division.splits.items()}
    _check_part(of_task["train"].labels, task)
    model = train_baseline(recipe, of_task, provenance, drawn_from=division.drawn_from)
    if keep_model:
        # A run that was cut off after it wrote its model and before its record is done again.
        shutil.rmtree(folder, ignore_errors=True)
        with finished_folder(folder) as at:
            model.save_pretrained(at)
    return model.config.training


def _check_part(labels: list[str], task: str) -> None:
    if not labels:
        raise UsageError(f"expected training spans of {task}, found none")


def _train_encoder(
    recipe: EncoderRecipe,
    division: Division,
    task: str,
    folder: Path,
    provenance: Mapping[str, Any] | None,
    device: Any,
) -> dict[str, Any]:
    """Fine-tune an encoder for one task, from its newest checkpoint if it was cut off; the same."""
    from stigma_hf.training.train_encoder import train_encoder

    quiet = replace(recipe, training={**recipe.training, "disable_tqdm": True})
    settings: dict[str, Any] = {"provenance": provenance, "tasks": task, "device": device, "resume": True}
    train_encoder(quiet, division.splits, folder, seed=division.seed, fold=division.fold, **settings)
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))["training"]
