"""Learning curves as Markdown."""

from collections.abc import Iterator
from typing import Any

from stigma_hf.reproduction.summary import banner, markdown_table, problem_lines, record_lines, spread


def render_learning_curve(curves: dict[str, Any]) -> str:
    """The text.

    Args:
        curves: What `learning_curve` gathered.
    """
    return "\n".join(_lines(curves)) + "\n"


def whole(value: float | None) -> str:
    """A mean of counts, for people."""
    return "" if value is None else f"{value:,.0f}"


def _lines(curves: dict[str, Any]) -> Iterator[str]:
    yield from ("# Learning curves", "", f"> **{banner(curves['source'])}**", "")
    yield (
        f"Macro F1 on the test spans: mean\u00b1sd over {curves['draws']} draws of training patients. Each part of a "
        "draw holds the smaller ones; validation and test spans are always the same. Patients and spans are the mean "
        "number that a task is trained on."
    )
    yield ""
    for task, name in curves["tasks"].items():
        yield from (f"## {name}", "")
        yield from _table(curves, task)
    if curves["problems"]:
        yield from ("## Problems", "")
        yield from (f"- {line}" for line in problem_lines(curves["problems"]))
        yield ""
    yield from ("## Record", "")
    yield from (f"- {line}" for line in record_lines(curves))


def _table(curves: dict[str, Any], task: str) -> Iterator[str]:
    columns = ["patients with training spans", "patients", "spans", *(model["title"] for model in curves["models"])]
    rows = []
    for place, share in enumerate(curves["shares"]):
        points = [model["tasks"][task][place] for model in curves["models"]]
        sizes = next((point for point in points if point["n_spans"] is not None), points[0])
        cells = [f"{share:.0%}", whole(sizes["n_patients"]), whole(sizes["n_spans"])]
        rows.append([*cells, *(_written(point, curves["draws"]) for point in points)])
    yield from markdown_table(columns, rows)


def _written(point: dict[str, Any], draws: int) -> str:
    text, done = spread(point["mean"], point["sd"], 3), sum(score is not None for score in point["draws"])
    return text if done in (0, draws) else f"{text} ({done})"
