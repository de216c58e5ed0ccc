"""Counts of anchors and labels as Markdown."""

from collections.abc import Iterator
from typing import Any

from stigma_hf.reporting.wording import problem_text
from stigma_hf.reproduction.summary import banner, markdown_table, record_lines


def render_figure1(report: dict[str, Any]) -> str:
    """The text.

    Args:
        report: What `reproduce_figure1` gathered.
    """
    return "\n".join(_lines(report)) + "\n"


def figure1_rows(about: dict[str, Any]) -> Iterator[list[str]]:
    """A row for each anchor of a task, then their sum; the printed count stands beside one that differs.

    Args:
        about: What the report says of the task.
    """
    for row in about["anchors"]:
        yield [row["anchor"], *(_cell(row["counts"][label], row["published"][label]) for label in about["labels"])]
    sums = {
        kind: {label: sum(row[kind][label] for row in about["anchors"]) for label in about["labels"]}
        for kind in ("counts", "published")
    }
    yield ["all anchors", *(_cell(sums["counts"][label], sums["published"][label]) for label in about["labels"])]


def compared(about: dict[str, Any]) -> str:
    """How the counts of a task stand to the printed ones, in a sentence."""
    if not about["n_cells_that_differ"]:
        return f"All {about['n_spans']:,} spans: every count is that of Figure 1 (MIMIC)."
    return (
        f"{about['n_spans']:,} spans here, {about['n_published']:,} in Figure 1 (MIMIC); "
        f"{about['n_cells_that_differ']} of {len(about['anchors']) * len(about['labels'])} counts differ, the printed "
        "one in brackets."
    )


def _cell(here: int, printed: int) -> str:
    return f"{here:,}" if here == printed else f"{here:,} [{printed:,}]"


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield from ("# Anchors and labels (Figure 1 of Harrigian et al. 2023)", "")
    yield from (f"> **{banner(report['source'])}**", "")
    yield (
        "Annotated spans of each anchor by label. Spans were drawn by anchor, so the counts tell how a word was used "
        "where it was used, and not how often it is."
    )
    yield ""
    for about in report["tasks"].values():
        yield from (f"## {about['name']}", "", compared(about), "")
        yield from markdown_table(["anchor", *about["labels"]], figure1_rows(about))
    if report["problems"]:
        yield from ("## Problems", "", *(f"- {problem_text(entry)}" for entry in report["problems"]), "")
    yield from ("## Record", "", *(f"- {line}" for line in record_lines({**report, "made_with": []})))
