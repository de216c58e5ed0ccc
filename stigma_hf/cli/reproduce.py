"""`stigma-hf reproduce`: published figures beside what this package measures."""

import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich import box
from rich.table import Table

from stigma_hf.cli import reproduce_analyses, reproduce_training
from stigma_hf.cli.console import command, err, out
from stigma_hf.errors import UsageError

if TYPE_CHECKING:
    from stigma_hf.published_check import CheckedScore
    from stigma_hf.published_ranges import Range

app = typer.Typer(help="Compare published figures with what this package measures.", no_args_is_help=True)
app.command()(reproduce_training.table1)
app.command()(reproduce_training.learning_curve)
app.command()(reproduce_analyses.table3)
app.command()(reproduce_analyses.table7)
app.command()(reproduce_analyses.figure1)
app.command()(reproduce_analyses.agreement)


@app.callback()
def reproduce() -> None:
    """Compare published figures with what this package measures."""


@app.command()
@command
def majority(
    mimic: Annotated[list[Path], typer.Argument(help="Folder of MIMIC-IV and MIMIC-IV-Note, or several.")],
    annotations: Annotated[Path, typer.Option(help="The annotations.csv of the published resource.")],
    split: Annotated[
        Literal["released", "hash"],
        typer.Option(help="released repeats the published assignment, on 2.2 only; hash works on any release."),
    ] = "released",
    split_admissions: Annotated[
        Path | None, typer.Option(help="Admissions file of 2.2, to draw the published assignment on another release.")
    ] = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="File for the figures, .json.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file if it exists.")] = False,
) -> None:
    """Score the two majority baselines beside Table 1 and what the published label counts allow."""
    from stigma_hf.published_check import check_majority
    from stigma_hf.spans import load_spans

    if out_file and out_file.suffix != ".json":
        raise UsageError(f"{out_file}: expected an output file that ends in .json")
    if out_file and out_file.exists() and not overwrite:
        raise UsageError(f"{out_file}: exists already; choose another name or allow --overwrite")
    with err.status("scoring"):
        spans = load_spans(mimic, annotations, split=split, split_admissions=split_admissions)
        check = check_majority(spans)
    if check.is_synthetic:
        out.print("SYNTHETIC: invented patients and notes, no data of MIMIC-IV", style="bold yellow")
    out.print(_table(check.rows))
    out.print(
        "Macro F1 on the test spans: mean±sd over the published folds, and from all of the training split. Allowed: "
        f"the middle 95 % of {check.draws:,} random splits of the published label counts.\n"
        'Anchors are looked up as they are. The released per-anchor baseline tells "not compliant" from "compliant", '
        "which those counts do not, so its figures can differ.",
        soft_wrap=True,
    )
    for finding in check.findings:
        out.print(finding, style="bold", markup=False, soft_wrap=True)
    if out_file:
        _write(out_file, check.to_dict())
        out.print(f"wrote {out_file}", soft_wrap=True)


def _write(path: Path, figures: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _table(rows: "list[CheckedScore]") -> Table:
    """The figures, a section for each baseline; narrow enough for 80 columns."""
    from stigma_hf.tasks import load_tasks

    table = Table("", "Table 1", "5 folds", "allowed", "fits", "split", "allowed", box=box.SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    for baseline, of_baseline in groupby(rows, key=lambda row: row.baseline):
        table.add_row(baseline.value, style="bold")
        for row in of_baseline:
            measured = row.measured
            table.add_row(
                load_tasks()[row.task].name,
                f"{row.published.mean:.2f}±{row.published.sd:.2f}",
                f"{measured.fold_mean:.3f}±{measured.fold_sd:.3f}",
                _short(row.fold_mean_range),
                "yes" if row.is_allowed else "NO",
                f"{measured.one_split:.3f}",
                _short(row.one_split_range),
            )
        table.add_section()
    return table


def _short(allowed: "Range") -> str:
    return f"{allowed.low:.3f}-{allowed.high:.3f}"
