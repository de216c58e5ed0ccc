"""Table 1 as Markdown."""

from collections.abc import Iterator
from typing import Any

from stigma_hf.reporting.wording import number, p_value
from stigma_hf.reproduction.summary import banner, markdown_table, problem_lines, record_lines, spread

TINY = (
    "Size tiny: a tiny encoder of fresh weights stands where the paper has BERT; its rows show that everything runs, "
    "and nothing about BERT."
)
NEGLECTED = (
    "Folds share most of their training spans and all of the test spans, so these p-values are too small; none is "
    "corrected for the number of tests."
)


def render_table1(table: dict[str, Any]) -> str:
    """The text.

    Args:
        table: What `reproduce_table1` gave.
    """
    return "\n".join(_lines(table)) + "\n"


def _lines(table: dict[str, Any]) -> Iterator[str]:
    yield from ("# Table 1 of Harrigian et al. 2023, reproduced", "", f"> **{banner(table['source'])}**", "")
    if table["size"] == "tiny":
        yield from (f"> **{TINY}**", "")
    yield (
        f"Macro F1 on the test spans: mean\u00b1sd over {table['folds']} folds of the training and validation spans, "
        "as published (MIMIC columns), and the difference of the means. The best of a task is bold, figures that "
        "print alike together; (n) is the number of folds where some are missing."
    )
    yield ""
    yield from _figures(table)
    yield from ("## Paired t-tests over the folds", "", NEGLECTED, "")
    yield from _tests(table)
    if table["problems"]:
        yield from ("## Problems", "")
        yield from (f"- {line}" for line in problem_lines(table["problems"]))
        yield ""
    yield from ("## Record", "")
    yield from (f"- {line}" for line in record_lines(table))


def _figures(table: dict[str, Any]) -> Iterator[str]:
    columns = [""]
    for name in table["tasks"].values():
        columns += [name, "published", "difference"]
    rows = []
    for row in table["rows"]:
        cells = [row["title"]]
        for task in table["tasks"]:
            cell = row["tasks"][task]
            cells += [_written(cell, table["folds"]), spread(cell["published_mean"], cell["published_sd"])]
            cells.append(number(cell["difference"], sign=True))
        rows.append(cells)
    yield from markdown_table(columns, rows)


def _written(cell: dict[str, Any], folds: int) -> str:
    text = spread(cell["mean"], cell["sd"], 3)
    text = f"**{text}**" if cell["is_best"] else text
    return text if cell["n_folds"] in (0, folds) else f"{text} ({cell['n_folds']})"


def _tests(table: dict[str, Any]) -> Iterator[str]:
    titles = {row["name"]: row["title"] for row in table["rows"]}
    pairs: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for test in table["paired_t_tests"]:
        pairs.setdefault((test["first"], test["second"]), {})[test["task"]] = test
    columns = ["first minus second"]
    for name in table["tasks"].values():
        columns += [name, "p"]
    rows = []
    for (first, second), of_pair in pairs.items():
        cells = [f"{titles[first]} minus {titles[second]}"]
        for task in table["tasks"]:
            cells += [number(of_pair[task]["mean_difference"], sign=True), p_value(of_pair[task]["p_value"])]
        rows.append(cells)
    yield from markdown_table(columns, rows)
