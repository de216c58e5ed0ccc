"""Learning curves as a picture: a panel for each task, a line for each model."""

from io import StringIO
from itertools import cycle
from typing import Any

from stigma_hf.reporting.plots import can_plot
from stigma_hf.reporting.svg import COLOURS, DASHES, STYLE

_MARKERS = "osD^"


def draw_learning_curve(curves: dict[str, Any]) -> str | None:
    """A file of SVG; None if matplotlib is not installed.

    Args:
        curves: What `learning_curve` gathered.
    """
    if not can_plot():
        return None
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(3.3 * len(curves["tasks"]) + 0.3, 3.9), layout="constrained")
        panels = figure.subplots(1, len(curves["tasks"]), sharey=True, squeeze=False)[0]
        for panel, (task, name) in zip(panels, curves["tasks"].items(), strict=True):
            _draw(panel, curves, task)
            panel.set_title(name, fontsize=11, fontweight="bold", loc="left")
        panels[0].set_ylabel("macro F1 on the test spans")
        handles, titles = panels[0].get_legend_handles_labels()
        figure.legend(handles, titles, loc="outside lower center", ncols=2)
        if curves["source"] == "synthetic":
            figure.suptitle("SYNTHETIC: invented notes", fontsize=10, x=0.01, ha="left")
        file = StringIO()
        metadata = {"Date": None, "Title": "Learning curves", "Description": describe(curves)}
        figure.savefig(file, format="svg", metadata=metadata)
    return file.getvalue()


def describe(curves: dict[str, Any]) -> str:
    """What the picture shows, for those who do not see it."""
    told = []
    for task, name in curves["tasks"].items():
        for model in curves["models"]:
            points = [point for point in model["tasks"][task] if point["mean"] is not None]
            steps = ", ".join(f"{point['n_patients']:.0f} patients {point['mean']:.2f}" for point in points)
            told.append(f"{name}, {model['title']}: {steps or 'nothing'}")
    return "; ".join(told)


def _draw(panel: Any, curves: dict[str, Any], task: str) -> None:
    """The mean of every model with a band of one standard deviation on either side."""
    styles = zip(cycle(COLOURS), cycle(DASHES), cycle(_MARKERS))
    for model, (colour, dash, marker) in zip(curves["models"], styles, strict=False):
        points = [point for point in model["tasks"][task] if point["mean"] is not None]
        patients = [point["n_patients"] for point in points]
        means = [point["mean"] for point in points]
        line = {"color": colour, "linestyle": dash, "marker": marker, "markersize": 4.5, "linewidth": 1.6}
        panel.plot(patients, means, **line, label=model["title"])
        low, high = ([point["mean"] + sign * point["sd"] for point in points] for sign in (-1, 1))
        panel.fill_between(patients, low, high, color=colour, alpha=0.15, linewidth=0)
    panel.set_ylim(0, 1)
    panel.set_xlim(left=0)
    panel.grid()
    panel.set_xlabel("training patients")
