"""Explanations as a picture: horizontal bars, a row for each explanation and a column for each label."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.explanation import Explanation, SpanExplanation, Weight
from stigma_hf.tasks import load_tasks

ENDINGS = (".png", ".svg")
MAX_ROWS = 8

# Colours of Okabe and Ito's palette, which people with any colour vision can tell apart; the hatch tells them apart in
# black and white.
_CONTEXT: dict[str, Any] = {"facecolor": "#56B4E9", "edgecolor": "#1a1a1a", "linewidth": 0.5}
_ANCHOR: dict[str, Any] = {"facecolor": "#E69F00", "edgecolor": "#1a1a1a", "linewidth": 0.5, "hatch": "///"}
_MAX_NAME = 36
_LABEL_INCHES = 4.0
_BAR_INCHES = 0.24


def plot_explanations(explanations: Sequence[Explanation], config: Any, path: str | Path, top_k: int = 10) -> None:
    """Draw the strongest features of each label of some explanations of one model.

    Args:
        explanations: Of `explain_model`, `explain_span` or `explain_words`, `MAX_ROWS` at most.
        config: Configuration of the model; its title and whether it is synthetic are written above.
        path: File to write: .png or .svg. It shows words of notes.
        top_k: Bars per label at most, from 1 on.

    Raises:
        UsageError: If matplotlib is not installed, the file cannot be written, or there is too little or too much
            to draw.
    """
    check_drawable(path)
    if not 0 < len(explanations) <= MAX_ROWS:
        raise UsageError(
            f"expected 1 to {MAX_ROWS} explanations in one plot, found {len(explanations)}; ask for fewer"
        )
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    columns = max(len(explanation.weights) for explanation in explanations)
    bars = [_most_bars(explanation, top_k) for explanation in explanations]
    heights = [1.1 + _BAR_INCHES * count for count in bars]
    figure = Figure(figsize=(_LABEL_INCHES * columns, sum(heights) + 1.1), layout="constrained")
    _text(figure.suptitle(_title(config), fontsize=14, fontweight="bold"))
    rows = figure.subfigures(len(explanations), 1, height_ratios=heights, squeeze=False)[:, 0]
    for row, explanation, count in zip(rows, explanations, bars, strict=True):
        _draw(row, explanation, count, top_k)
    figure.legend(
        handles=[Patch(**_ANCHOR, label="holds the anchor"), Patch(**_CONTEXT, label="context")],
        loc="outside lower right",
        ncols=2,
        frameon=False,
    )
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def check_drawable(path: str | Path) -> None:
    """Raise unless plots can be drawn on this machine, into a file of this name.

    Raises:
        UsageError: If not; the message says what to do.
    """
    if Path(path).suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: expected a plot that ends in {' or '.join(ENDINGS)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UsageError('plots need matplotlib; install it with: pip install "stigma_hf[plots]"') from error


def _draw(row: Any, explanation: Explanation, bars: int, top_k: int) -> None:
    """One explanation: a panel for each label, all on the same scale."""
    _text(row.suptitle(_heading(explanation), fontsize=12, x=0.01, horizontalalignment="left"))
    shown = {label: explanation.strongest(label, top_k) for label in explanation.weights}
    values = [0.0, *(weight.value for weights in shown.values() for weight in weights)]
    margin = 0.05 * ((max(values) - min(values)) or 1.0)
    limits = (min(values) - margin * (min(values) < 0), max(values) + margin)
    panels = row.subplots(1, len(shown), squeeze=False)[0]
    for panel, (label, weights) in zip(panels, shown.items(), strict=True):
        for place, weight in enumerate(weights):
            panel.barh(place, weight.value, height=0.72, **(_ANCHOR if weight.is_anchor else _CONTEXT))
        panel.set_yticks(range(len(weights)), [_name(weight) for weight in weights])
        for name in panel.get_yticklabels():
            _text(name)
        panel.set_ylim(max(bars, 1) - 0.5, -0.5)
        panel.set_xlim(limits)
        panel.axvline(0, color="#1a1a1a", linewidth=0.8)
        panel.tick_params(axis="y", length=0)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.grid(axis="x", color="#dddddd", linewidth=0.6)
        panel.set_axisbelow(True)
        _text(panel.set_title(_panel_title(explanation, label), fontsize=11))
        panel.set_xlabel(explanation.measure)


def _text(text: Any) -> None:
    """Draw a text as it is: a dollar sign in a feature does not begin a formula."""
    text.set_parse_math(False)


def _most_bars(explanation: Explanation, top_k: int) -> int:
    return max((min(top_k, len(weights)) for weights in explanation.weights.values()), default=0)


def _title(config: Any) -> str:
    is_synthetic = (config.provenance or {}).get("source") == "synthetic"
    return f"{config.title}\nSYNTHETIC: trained on invented notes" if is_synthetic else config.title


def _heading(explanation: Explanation) -> str:
    task = load_tasks()[explanation.task].name
    if isinstance(explanation, SpanExplanation):
        return f"{task}: one use of \u201c{explanation.window.anchor}\u201d, labelled {explanation.label}"
    return f"{task}: strongest features of each label"


def _panel_title(explanation: Explanation, label: str) -> str:
    if isinstance(explanation, SpanExplanation):
        return f"{label} ({explanation.probabilities[label]:.0%})"
    return label


def _name(weight: Weight) -> str:
    """The name of a feature, cut where it would take the room of the bars."""
    if len(weight.feature) <= _MAX_NAME:
        return weight.feature
    return weight.feature[: _MAX_NAME - 1] + "\u2026"
