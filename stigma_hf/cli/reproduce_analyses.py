"""`stigma-hf reproduce table3`, `table7`, `figure1` and `agreement`: the paper's analyses on annotated spans."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from stigma_hf.cli.console import command, err, out
from stigma_hf.errors import UsageError

Data = Annotated[Path, typer.Option(help="Folder of build-dataset, with annotated spans.")]
Annotations = Annotated[Path, typer.Option(help="An annotations.csv, or a folder of build-dataset.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Folder for the figures, as JSON and Markdown.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace figures that are in the folder already.")]
MinCell = Annotated[int, typer.Option(min=1, help="Spans, or patients, below which nothing is said of a group.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]


@command
def table3(
    data: Data,
    out_folder: OutFolder,
    other: Annotated[
        Path | None, typer.Option(help="Another such folder, to train here and test there, and the other way round.")
    ] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="Recipe of a baseline or an encoder; the four published baselines if none. Repeatable."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Trained model to test on both folders as it is. Repeatable.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Another encoder than the recipes': a folder, a hub id, or a packaged name.")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the published cross-validation.")] = 5,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Column whose groups are held out in turn; service and anchor if none. Repeatable."),
    ] = None,
    with_shift: Annotated[bool, typer.Option("--shift/--no-shift", help="Hold groups of the data out.")] = True,
    shift_encoders: Annotated[
        bool, typer.Option("--shift-encoders", help="Hold groups out from encoders, too: a training for each.")
    ] = False,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the patients, for shift.")] = 1000,
    seed: Seed = 0,
    min_cell: MinCell = 20,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train; the fastest there is if not given.")
    ] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Train on some spans, test on others, both ways; and test on groups that were left out of the training.

    An encoder recipe keeps its models in the folder and goes on with them when it is run again.
    """
    from stigma_hf.baseline.recipes import PUBLISHED
    from stigma_hf.reproduction.transfer_report import TransferPlan, reproduce_table3
    from stigma_hf.reproduction.transfer_shift import ShiftSettings
    from stigma_hf.reproduction.transfer_text import about_shift, about_transfer, render_table3

    file = _check_out(out_folder, "table3", overwrite)
    plan = TransferPlan(
        data,
        other,
        out_folder,
        tuple(recipe or (() if model else PUBLISHED)),
        tuple(model or ()),
        encoder,
        device,
        folds,
        tuple(by or ("service", "anchor")) if with_shift else (),
        shift_encoders,
        ShiftSettings(seed=seed, resamples=resamples, min_cell=min_cell),
    )
    _be_quiet()
    with err.status("reading spans") as status:
        report = reproduce_table3(plan, lambda step: status.update(step))
    _banner(report)
    if report["transfer"]:
        _explain(about_transfer(report))
        _print_transfer(report)
    if report["shift"]:
        _explain([about_shift(report)])
        _print_shift(report)
    _write(report, out_folder, file, {"table3.md": render_table3(report)})


