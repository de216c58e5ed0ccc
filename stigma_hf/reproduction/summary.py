"""What the tables of several experiments say alike: means over runs, what the runs were made with, what failed."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.reporting.wording import NONE, SYNTHETIC
from stigma_hf.whole_files import write_whole

_MADE_WITH = ("stigma_hf_version", "git_commit", "has_uncommitted_changes", "python_version", "package_versions")


def mean_and_sd(scores: Iterable[float | None]) -> tuple[float | None, float | None]:
    """Mean and standard deviation of the scores that there are, as `cross_validate` takes them; None without any."""
    found = [score for score in scores if score is not None]
    return (float(np.mean(found)), float(np.std(found))) if found else (None, None)


def spread(mean: float | None, sd: float | None, digits: int = 2) -> str:
    """A mean and its standard deviation as the paper prints them, or a dash."""
    return NONE if mean is None else f"{mean:.{digits}f}\u00b1{sd:.{digits}f}"


def made_with(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The versions that runs were done with, each with the number of those runs; more than one after an update."""
    kinds = Counter(
        json.dumps({name: record["record"][name] for name in _MADE_WITH}, sort_keys=True) for record in records
    )
    return [{**json.loads(kind), "n_runs": number} for kind, number in kinds.most_common()]


def banner(source: str) -> str:
    """What has to be said of the source of the spans before any figure."""
    return SYNTHETIC if source == "synthetic" else f"Source of the spans: {source}."


def problem_lines(problems: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each problem, those that many runs share in one."""
    shared: dict[tuple[Any, str], list[str]] = {}
    for entry in problems:
        run = ", ".join(filter(None, (entry["task"], entry["part"])))
        shared.setdefault((entry["model"], entry["problem"]), []).append(run)
    for (model, problem), runs in shared.items():
        which = f" ({'; '.join(runs[:3])}{f' and {len(runs) - 3} more' if len(runs) > 3 else ''})" if any(runs) else ""
        yield f"{model or 'all models'}{which}: {problem}"


def record_lines(table: Mapping[str, Any]) -> Iterator[str]:
    """By what the figures can be traced."""
    record = table["record"]
    commit = f", commit {record['git_commit']}" if record["git_commit"] else ""
    changed = " with uncommitted changes" if record["has_uncommitted_changes"] else ""
    yield f"Command: `{record['command']}`"
    yield f"stigma_hf {record['stigma_hf_version']}{commit}{changed}; Python {record['python_version']}"
    yield ", ".join(f"{package} {version}" for package, version in record["package_versions"].items())
    yield "; ".join(
        f"{split}: {data['n_spans']:,} spans, fingerprint {data['fingerprint']}"
        for split, data in record["data"].items()
    )
    if len(table["made_with"]) > 1:
        yield (
            f"The runs were done with {len(table['made_with'])} different states of the software; "
            "`made_with` in the JSON file has them"
        )


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table whose first column is text; cells are Markdown already."""
    yield f"| {' | '.join(columns)} |"
    yield f"| --- |{' ---: |' * (len(columns) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def write_files(folder: str | Path, files: Mapping[str, str]) -> None:
    """Write files, each whole or not at all.

    Raises:
        UsageError: If they cannot be written.
    """
    try:
        for name, text in files.items():
            write_whole(Path(folder) / name, text)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror or type(error).__name__}") from error
