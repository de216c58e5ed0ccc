"""Write the data set as a folder of Parquet files with a card, the layout of a dataset repository."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
from pyarrow import parquet

from stigma_hf.errors import UsageError
from stigma_hf.mimic.build import Builder, Duplicates
from stigma_hf.mimic.files import MimicFiles, MimicPath, find_files
from stigma_hf.mimic.output import finished_folder
from stigma_hf.mimic.report import BuildReport
from stigma_hf.mimic.splits import PUBLISHED_SEED, Split
from stigma_hf.tasks import load_tasks

Configuration = Literal["spans", "matches"]


def build_dataset(
    mimic: MimicPath | Sequence[MimicPath],
    out: str | Path,
    annotations: str | Path | None = None,
    config: Configuration = "spans",
    split: Split = "released",
    seed: int = PUBLISHED_SEED,
    split_admissions: str | Path | None = None,
    duplicates: Duplicates = "mark",
    num_proc: int = 1,
    on_notes: Callable[[int], Any] | None = None,
) -> BuildReport:
    """Write a folder that `datasets.load_dataset(folder, name)` reads without a network.

    It holds Parquet files per configuration and split, the card, the report of the build and a provenance record, is
    readable by its owner alone, and gets its name only when it is complete.

    Args:
        mimic: The folder of MIMIC-IV, or several that are searched together.
        out: A new folder.
        annotations: The published annotations; needed for `spans`.
        config: `spans` for the annotated spans of each task and of all, `matches` for every unlabelled match.
        split: As in `load_spans`.
        seed: As in `load_spans`.
        split_admissions: As in `load_spans`.
        duplicates: As in `load_spans`.
        num_proc: As in `load_spans`.
        on_notes: Called with the number of notes of each batch read, for a progress bar.

    Raises:
        UsageError: If an input or the folder is not as it should be.
    """
    from stigma_hf.cards import render_dataset_card
    from stigma_hf.stigma_spans import ALL_MATCHES, ALL_TASKS, REPORT, StigmaSpansConfig

    if config not in get_args(Configuration):
        raise UsageError(f"expected config among {', '.join(get_args(Configuration))}, found {config!r}")
    if config == "spans" and annotations is None:
        raise UsageError("expected annotations, the CSV file of annotations, for 'spans'; found none")
    files = find_files(mimic)
    builder = Builder(files, on_notes)
    with finished_folder(out) as folder:
        if config == "matches" or annotations is None:
            report = BuildReport(builder.release)
            matches = builder.matches(report, duplicates, num_proc)
            schema = StigmaSpansConfig(ALL_MATCHES, mimic=mimic).schema
            layout = {ALL_MATCHES: _write_splits(folder / ALL_MATCHES, schema, {"train": matches})}
        else:
            spans = builder.spans(annotations, split, seed, split_admissions, num_proc)
            report, layout = spans.report, {}
            for name in (*load_tasks(), ALL_TASKS):
                of_task = StigmaSpansConfig(name, mimic=mimic, annotations=annotations)
                tables = {at: [of_task.rows(table)] for at, table in spans.splits.items()}
                layout[name] = _write_splits(folder / name, of_task.schema, tables)
        (folder / "README.md").write_text(render_dataset_card(layout, files.is_synthetic), encoding="utf-8")
        (folder / "provenance.json").write_text(json.dumps(_provenance(files, report), indent=2) + "\n")
        report.save(folder / REPORT)
    return report


def read_matches(folder: str | Path, on_matches: Callable[[int], Any] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a folder that `build_dataset` wrote for `matches`, one at a time.

    Args:
        folder: The folder.
        on_matches: Called with the number of matches of each batch read, for a progress bar.

    Raises:
        UsageError: If it is no such folder.
    """
    path = Path(folder) / "matches" / "train.parquet"
    if not path.is_file():
        raise UsageError(f"{folder}: expected a folder of build-dataset --config matches, found no {path.name}")
    for batch in parquet.ParquetFile(path).iter_batches():
        yield from batch.to_pylist()
        if on_matches:
            on_matches(len(batch))


def _write_splits(folder: Path, schema: pa.Schema, splits: Mapping[str, Iterable[pa.Table]]) -> list[str]:
    """Write one Parquet file per split, and give back the splits that have rows: datasets refuses to read others."""
    folder.mkdir()
    written = []
    for name, tables in splits.items():
        path, rows = folder / f"{name}.parquet", 0
        # Readers take whole columns, so the least and the greatest value of each are not worth their time.
        with parquet.ParquetWriter(path, schema, write_statistics=False) as writer:
            for table in tables:
                writer.write_table(table.cast(schema))
                rows += len(table)
        if rows:
            written.append(name)
        else:
            path.unlink()
    return written


def _provenance(files: MimicFiles, report: BuildReport) -> dict[str, Any]:
    """Where the rows come from: whoever publishes them asks this record first."""
    return {
        "source": "synthetic" if files.is_synthetic else "mimic-iv",
        "release": report.release.name,
        "note_release": report.release.note_name,
        "admissions": report.release.admissions,
        "split": report.split,
    }
