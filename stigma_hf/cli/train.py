"""`stigma-hf train`: fine-tune an encoder, on one processor or many GPUs."""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich import box
from rich.table import Table

from stigma_hf.cli.console import command, out
from stigma_hf.tasks import load_tasks


@dataclass(frozen=True)
class _Job:
    """What each process needs to know of the command."""

    recipe: str
    data: Path
    out: Path
    encoder: str | None
    tasks: list[str] | None
    seed: int | None
    folds: int | None
    fold: int | None
    device: Literal["auto", "cpu", "cuda"]
    resume: bool
    overwrite: bool
    keep_checkpoints: bool


@command
def train(
    recipe: Annotated[
        str, typer.Argument(help="Name or YAML file of a recipe: base-bert, modernbert, minilm, tiny ...")
    ],
    data: Annotated[Path, typer.Option(help="Folder of build-dataset, with annotated spans.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder to write the model to.")],
    encoder: Annotated[
        str | None, typer.Option(help="Another encoder than the recipe's: a folder, a hub id, or a packaged name.")
    ] = None,
    tasks: Annotated[
        list[str] | None, typer.Option("--tasks", help="A task to train; all if not given. Repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random; the recipe's if not given.")] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Cross-validate: a model for each of so many folds, in fold-0 and so on.")
    ] = None,
    fold: Annotated[
        int | None, typer.Option(help="Train this fold alone, counted from 0; of 5 unless --folds.")
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train; the fastest there is if not given.")
    ] = "auto",
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes to start on this machine, which share each update.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was cut off.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the model in the folder, and all else there.")
    ] = False,
    keep_checkpoints: Annotated[
        bool, typer.Option("--keep-checkpoints", help="Keep the checkpoints after the end.")
    ] = False,
) -> None:
    """Fine-tune an encoder for all tasks, and write a model that every other command takes."""
    from stigma_hf.training.processes import check_launch, run_in_processes
    from stigma_hf.training.recipes import load_encoder_recipe

    check_launch()
    load_encoder_recipe(recipe)
    job = _Job(
        recipe, data, out_folder, encoder, tasks, seed, folds, fold, device, resume, overwrite, keep_checkpoints
    )
    report = _train(job) if processes in (None, 1) else run_in_processes(processes, _train, job)
    if os.environ.get("RANK", "0") == "0":
        _show(report, out_folder)


def _train(job: _Job) -> dict[str, Any]:
    """Do the work of one process; what there is to show, once all is done."""
    from stigma_hf.baseline.training_data import read_spans_folder
    from stigma_hf.majority_scores import FOLDS
    from stigma_hf.training.cross_validation import cross_validate
    from stigma_hf.training.recipes import load_encoder_recipe
    from stigma_hf.training.train_encoder import train_encoder

    _speak_once()
    recipe = load_encoder_recipe(job.recipe)
    spans, provenance = read_spans_folder(job.data)
    settings = {
        name: getattr(job, name)
        for name in ("encoder", "tasks", "seed", "device", "resume", "overwrite", "keep_checkpoints")
    }
    settings["provenance"] = provenance
    report: dict[str, Any] = {"source": (provenance or {}).get("source", "unknown")}
    if job.folds is None and job.fold is None:
        folder = train_encoder(recipe, spans, job.out, **settings)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return {**report, "training": config["training"]}
    summary = cross_validate(recipe, spans, job.out, folds=job.folds or FOLDS, only_fold=job.fold, **settings)
    return {**report, "summary": summary}


def _speak_once() -> None:
    """Let the first process alone say how things go, without the bars and reports of every file that is read."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    ours = logging.getLogger("stigma_hf")
    ours.setLevel(logging.INFO if os.environ.get("RANK", "0") == "0" else logging.ERROR)
    if not ours.handlers:
        # A process that `--processes` started has no terminal set up.
        logging.basicConfig(format="%(message)s")


def _show(report: dict[str, Any], folder: Path) -> None:
    if "training" in report:
        out.print(_scores_table(report["training"]))
    elif report["summary"]:
        out.print(_folds_table(report["summary"]))
    else:
        out.print("the other folds are still to be trained; the table comes with the last")
    if report["source"] == "synthetic":
        out.print("SYNTHETIC: trained and scored on invented notes, no data of MIMIC-IV", style="bold yellow")
    else:
        out.print(f"Source of the spans: {report['source']}. Keep the model where the notes may be.", soft_wrap=True)
    out.print(f"wrote {folder}", markup=False, soft_wrap=True)


def _scores_table(training: dict[str, Any]) -> Table:
    """Macro F1 of every task and split; narrow enough for 80 columns."""
    from stigma_hf.mimic.splits import SPLITS

    scored = next(iter(training["tasks"].values()))["scores"]
    splits = [split for split in SPLITS if split in scored]
    table = Table("macro F1", *splits, box=box.SIMPLE_HEAD)
    for task, about in training["tasks"].items():
        table.add_row(load_tasks()[task].name, *(f"{about['scores'][split]['macro_f1']:.3f}" for split in splits))
    return table


def _folds_table(summary: dict[str, Any]) -> Table:
    """Mean and standard deviation of macro F1 over the folds, and the folds beside."""
    table = Table("test macro F1", "mean", "sd", *(f"fold {n}" for n in range(summary["folds"])), box=box.SIMPLE_HEAD)
    for task, splits in summary["macro_f1"].items():
        test = splits["test"]
        row = [test["mean"], test["sd"], *test["folds"]]
        table.add_row(load_tasks()[task].name, *(f"{value:.3f}" for value in row))
    return table
