"""How figures are named and written for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FIGURE_NAMES = {
    "macro_f1": "macro F1",
    "macro_f1_all_labels": "macro F1 over all labels",
    "accuracy": "accuracy",
    "macro_roc_auc": "ROC AUC",
    "macro_average_precision": "average precision",
    "brier": "Brier score",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
}
"""Names of figures as people know them."""

NONE = "\u2013"
"""Stands where a figure is not defined."""

SYNTHETIC = (
    "SYNTHETIC: invented patients and notes, no data of MIMIC-IV. No figure here says anything about real notes."
)


def banner(source: str) -> str:
    """What has to be said about the source of the spans before any figure."""
    if source == "synthetic":
        return SYNTHETIC
    return (
        f"Source of the spans: {source}. Figures are aggregates. The listings of errors name notes by id, and so do "
        "the files of predictions: keep this folder where the notes may be, and leave those out of what is shared."
    )


def without_home(text: str) -> str:
    """Text with the home folder, which has a person's name, as `~`."""
    home = str(Path.home())
    return text if home == "/" else text.replace(f"{home}/", "~/")


def problem_text(entry: Mapping[str, Any]) -> str:
    """A problem with the model it is about, unless it names it already."""
    model, problem = entry["model"], str(entry["problem"])
    return problem if not model or problem.startswith(model) else f"{model}: {problem}"


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """A figure, or a dash where it is not defined."""
    if value is None:
        return NONE
    written = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    # A rounded zero has no sign.
    return f"{0:.{digits}f}" if float(written) == 0 else written.replace("-", "\u2212")


def with_interval(estimate: Mapping[str, Any], sign: bool = False) -> str:
    """A figure and its interval, if there is one."""
    value = number(estimate["value"], sign=sign)
    if estimate["low"] is None:
        return value
    return f"{value} ({number(estimate['low'], sign=sign)} to {number(estimate['high'], sign=sign)})"


def p_value(value: float | None) -> str:
    """A p-value with as many digits as it deserves."""
    if value is None:
        return NONE
    return "<0.001" if value < 0.001 else number(value)


def count(value: int | None) -> str:
    """A whole number with separators, or a dash."""
    return NONE if value is None else f"{value:,}"


def terse_interval(estimate: Mapping[str, Any]) -> str:
    """A figure and its interval for a narrow column, such as `0.773 (.701-.838)`."""
    if estimate["low"] is None:
        return number(estimate["value"])
    low, high = (number(estimate[end]).removeprefix("0") for end in ("low", "high"))
    return f"{number(estimate['value'])} ({low}-{high})"
