"""The plots of a report, as pieces of SVG that stand in a page and take its text colour."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import cycle
from typing import Any

from stigma_hf.reporting.svg import COLOURS, DASHES, INK, STYLE, inline_svg
from stigma_hf.reporting.wording import number

_SHADE = "#0072B3"
"""Colour of full cells in light and dark pages alike."""

_DARKEST = 0.7
"""Opacity of a full cell, at which dark and light text can still be read."""

_STYLE = {
    **STYLE,
    "savefig.transparent": True,
    **{name: INK for name in ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")},
}


@dataclass(frozen=True)
class Plot:
    """One plot.

    Attributes:
        svg: An `<svg>` element that loads nothing and has its text in it.
        title: What stands below it.
        description: What it shows, for those who do not see it.
        is_wide: Whether it takes the whole width of a page.
    """

    svg: str
    title: str
    description: str
    is_wide: bool = False


def can_plot() -> bool:
    """Whether matplotlib is installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def draw_plots(report: dict[str, Any]) -> dict[str, Plot]:
    """Every plot of a report by its name; none if matplotlib is not installed.

    Args:
        report: What `evaluate_models` gathered.
    """
    if not can_plot():
        return {}
    from matplotlib import rc_context

    with rc_context(_STYLE):
        return dict(_plots(report))


def _plots(report: dict[str, Any]) -> Iterator[tuple[str, Plot]]:
    if any(model["tasks"] for model in report["models"]):
        yield "headline", _headline(report)
    kinds: dict[str, Callable[..., Plot]] = {"confusion": _confusion, "roc": _roc, "calibration": _calibration}
    for model in report["models"]:
        for task, result in model["tasks"].items():
            for kind, draw in kinds.items():
                yield f"{kind}/{task}/{model['name']}", draw(model["name"], report["tasks"][task]["name"], result)


def _save(figure: Any, key: str) -> str:
    file = StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", pad_inches=0.05, metadata={"Date": None})
    return inline_svg(file.getvalue(), key)