@command
def table7(
    data: Data,
    out_folder: OutFolder,
    model: Annotated[
        str | None,
        typer.Option(
            help="What gives anchors their embeddings: a trained model, an encoder, or a recipe for its encoder; "
            "no embeddings if not given."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the patients.")] = 5,
    seed: Seed = 0,
    split: Annotated[
        list[str] | None, typer.Option(help="train, validation or test; all together if none. Repeatable.")
    ] = None,
    min_cell: MinCell = 20,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Windows per forward pass.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps; cpu if not given.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Tell sex, race, service, anchor and label from embeddings of anchors, and from each other."""
    from stigma_hf.mimic.splits import SPLITS
    from stigma_hf.reproduction.demographics_report import about_table7, render_table7, reproduce_table7

    file = _check_out(out_folder, "table7", overwrite)
    _be_quiet()
    with err.status("reading spans") as status:
        report = reproduce_table7(
            data,
            model,
            folds,
            seed,
            tuple(split or SPLITS),
            min_cell,
            batch_size,
            device,
            lambda step: status.update(step),
        )
    _banner(report)
    _explain(about_table7(report))
    _print_table7(report)
    _write(report, out_folder, file, {"table7.md": render_table7(report)})


@command
def figure1(data: Annotations, out_folder: OutFolder, overwrite: Overwrite = False) -> None:
    """Count annotated spans by anchor and label, beside the printed counts, with a picture."""
    from stigma_hf.reporting.html import NO_PLOTS
    from stigma_hf.reproduction.overlap import reproduce_figure1
    from stigma_hf.reproduction.overlap_plot import draw_figure1
    from stigma_hf.reproduction.overlap_text import compared, figure1_rows, render_figure1

    file = _check_out(out_folder, "figure1", overwrite)
    with err.status("reading annotations"):
        report = reproduce_figure1(data)
        picture = draw_figure1(report)
    _banner(report)
    for about in report["tasks"].values():
        _print_table(about["name"], ["anchor", *about["labels"]], figure1_rows(about))
        _explain([compared(about)])
    if picture is None:
        err.print(NO_PLOTS, style="yellow", markup=False, soft_wrap=True)
    pictures = {} if picture is None else {"figure1.svg": picture}
    _write(report, out_folder, file, {"figure1.md": render_figure1(report), **pictures})


@command
def agreement(
    data: Annotations,
    out_folder: OutFolder,
    resamples: Annotated[int, typer.Option(min=0, help="Resamples of the patients; 0 for no intervals.")] = 2000,
    seed: Seed = 0,
    level: Annotated[float, typer.Option(help="Share of resamples inside an interval.")] = 0.95,
    min_cell: MinCell = 20,
    overwrite: Overwrite = False,
) -> None:
    """Measure how far annotators agree: overlap, Cohen's kappa and Krippendorff's alpha, with intervals."""
    from stigma_hf.reporting.wording import count, number, terse_interval
    from stigma_hf.reproduction.agreement_report import reproduce_agreement
    from stigma_hf.reproduction.agreement_text import about_agreement, agreement_rows, render_agreement
    from stigma_hf.tasks import load_tasks

    file = _check_out(out_folder, "agreement", overwrite)
    with err.status("reading annotations"):
        report = reproduce_agreement(data, resamples, seed, level, min_cell)
    _banner(report)
    _explain([about_agreement(report)])
    columns = ("annotators", "spans", "overlap", "published", "kappa", "published")
    for task, about in report["tasks"].items():
        rows = [
            (
                row["annotators"],
                count(row["n_spans"]),
                terse_interval(row["overlap"]),
                number(row["published_overlap"]),
                terse_interval(row["kappa"]),
                number(row["published_kappa"]),
            )
            for row in agreement_rows(report)
            if row["task"] == task
        ]
        alpha = f"alpha of all annotators {terse_interval(about['alpha'])}, {count(about['n_shared'])} spans"
        _print_table(f"{load_tasks()[task].name}: {alpha}", columns, rows)
    _write(report, out_folder, file, {"agreement.md": render_agreement(report)})


def _print_transfer(report: dict[str, Any]) -> None:
    from stigma_hf.reproduction.transfer_text import transfer_rows
    from stigma_hf.tasks import load_tasks

    columns = ("macro F1", "here, here", "here, there", "there, there", "there, here")
    for task in load_tasks().values():
        if any(score["task"] == task.id for score in report["transfer"]):
            _print_table(task.name, columns, transfer_rows(report, task.id))


def _print_shift(report: dict[str, Any]) -> None:
    """All groups of a column together; the Markdown has each."""
    from stigma_hf.reproduction.transfer_shift import ALL_GROUPS
    from stigma_hf.reproduction.transfer_text import shift_rows
    from stigma_hf.tasks import load_tasks

    columns = ("", "spans", "macro F1", "held out", "difference", "accuracy", "held out")
    for by in report["shift"]:
        for task in load_tasks().values():
            rows = [
                (model, spans, inside, outside, gap, accuracy, accuracy_outside)
                for _, model, spans, _, inside, outside, gap, accuracy, accuracy_outside, _ in shift_rows(
                    report, by, task.id, ALL_GROUPS
                )
            ]
            if rows:
                _print_table(f"{task.name}, each {by} held out in turn", columns, rows)


def _print_table7(report: dict[str, Any]) -> None:
    from stigma_hf.reproduction.demographics_report import NAMES, table7_rows
    from stigma_hf.tasks import load_tasks

    for task in report["n_windows"]:
        _print_table(load_tasks()[task].name, ("features", "", *NAMES.values()), table7_rows(report, task))


def _print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table whose first column is text and the others are numbers; all of these fit 100 columns."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), title_justify="left")
    table.title = Text(title, style="bold")
    table.add_column(columns[0], overflow="fold")
    for column in columns[1:]:
        table.add_column(column, no_wrap=True, justify="right")
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)
    out.print()


def _banner(report: dict[str, Any]) -> None:
    from stigma_hf.reproduction.summary import banner

    style = "bold yellow" if report["source"] == "synthetic" else ""
    out.print(banner(report["source"]), style=style, markup=False, soft_wrap=True)


def _explain(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        out.print(sentence, style="dim", markup=False, soft_wrap=True)
    out.print()


def _be_quiet() -> None:
    """Leave out the bars and reports of every file of weights that is read."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def _check_out(folder: Path, name: str, overwrite: bool) -> Path:
    """The file of the figures; raise, before the work, if it is there and may not be replaced."""
    file = folder.expanduser() / f"{name}.json"
    if file.exists() and not overwrite:
        raise UsageError(f"{file}: exists already; choose another folder or allow --overwrite")
    return file


def _write(report: dict[str, Any], folder: Path, file: Path, texts: dict[str, str]) -> None:
    import json

    from stigma_hf.mimic.output import private_folder
    from stigma_hf.reproduction.summary import write_files

    at = private_folder(folder)
    write_files(at, {file.name: json.dumps(report, indent=1, allow_nan=False) + "\n", **texts})
    if n_problems := len(report["problems"]):
        out.print(f"not all could be computed: {n_problems} under Problems in the Markdown file", style="yellow")
    out.print(f"wrote {', '.join(str(at / name) for name in (file.name, *texts))}", markup=False, soft_wrap=True)
