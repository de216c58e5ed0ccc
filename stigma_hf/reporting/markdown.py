"""A report as Markdown, tables and no plots."""

from collections.abc import Iterator, Sequence
from typing import Any

from stigma_hf.reporting.blocks import Section, Table, Text
from stigma_hf.reporting.wording import banner


def render_markdown(report: dict[str, Any], parts: Sequence[Section]) -> str:
    """The text.

    Args:
        report: What `evaluate_models` gathered.
        parts: What `sections` made of it.
    """
    lines = ["# Evaluation of stigmatizing-language models", "", f"> **{_escape(banner(report['source']))}**", ""]
    for part in parts:
        lines += [f"{'#' * part.level} {_escape(part.title)}", ""]
        for block in part.blocks:
            if isinstance(block, Text):
                lines += [f"- {_escape(block.text)}" if block.is_caution else _escape(block.text), ""]
            elif isinstance(block, Table):
                lines += [*_table(block), ""]
    return "\n".join(lines)


def _table(table: Table) -> Iterator[str]:
    yield f"**{_escape(table.caption)}**"
    yield ""
    yield _row(table.columns)
    yield _row(["---:" if is_number else "---" for is_number in table.has_numbers])
    for row in table.rows:
        yield _row([_escape(cell) for cell in row])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    """Text whose characters mean nothing to Markdown."""
    for special in "\\|*_<>`":
        text = text.replace(special, f"\\{special}")
    return text
