"""Write a report as JSON, or as a table of one row per figure."""

import json
from pathlib import Path

from stigma_hf.errors import UsageError
from stigma_hf.prevalence.report import ROW_COLUMNS, PrevalenceReport
from stigma_hf.result_files import ResultWriter

ENDINGS = (".json", ".csv")


def check_output(path: str | Path, overwrite: bool = False) -> None:
    """Check that a report can be written, before the work.

    Raises:
        UsageError: If the ending is another, or the file exists.
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: expected an output file that ends in {' or '.join(ENDINGS)}")
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: exists already; choose another name or allow --overwrite")


def write_report(report: PrevalenceReport, path: str | Path, overwrite: bool = False) -> None:
    """Write a report, `.json` with all there is or `.csv` with its figures.

    Raises:
        UsageError: If the ending is another, the file exists, or it cannot be written.
    """
    check_output(path, overwrite)
    if Path(path).suffix.lower() == ".csv":
        with ResultWriter(path, ROW_COLUMNS, overwrite) as file:
            for row in report.rows():
                file.write(row)
        return
    try:
        Path(path).write_text(json.dumps(report.to_dict(), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or type(error).__name__}") from error
