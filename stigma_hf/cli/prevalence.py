"""`stigma-hf prevalence`: corrected shares of each label in a corpus, and rate ratios between groups."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from stigma_hf.cli.console import command, err, out
from stigma_hf.errors import UsageError

if TYPE_CHECKING:
    from stigma_hf.prevalence.intervals import Interval
    from stigma_hf.prevalence.report import GroupReport, LabelShare, TaskReport


@command
def prevalence(
    predictions: Annotated[Path, typer.Argument(help="What predict wrote for all notes: .jsonl, .csv or .parquet.")],
    labelled: Annotated[
        Path, typer.Option(help="The file of sample with its labels filled in, or an annotations.csv.")
    ],
    metadata: Annotated[
        Path | None, typer.Option(help="File with subject_id and the groups by note_id, if the predictions have none.")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option("--group", help="Column with groups of patients, such as sex. Repeatable.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(help="Group that the others are compared with, as sex=F; the largest if not given. Repeatable."),
    ] = None,
    min_cell: Annotated[
        int, typer.Option(help="Patients, or labelled spans, below which a group is left out.", min=1)
    ] = 20,
    out_file: Annotated[Path | None, typer.Option("--out", help="File for all figures: .json or .csv.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file if it exists.")] = False,
) -> None:
    """Estimate how often each label stands in a corpus, corrected by a labelled sample, with 95 % intervals.

    Predictions miscount wherever the model errs, and the sample was drawn anchor by anchor: neither alone is right.
    """
    from dataclasses import replace

    from stigma_hf.prevalence.corpus_files import read_corpus
    from stigma_hf.prevalence.estimate import estimate_prevalence
    from stigma_hf.prevalence.output import check_output, write_report

    references = _references(reference or [], group or [])
    if out_file:
        check_output(out_file, overwrite)
    with err.status("estimating"):
        corpus = read_corpus(predictions, labelled, metadata=metadata, groups=group or [])
        report = estimate_prevalence(corpus.tasks, min_cell=min_cell, references=references)
    report = replace(report, remarks=corpus.remarks)
    for task in report.tasks:
        _print(task)
    out.print(
        "counted: share of the predictions, biased. adjusted: by the confusion matrix, biased where groups meet other "
        "errors. corrected: the estimate to use. ratio: corrected shares at equal anchors.",
        style="dim",
        soft_wrap=True,
    )
    if out_file:
        write_report(report, out_file, overwrite)
        out.print(f"wrote {out_file}", soft_wrap=True, markup=False)


def _references(given: list[str], groups: list[str]) -> dict[str, str]:
    references = {}
    for entry in given:
        name, separator, value = entry.partition("=")
        if not separator or name not in groups:
            raise UsageError(f"expected --reference GROUP=VALUE with a column named by --group, found {entry!r}")
        references[name] = value
    return references


def _print(task: "TaskReport") -> None:
    """One task: the labels in the corpus, what is harmful in each group, and what to know about both."""
    from stigma_hf.tasks import load_tasks

    out.print(load_tasks()[task.task].name, style="bold")
    if task.groups and task.groups[0].shares:
        out.print(_table(task))
    for remark in (*task.remarks, *_left_out(task)):
        out.print(f"note: {remark}", style="yellow", markup=False, soft_wrap=True)
    out.print()


def _table(task: "TaskReport") -> Table:
    """Shares in per cent; narrow enough for 80 columns."""
    from stigma_hf.prevalence.groups import HARMFUL_TOGETHER
    from stigma_hf.prevalence.spans import HARMFUL

    table = Table("%", box=box.SIMPLE_HEAD, padding=0)
    for column in ("spans", "counted", "adjusted", "corrected", "ratio"):
        table.add_column(column, no_wrap=True)
    whole, *groups = task.groups
    for share in whole.shares:
        table.add_row(Text(share.label), _count(whole.n_spans), *_shares(share), "")
    for unit, bounds in (("notes", whole.notes), ("patients", whole.patients)):
        if bounds:
            least, largest, low, high = (
                100 * limit for limit in (bounds.least, bounds.largest, bounds.low, bounds.high)
            )
            limits = f"{least:.0f} to {largest:.0f} ({low:.0f}-{high:.0f})"
            table.add_row(f"{unit} with any", f"{bounds.n:,}", "", "", limits, "")
    harmful = HARMFUL[task.task]
    label = harmful[0] if len(harmful) == 1 else HARMFUL_TOGETHER
    for by, members in groupby(filter(_is_corrected, groups), key=lambda group: group.by):
        table.add_section()
        table.add_row(Text(f"{label} by {by}"), style="italic")
        for group in members:
            ratio = group.ratio(label).corrected if group.ratios else None
            shown = _limits(ratio, "{:.2f}") if group.reference else "1"
            table.add_row(Text(group.group), _count(group.n_spans), *_shares(group.share(label)), shown)
    return table


def _is_corrected(group: "GroupReport") -> bool:
    return bool(group.shares) and group.shares[0].corrected is not None


def _left_out(task: "TaskReport") -> Iterator[str]:
    """What is said of some groups, each thing once."""
    said = defaultdict(list)
    for group in task.groups:
        for remark in group.remarks:
            said[group.by, remark].append(group.group)
    for (by, remark), names in said.items():
        yield f"{by} {', '.join(names)}: {remark}" if by != "all" else remark


def _shares(share: "LabelShare") -> tuple[str, str, str]:
    adjusted = f"{100 * share.adjusted.value:.1f}" if share.adjusted else "-"
    return f"{100 * share.counted:.1f}", adjusted, _limits(share.corrected, "{:.1f}", 100)


def _limits(interval: "Interval | None", form: str, factor: float = 1) -> str:
    if interval is None:
        return "-"
    value, low, high = (form.format(factor * limit) for limit in (interval.value, interval.low, interval.high))
    return f"{value} ({low}-{high})"


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