def _headline(report: dict[str, Any]) -> Plot:
    """Macro F1 of every model with its interval, a panel for each task."""
    from matplotlib.figure import Figure

    tasks = [task for task in report["tasks"] if any(task in model["tasks"] for model in report["models"])]
    of_tasks = {
        task: [
            (model["name"], model["tasks"][task]["scores"]["headline"]["macro_f1"])
            for model in report["models"]
            if task in model["tasks"]
        ]
        for task in tasks
    }
    # Names stand above their lines and not beside them, so that the plot fits a phone without shrinking.
    heights = [len(rows) for rows in of_tasks.values()]
    figure = Figure(figsize=(3.5, 0.45 * sum(heights) + 0.45 * len(tasks) + 0.3), layout="constrained")
    panels = figure.subplots(len(tasks), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    told = []
    for panel, (task, rows) in zip(panels, of_tasks.items(), strict=True):
        for place, (name, estimate) in enumerate(rows):
            if estimate["value"] is None:
                continue
            if estimate["low"] is not None:
                panel.plot([estimate["low"], estimate["high"]], [place, place], color=COLOURS[0], linewidth=2)
            panel.plot(estimate["value"], place, "o", color=COLOURS[0], markersize=6)
            panel.text(0.01, place - 0.27, name, fontsize=9, va="center")
            told.append(f"{report['tasks'][task]['name']}, {name}: {number(estimate['value'])}")
        panel.set_title(report["tasks"][task]["name"], fontsize=10, loc="left", fontweight="bold")
        panel.set_yticks([])
        panel.set_ylim(len(rows) - 0.7, -0.6)
        panel.set_xlim(0, 1)
        panel.grid(axis="x")
        panel.spines["left"].set_visible(False)
    panels[-1].set_xlabel("macro F1")
    return Plot(_save(figure, "headline"), "Macro F1 of each model, with intervals", "; ".join(told), is_wide=True)


def _confusion(model: str, task: str, result: dict[str, Any]) -> Plot:
    """Spans by true and predicted label; shade is the share of the true label."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    labels, matrix = result["scores"]["labels"], result["scores"]["confusion"]
    figure = Figure(figsize=(0.72 * len(labels) + 0.4, 0.62 * len(labels) + 0.4))
    panel = figure.subplots()
    told = []
    for row, (label, counts) in enumerate(zip(labels, matrix, strict=True)):
        total = sum(counts)
        for column, n in enumerate(counts):
            share = n / total if total else 0
            panel.add_patch(Rectangle((column, row), 1, 1, facecolor=_SHADE, alpha=_DARKEST * share, edgecolor="none"))
            panel.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor="#808080", linewidth=0.6))
            weight = "bold" if row == column else "normal"
            panel.text(column + 0.5, row + 0.42, f"{n:,}", ha="center", va="center", fontsize=11, fontweight=weight)
            panel.text(column + 0.5, row + 0.76, f"{share:.0%}", ha="center", va="center", fontsize=8)
        told.append(f"{label}: {matrix[row][row]} of {total} right")
    panel.set_xlim(0, len(labels))
    panel.set_ylim(len(labels), 0)
    places = [place + 0.5 for place in range(len(labels))]
    panel.set_xticks(places, labels, fontsize=9, rotation=30, ha="right", rotation_mode="anchor")
    panel.set_yticks(places, labels, fontsize=9)
    panel.tick_params(length=0)
    panel.spines[["left", "bottom"]].set_visible(False)
    panel.set_xlabel("predicted")
    panel.set_ylabel("true")
    description = f"Confusion matrix of {model} for {task}. {'; '.join(told)}."
    return Plot(_save(figure, f"c-{task}-{model}"), model, description)


def _roc(model: str, task: str, result: dict[str, Any]) -> Plot:
    """One curve for each label against the rest."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.1, 3.1))
    panel = figure.subplots()
    panel.plot([0, 1], [0, 1], color="#808080", linewidth=0.8)
    told = []
    styles = zip(cycle(COLOURS), cycle(DASHES))
    for (label, curve), (colour, dash) in zip(result["roc"].items(), styles, strict=False):
        area = number(result["scores"]["per_label"][label]["roc_auc"]["value"], 2)
        told.append(f"{label}: area {area}")
        if curve:
            panel.plot(
                curve["false_positive_rate"],
                curve["true_positive_rate"],
                color=colour,
                linestyle=dash,
                linewidth=1.8,
                label=f"{label} {area}",
            )
    panel.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    panel.grid()
    if panel.get_legend_handles_labels()[0]:
        panel.legend(loc="lower right", fontsize=9, title="area", title_fontsize=9)
    description = f"ROC curves of {model} for {task}, each label against the rest. {'; '.join(told)}."
    return Plot(_save(figure, f"r-{task}-{model}"), model, description)


def _calibration(model: str, task: str, result: dict[str, Any]) -> Plot:
    """How often the predicted label is right, by how sure the model is; before and after temperature scaling."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.1, 3.1))
    panel = figure.subplots()
    panel.plot([0, 1], [0, 1], color="#808080", linewidth=0.8)
    fitted = result["calibration"]
    curves = [("as it is", result["calibration_curve"])]
    if fitted:
        unsettled = " (unsettled)" if fitted["is_at_end"] else ""
        after = f"after, T = {number(fitted['temperature'], 2)}{unsettled}"
        curves = [("before", result["calibration_curve"]), (after, fitted["curve_after"])]
    told = []
    for (name, curve), colour, dash, marker in zip(curves, COLOURS, DASHES, "os", strict=False):
        filled = [of_bin for of_bin in curve if of_bin["n_spans"]]
        said = [of_bin["mean_probability"] for of_bin in filled]
        shares = [of_bin["share"] for of_bin in filled]
        panel.plot(said, shares, color=colour, linestyle=dash, linewidth=1.5, marker=marker, markersize=0, label=name)
        most = max((of_bin["n_spans"] for of_bin in filled), default=1)
        sizes = [12 + 70 * of_bin["n_spans"] / most for of_bin in filled]
        panel.scatter(said, shares, s=sizes, color=colour, marker=marker, alpha=0.85, linewidths=0)
        points = ", ".join(f"{number(x, 2)} right {number(y, 2)}" for x, y in zip(said, shares, strict=True))
        told.append(f"{name}: {points}")
    panel.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="probability of the predicted label", ylabel="share that is right")
    panel.set_aspect("equal")
    panel.grid()
    panel.legend(loc="upper left", fontsize=8)
    description = f"Calibration of {model} for {task}; larger marks are more spans. {'; '.join(told)}."
    return Plot(_save(figure, f"k-{task}-{model}"), model, description)
