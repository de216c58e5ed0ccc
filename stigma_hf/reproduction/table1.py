"""Table 1 of Harrigian et al. 2023 again: macro F1 on the test spans over the folds, beside the published figures."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.experiment import record_experiment
from stigma_hf.evaluation.significance import paired_t_test
from stigma_hf.mimic.splits import PUBLISHED_SEED
from stigma_hf.published_ranges import read_table1
from stigma_hf.reproduction.divisions import Folds
from stigma_hf.reproduction.experiment import Experiment, OnRun, Results, carry_out
from stigma_hf.reproduction.runs import Run
from stigma_hf.reproduction.summary import made_with, mean_and_sd, write_files
from stigma_hf.reproduction.table1_rows import Row, Size, table1_rows
from stigma_hf.reproduction.table1_text import render_table1
from stigma_hf.reproduction.workers import Workers
from stigma_hf.tasks import load_tasks

NAME = "table1"
"""Name of its files."""

_DIGITS = 2
"""To which figures are printed in the paper, and by which the best of a task is found."""


def reproduce_table1(
    data: str | Path,
    out: str | Path,
    *,
    size: Size = "full",
    encoders: Mapping[str, str] | None = None,
    only: Sequence[str] = (),
    folds: int = 5,
    workers: Workers | None = None,
    keep_models: bool = False,
    overwrite: bool = False,
    on_run: OnRun | None = None,
) -> dict[str, Any]:
    """Train and score every row on every fold, as far as that is not done yet, and write the table.

    Args:
        data: Folder of `stigma-hf build-dataset`.
        out: Folder to write to; called again with the same folder, this goes on where it stopped.
        size: As in `table1_rows`.
        encoders: As in `table1_rows`.
        only: As in `table1_rows`.
        folds: Folds of the cross-validation; 5 are published.
        workers: The processes that share the runs.
        keep_models: Whether trained models are kept.
        overwrite: Whether runs of another experiment in the folder are removed.
        on_run: Called as runs end.

    Returns:
        The table, as `table1.json` holds it; `table1.md` is for people.

    Raises:
        UsageError: If the spans or the folder are not as they should be, or no run at all succeeded.
    """
    started = datetime.now(UTC)
    rows = table1_rows(size, encoders, only)
    experiment = Experiment(
        Path(data),
        Path(out),
        {row.name: row.recipe for row in rows},
        Folds(folds),
        workers or Workers(),
        keep_models,
        overwrite,
    )
    results = carry_out(experiment, on_run)
    if not results.records:
        raise UsageError(f"no run succeeded: {'; '.join(entry['problem'] for entry in results.problems)}")
    cells = {row.name: {task: _cell(row, task, folds, results) for task in results.data.tasks} for row in rows}
    _mark_best(cells)
    source = results.data.rows
    table = {
        "source": source.source,
        "size": size,
        "folds": folds,
        "metric": "macro F1 on the test spans",
        "tasks": {task: load_tasks()[task].name for task in results.data.tasks},
        "rows": [
            {"name": row.name, "title": row.title, "published_as": row.published, "tasks": cells[row.name]}
            for row in rows
        ],
        "paired_t_tests": list(_tests(rows, cells)),
        "problems": results.problems,
        "n_runs_done_before": results.n_done_before,
        "made_with": made_with(results.records.values()),
        "record": record_experiment(PUBLISHED_SEED, source.splits, source.provenance, started=started).to_dict(),
    }
    write_files(out, {f"{NAME}.json": json.dumps(table, indent=1) + "\n", f"{NAME}.md": render_table1(table)})
    return table


def _cell(row: Row, task: str, folds: int, results: Results) -> dict[str, Any]:
    """What is known of a row and a task."""
    scores = [results.score(Run(row.name, task, part)) for part in Folds(folds).parts()]
    published = read_table1("mimic").get((row.published, task))
    mean, sd = mean_and_sd(scores)
    return {
        "folds": scores,
        "n_folds": sum(score is not None for score in scores),
        "mean": mean,
        "sd": sd,
        "published_mean": published.mean if published else None,
        "published_sd": published.sd if published else None,
        "difference": mean - published.mean if published and mean is not None else None,
        "is_best": False,
    }


def _mark_best(cells: Mapping[str, dict[str, dict[str, Any]]]) -> None:
    """Mark the best mean of each task, and those that print like it."""
    for task in {task for of_row in cells.values() for task in of_row}:
        of_task = [of_row[task] for of_row in cells.values() if of_row[task]["mean"] is not None]
        best = max((round(cell["mean"], _DIGITS) for cell in of_task), default=None)
        for cell in of_task:
            cell["is_best"] = round(cell["mean"], _DIGITS) == best


def _tests(rows: Sequence[Row], cells: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Paired t-tests over the folds, for the comparisons that the table is there for."""
    for first, second in _compared(rows):
        for task in cells[first.name]:
            scores = [cells[row.name][task]["folds"] for row in (first, second)]
            test = paired_t_test(*scores)
            yield {"task": task, "first": first.name, "second": second.name, **asdict(test)}


def _compared(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Rows that differ in one thing, the one that knows more first, and every encoder beside the last baseline."""
    baselines = [row for row in rows if row.encoder is None]
    encoders = [row for row in rows if row.encoder is not None]
    yield from ((second, first) for first, second in combinations(baselines, 2))
    yield from ((row, baseline) for row in encoders for baseline in baselines[-1:])
    for first, second in combinations(encoders, 2):
        if first.encoder == second.encoder and first.pooling == "anchor":
            yield first, second
        elif first.encoder != second.encoder and first.pooling == second.pooling:
            yield second, first
