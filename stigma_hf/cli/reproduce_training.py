"""`stigma-hf reproduce table1` and `learning-curve`: many trainings, shared out to processes and gone on with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from stigma_hf.cli.console import command, err, out

if TYPE_CHECKING:
    from stigma_hf.reproduction.experiment import OnRun

Data = Annotated[Path, typer.Option(help="Folder of build-dataset, with annotated spans.")]
OutFolder = Annotated[
    Path, typer.Option("--out", help="Folder to write to. Given again, the work goes on where it stopped.")
]
Device = Annotated[
    Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train encoders; the fastest there is if not given.")
]
NumberOfWorkers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Processes that share the runs; one for each GPU, else one, if not given."),
]
Threads = Annotated[int, typer.Option(min=1, help="Threads of each worker; another number may change last digits.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Remove what is in the folder, and begin anew.")]


@command
def table1(
    data: Data,
    out_folder: OutFolder,
    size: Annotated[
        Literal["full", "tiny"], typer.Option(help="full trains as published; tiny has a tiny encoder for both BERTs.")
    ] = "full",
    encoder: Annotated[
        list[str] | None,
        typer.Option(help="base=FOLDER_OR_ID or clinical=FOLDER_OR_ID, instead of the hub id. Repeatable."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Rows to make: baselines, encoders, or a row by its recipe's name. Repeatable."),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation; 5 are published.")] = 5,
    workers: NumberOfWorkers = None,
    threads: Threads = 1,
    device: Device = "auto",
    keep_models: Annotated[
        bool,
        typer.Option(
            "--keep-models", help="Keep the models of the runs that are still to be done; all take about 50 GB."
        ),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Make Table 1 again: baselines, encoders and poolings over the folds, beside the published figures."""
    from stigma_hf.reproduction.table1 import NAME, reproduce_table1
    from stigma_hf.reproduction.table1_rows import parse_encoders
    from stigma_hf.reproduction.table1_text import TINY
    from stigma_hf.reproduction.workers import Workers

    with _progress() as on_run:
        table = reproduce_table1(
            data,
            out_folder,
            size=size,
            encoders=parse_encoders(encoder or []),
            only=only or [],
            folds=folds,
            workers=Workers(workers, device, threads),
            keep_models=keep_models,
            overwrite=overwrite,
            on_run=on_run,
        )
    _print_source(table)
    if size == "tiny":
        out.print(TINY, style="bold yellow", soft_wrap=True)
    out.print(_table1(table))
    out.print(f"macro F1 on the test spans, mean\u00b1sd over {folds} folds; *: some are missing", soft_wrap=True)
    _print_end(table, out_folder, NAME)


@command
def learning_curve(
    data: Data,
    out_folder: OutFolder,
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="Name or YAML file of a recipe, of a baseline or an encoder; two baselines if not given."),
    ] = None,
    encoder: Annotated[
        list[str] | None, typer.Option(help="RECIPE=FOLDER_OR_ID, instead of the recipe's encoder. Repeatable.")
    ] = None,
    share: Annotated[
        list[float] | None, typer.Option(help="Share of the training patients; .1, .25, .5 and 1 if not given.")
    ] = None,
    draws: Annotated[int, typer.Option(min=1, help="How often patients are drawn.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the first draw and its training; the next have the next.")] = 42,
    workers: NumberOfWorkers = None,
    threads: Threads = 1,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Score models trained on growing parts of the training patients, as a table and a plot."""
    from stigma_hf.reporting.html import NO_PLOTS
    from stigma_hf.reporting.plots import can_plot
    from stigma_hf.reproduction.divisions import DEFAULT_SHARES, PatientShares
    from stigma_hf.reproduction.learning_curve import DEFAULT_RECIPES, NAME
    from stigma_hf.reproduction.learning_curve import learning_curve as measure
    from stigma_hf.reproduction.table1_rows import parse_encoders
    from stigma_hf.reproduction.workers import Workers

    divisions = PatientShares(tuple(sorted(share or DEFAULT_SHARES)), draws, seed)
    with _progress() as on_run:
        curves = measure(
            data,
            out_folder,
            recipe or DEFAULT_RECIPES,
            encoders=parse_encoders(encoder or []),
            divisions=divisions,
            workers=Workers(workers, device, threads),
            overwrite=overwrite,
            on_run=on_run,
        )
    _print_source(curves)
    for task, name in curves["tasks"].items():
        out.print(_curve_table(curves, task, name))
    out.print(f"macro F1 on the test spans, mean\u00b1sd over {draws} draws of training patients", soft_wrap=True)
    if not can_plot():
        err.print(NO_PLOTS, style="yellow", markup=False, soft_wrap=True)
    _print_end(curves, out_folder, NAME)


@contextmanager
def _progress() -> "Iterator[OnRun]":
    """A bar on a terminal; in a log, a line for each run."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("runs", total=None)

        def on_run(run: Any, n_ended: int, n_runs: int) -> None:
            progress.update(bar, completed=n_ended, total=n_runs)
            if not err.is_terminal:
                what = f"{n_ended} of {n_runs} runs"
                err.print(f"{what}: {run}" if run else f"{what} are finished already", markup=False, soft_wrap=True)

        yield on_run


def _print_source(table: dict[str, Any]) -> None:
    from stigma_hf.reproduction.summary import banner

    out.print(banner(table["source"]), style="bold yellow" if table["source"] == "synthetic" else "", soft_wrap=True)


def _print_end(table: dict[str, Any], folder: Path, name: str) -> None:
    from stigma_hf.reproduction.summary import problem_lines

    for line in problem_lines(table["problems"]):
        err.print(line, style="yellow", markup=False, soft_wrap=True)
    written = sorted(str(file) for file in folder.glob(f"{name}.*") if file.suffix in (".json", ".md", ".svg"))
    out.print(f"wrote {', '.join(written)}", markup=False, soft_wrap=True)


def _table1(table: dict[str, Any]) -> Table:
    """The figures beside the published ones; narrow enough for 100 columns."""
    from stigma_hf.reproduction.summary import spread

    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    shown.add_column("", overflow="fold")
    for name in table["tasks"].values():
        shown.add_column(name.replace(" & ", "\n& "), no_wrap=True)
        shown.add_column("\npaper", no_wrap=True, style="dim")
    for row in table["rows"]:
        cells = [Text(row["title"])]
        for task in table["tasks"]:
            cell = row["tasks"][task]
            is_partial = 0 < cell["n_folds"] < table["folds"]
            written = spread(cell["mean"], cell["sd"]) + ("*" if is_partial else "")
            cells.append(Text(written, style="bold" if cell["is_best"] else ""))
            cells.append(Text(spread(cell["published_mean"], cell["published_sd"])))
        shown.add_row(*cells)
    return shown


def _curve_table(curves: dict[str, Any], task: str, name: str) -> Table:
    """The points of a task, a row for each model."""
    from stigma_hf.reproduction.learning_curve_text import whole
    from stigma_hf.reproduction.summary import spread

    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), title_justify="left")
    shown.title = Text(name, style="bold")
    shown.add_column("training patients", overflow="fold")
    models = [model["tasks"][task] for model in curves["models"]]
    for points in zip(*models, strict=True):
        counted = [point["n_patients"] for point in points if point["n_patients"] is not None]
        shown.add_column(whole(counted[0]) if counted else f"{points[0]['share']:.0%}", no_wrap=True)
    for model, points in zip(curves["models"], models, strict=True):
        shown.add_row(Text(model["title"]), *(spread(point["mean"], point["sd"]) for point in points))
    return shown
