"""Figure 1 as a picture: anchors down, labels across, a cell as dark as the label's share of the anchor's spans."""

from io import StringIO
from typing import Any

from stigma_hf.reporting.plots import can_plot
from stigma_hf.reporting.svg import COLOURS, STYLE

_ROW_INCHES = 0.19
_FONT_SIZE = 8
_DARKEST = 0.7
"""Opacity of a full cell, at which a dark number can still be read."""


def draw_figure1(report: dict[str, Any]) -> str | None:
    """A file of SVG; None if matplotlib is not installed.

    Args:
        report: What `reproduce_figure1` gathered.
    """
    if not can_plot():
        return None
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    columns = _columns(report["tasks"])
    longest = max(sum(len(about["anchors"]) + 4 for about in column) for column in columns)
    with rc_context({**STYLE, "font.size": _FONT_SIZE}):
        figure = Figure(figsize=(3.9 * len(columns), _ROW_INCHES * longest + 0.5), layout="constrained")
        for part, column in zip(figure.subfigures(1, len(columns), squeeze=False)[0], columns, strict=True):
            heights = [len(about["anchors"]) + 1 for about in column]
            # What a column lacks of the longest stays empty, so that all rows are of one height.
            rest = longest - sum(height + 3 for height in heights)
            ratios = [*heights, rest] if rest > 0 else heights
            panels = part.subplots(len(ratios), 1, squeeze=False, gridspec_kw={"height_ratios": ratios})[:, 0]
            for panel, about in zip(panels, column, strict=False):
                _draw(panel, about)
            if rest > 0:
                panels[-1].axis("off")
        title = "SYNTHETIC: invented notes. " if report["source"] == "synthetic" else ""
        figure.suptitle(f"{title}Annotated spans by anchor and label", fontsize=10, x=0.01, ha="left")
        file = StringIO()
        metadata = {"Date": None, "Title": "Annotated spans by anchor and label", "Description": describe(report)}
        figure.savefig(file, format="svg", metadata=metadata)
    return file.getvalue()


def describe(report: dict[str, Any]) -> str:
    """What the picture shows, for those who do not see it."""
    told = []
    for about in report["tasks"].values():
        for row in about["anchors"]:
            cells = ", ".join(f"{label} {row['counts'][label]}" for label in about["labels"])
            told.append(f"{about['name']}, {row['anchor']}: {cells}")
    return "; ".join(told)


def _columns(tasks: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The tasks in columns: the longest on the right, the others below each other on the left."""
    ordered = sorted(tasks.values(), key=lambda about: len(about["anchors"]))
    return [ordered[:-1], ordered[-1:]] if len(ordered) > 1 else [ordered]


def _draw(panel: Any, about: dict[str, Any]) -> None:
    from matplotlib.patches import Rectangle

    labels = about["labels"]
    for row, of_anchor in enumerate(about["anchors"]):
        total = sum(of_anchor["counts"].values())
        for column, label in enumerate(labels):
            n = of_anchor["counts"][label]
            opacity = _DARKEST * n / total if total else 0
            panel.add_patch(Rectangle((column, row), 1, 1, facecolor=COLOURS[0], alpha=opacity, edgecolor="none"))
            panel.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor="#b0b0b0", linewidth=0.4))
            if n:
                panel.text(column + 0.5, row + 0.53, f"{n:,}", ha="center", va="center", fontsize=7)
    panel.set_xlim(0, len(labels))
    panel.set_ylim(len(about["anchors"]), 0)
    panel.set_xticks([place + 0.5 for place in range(len(labels))], labels)
    panel.xaxis.tick_top()
    anchors = [row["anchor"] for row in about["anchors"]]
    panel.set_yticks([place + 0.5 for place in range(len(anchors))], anchors)
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    panel.set_title(about["name"], fontsize=9, fontweight="bold", loc="left")
