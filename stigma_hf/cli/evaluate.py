"""`stigma-hf evaluate`: figures of models on labelled spans, as a report that a reviewer can check."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from stigma_hf.cli.console import command, err, out
from stigma_hf.errors import UsageError

if TYPE_CHECKING:
    from stigma_hf.reporting.evaluate import Evaluation


@command
def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(help="Folders or hub ids of models; a folder of train --folds is a cross-validation."),
    ],
    data: Annotated[Path, typer.Option(help="Folder of build-dataset, with annotated spans.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the report, a new or an empty one.")],
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    tasks: Annotated[
        list[str] | None, typer.Option("--tasks", help="A task to evaluate; all if not given. Repeatable.")
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=0, help="Resamples of the patients; 0 for no intervals and no tests.")
    ] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the resamples.")] = 0,
    level: Annotated[float, typer.Option(help="Share of resamples inside an interval.")] = 0.95,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="Column to report by; sex, race, insurance, service, anchor if none. Repeatable."),
    ] = None,
    min_cell: Annotated[int, typer.Option(min=1, help="Spans, or patients, below which a group is withheld.")] = 20,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Fit a temperature on the validation spans; changes no model.")
    ] = False,
    store_temperature: Annotated[
        bool, typer.Option("--store-temperature", help="Write fitted temperatures to the models' configurations.")
    ] = False,
    coverage: Annotated[
        float | None, typer.Option(help="Also fit label sets that hold the true label in this share of spans.")
    ] = None,
    errors_with_text: Annotated[
        bool, typer.Option("--errors-with-text", help="Also write errors.jsonl, with text of patients' notes.")
    ] = False,
    batch_size: Annotated[
        int | None, typer.Option(help="Windows per forward pass; never changes a prediction.", min=1)
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps; the best there is if not given.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the report in the folder.")] = False,
) -> None:
    """Score models on labelled spans, compare them, and write report.html, report.md and report.json.

    Intervals draw patients. Whatever cannot be computed is named in the report, and the rest is computed.
    """
    from transformers.utils.logging import disable_progress_bar

    from stigma_hf.reporting.evaluate import evaluate_models
    from stigma_hf.reporting.html import NO_PLOTS
    from stigma_hf.reporting.output import check_report_folder, write_report
    from stigma_hf.reporting.plots import can_plot
    from stigma_hf.reporting.settings import DEFAULT_GROUPINGS, EvaluationSettings
    from stigma_hf.reporting.temperatures import store_in_folders

    # Bars for every file of weights would cross the status line.
    disable_progress_bar()
    if store_temperature and not calibrate:
        raise UsageError("expected --calibrate with --store-temperature: there is no temperature to store otherwise")
    settings = EvaluationSettings(
        split=split,
        tasks=tuple(tasks or ()),
        resamples=resamples,
        seed=seed,
        level=level,
        groupings=tuple(by or DEFAULT_GROUPINGS),
        min_cell=min_cell,
        calibrate=calibrate,
        coverage=coverage,
        batch_size=batch_size,
        device=device,
    )
    check_report_folder(out_folder, overwrite)
    with err.status("reading spans") as status:
        evaluation = evaluate_models(models, data, settings, lambda name: status.update(f"evaluating {name}"))
        status.update("writing the report")
        written = write_report(evaluation, out_folder, overwrite, errors_with_text)
    _print(evaluation)
    if store_temperature:
        for line in store_in_folders(evaluation.calibrations):
            out.print(line, markup=False, soft_wrap=True)
    if not can_plot():
        err.print(NO_PLOTS, style="yellow", markup=False, soft_wrap=True)
    if errors_with_text:
        err.print(
            f"{out_folder / 'errors.jsonl'} holds text of patients' notes: only you can read it; do not pass it on",
            style="bold yellow",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"wrote {', '.join(str(out_folder / name) for name in written)}", markup=False, soft_wrap=True)


def _print(evaluation: "Evaluation") -> None:
    from stigma_hf.reporting.wording import banner

    report = evaluation.report
    out.print(banner(report["source"]), style="bold yellow" if report["source"] == "synthetic" else "", soft_wrap=True)
    for task, about in report["tasks"].items():
        out.print(_table(report, task, about))
        out.print()
    if n_problems := len(report["problems"]):
        out.print(f"not all could be computed: {n_problems} under Problems in the report", style="yellow")


def _table(report: dict[str, Any], task: str, about: dict[str, Any]) -> Table:
    """The headline of a task; narrow enough for 80 columns."""
    from stigma_hf.reporting.document import headline_rows
    from stigma_hf.reporting.wording import number, terse_interval

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), title_justify="left")
    table.title = Text(f"{about['name']}, {about['n_spans']:,} spans of {report['split']}", style="bold")
    table.add_column("model", overflow="fold")
    for name in ("macro F1", "accuracy", "AUC"):
        table.add_column(name, no_wrap=True, justify="right")
    for name, figures in headline_rows(report, task):
        table.add_row(
            Text(name),
            terse_interval(figures["macro_f1"]),
            terse_interval(figures["accuracy"]),
            number(figures["macro_roc_auc"]["value"]),
        )
    for model in report["models"]:
        if found := (model["folds"] or {}).get(task):
            spread = (
                f"{number(found[name]['mean'])} \u00b1 {number(found[name]['sd'])}"
                for name in ("macro_f1", "accuracy")
            )
            table.add_row(Text(f"{model['name']} (folds)"), *spread, number(found["macro_roc_auc"]["mean"]))
    return table
