"""The folder of a report, readable by its owner alone, whole or not there."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.prediction_files import save_predictions
from stigma_hf.mimic.output import finished_folder
from stigma_hf.reporting.document import sections
from stigma_hf.reporting.error_listing import errors_with_text
from stigma_hf.reporting.evaluate import Evaluation
from stigma_hf.reporting.html import render_html
from stigma_hf.reporting.markdown import render_markdown
from stigma_hf.reporting.plots import draw_plots

REPORT = "report.json"
ERRORS = "errors.jsonl"
PREDICTIONS = "predictions"

_OWNER_ONLY = 0o600


def check_report_folder(folder: str | Path, overwrite: bool = False) -> None:
    """Check that a report can be written to a folder, before the work.

    Raises:
        UsageError: If it holds something that may not be replaced, or that is no report.
    """
    path = Path(folder).expanduser()
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not (path / REPORT).is_file():
        raise UsageError(f"expected a new or an empty folder, or one of a report, found something else at {path}")
    if not overwrite:
        raise UsageError(f"{path}: holds a report already; choose another folder or allow --overwrite")


def write_report(
    evaluation: Evaluation, folder: str | Path, overwrite: bool = False, with_text: bool = False
) -> list[str]:
    """Write `report.json`, `report.md`, `report.html` and a file of predictions for each model.

    Args:
        evaluation: What `evaluate_models` gave.
        folder: A new or an empty folder.
        overwrite: Whether a report that is there may be replaced.
        with_text: Whether to write `errors.jsonl` as well, with the context windows of wrongly labelled spans.

    Returns:
        Names of what was written.

    Raises:
        UsageError: If the folder may not be written to.
    """
    check_report_folder(folder, overwrite)
    report = evaluation.report
    parts, plots = sections(report), draw_plots(report)
    files = {
        REPORT: json.dumps(report, indent=1, allow_nan=False) + "\n",
        "report.md": render_markdown(report, parts),
        "report.html": render_html(report, parts, plots),
    }
    target = Path(folder).expanduser()
    try:
        if target.exists():
            shutil.rmtree(target)
        with finished_folder(target) as at:
            for name, text in files.items():
                (at / name).write_text(text, encoding="utf-8")
            (at / PREDICTIONS).mkdir()
            for name, predictions in evaluation.predictions.items():
                save_predictions(predictions, at / PREDICTIONS / f"{name}.parquet")
            if with_text:
                with open(os.open(at / ERRORS, os.O_CREAT | os.O_WRONLY | os.O_EXCL, _OWNER_ONLY), "w") as file:
                    file.writelines(json.dumps(error) + "\n" for error in _errors_with_text(evaluation))
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror or type(error).__name__}") from error
    return [*files, PREDICTIONS, *([ERRORS] if with_text else [])]


def _errors_with_text(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    split = evaluation.report["split"]
    for model, of_tasks in evaluation.predictions.items():
        for predictions in of_tasks:
            contexts = evaluation.data.contexts(split, predictions.task)
            for error in errors_with_text(predictions, contexts):
                yield {"model": model, **error}
