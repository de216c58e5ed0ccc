"""Load the annotated spans, or every match, of local MIMIC-IV files."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from stigma_hf.errors import UsageError
from stigma_hf.mimic.build import Builder, Duplicates
from stigma_hf.mimic.files import MimicPath
from stigma_hf.mimic.identity import code_identity
from stigma_hf.mimic.report import BuildReport
from stigma_hf.mimic.splits import PUBLISHED_SEED, Split

if TYPE_CHECKING:
    from datasets import DatasetDict

    from stigma_hf.stigma_spans import StigmaSpansConfig

logger = logging.getLogger(__name__)

_MAX_EXAMPLES = 5


def load_spans(
    mimic_dir: MimicPath | Sequence[MimicPath],
    annotations_csv: str | Path | None = None,
    task: str = "all",
    split: Split = "released",
    *,
    seed: int = PUBLISHED_SEED,
    split_admissions: str | Path | None = None,
    duplicates: Duplicates = "mark",
    cache_dir: str | Path | None = None,
    num_proc: int | None = None,
) -> "DatasetDict":
    """The annotated spans as the splits `train`, `validation` and `test`, no patient in two of them.

    Annotations that match nothing are left out, counted in the log and listed in the report of
    `stigma_hf.mimic.build.Builder.spans`.

    Args:
        mimic_dir: The folder of MIMIC-IV and MIMIC-IV-Note, or several that are searched together.
        annotations_csv: The published `annotations.csv`, or other annotations in its layout; not for `matches`.
        task: `adamant`, `compliance` or `other`; `all` for the three together; `matches` for every match of every
            note, unlabelled, in the one split `train`.
        split: `released` repeats the published assignment and exists on MIMIC-IV 2.2 only; `hash` assigns each patient
            alone and works on any release.
        seed: Seed of the assignment; the published models used 42.
        split_admissions: The admissions file of MIMIC-IV 2.2, to draw the published assignment on another release.
        duplicates: Whether `matches` marks repeated texts in the column `is_duplicate` or drops them.
        cache_dir: A folder to keep the result in as Arrow files, which hold text of notes, with the report of the
            build; it is made readable by its owner alone. Without one the result is in memory and nothing is written.
        num_proc: Number of processes that search notes; one unless given.

    Raises:
        UsageError: If an input is missing, broken or not what it should be; the message says which and what to do.
    """
    from stigma_hf.stigma_spans import CONFIGURATIONS, StigmaSpansConfig

    if task not in CONFIGURATIONS:
        raise UsageError(f"expected task among {', '.join(CONFIGURATIONS)}, found {task!r}")
    options: dict[str, Any] = {
        "mimic": mimic_dir,
        "annotations": annotations_csv,
        "split": split,
        "seed": seed,
        "split_admissions": split_admissions,
        "duplicates": duplicates,
    }
    if cache_dir is None:
        spans, report = _build_in_memory(StigmaSpansConfig(task, **options), num_proc or 1)
    else:
        spans, report = _build_in_cache(cache_dir, num_proc, config_name=task, **options)
    _log(report)
    return spans


def _build_in_memory(config: "StigmaSpansConfig", num_proc: int) -> tuple["DatasetDict", BuildReport | None]:
    """The data set without a file anywhere."""
    from datasets import Dataset, DatasetDict, NamedSplit

    builder = Builder(config.files)
    if config.annotations is not None and config.has_labels:
        built = builder.spans(config.annotations, config.split, config.seed, config.split_admissions, num_proc)
        tables = {name: config.rows(table) for name, table in built.splits.items()}
        report = built.report
    else:
        report = BuildReport(builder.release)
        matches = builder.matches(report, config.duplicates, num_proc)
        tables = {"train": pa.concat_tables([config.features.arrow_schema.empty_table(), *matches])}
    fingerprint = f"{config.identity()}-{code_identity()}"
    return DatasetDict(
        {
            name: Dataset(table, config.info(), NamedSplit(name), fingerprint=f"{fingerprint}-{name}")
            for name, table in tables.items()
        }
    ), report


def _build_in_cache(
    cache_dir: str | Path, num_proc: int | None, **options: Any
) -> tuple["DatasetDict", BuildReport | None]:
    """The data set as files in a cache folder; no report if they were there already."""
    from datasets.exceptions import DatasetGenerationError

    from stigma_hf.stigma_spans import StigmaSpans

    builder = StigmaSpans(cache_dir, **options)
    try:
        builder.download_and_prepare(num_proc=num_proc)
    except DatasetGenerationError as error:
        # What is wrong with an input is no riddle of the datasets library.
        if isinstance(error.__cause__, UsageError):
            raise error.__cause__ from None
        raise
    return builder.as_dataset(), builder.report


def _log(report: BuildReport | None) -> None:
    """Say once what a build read and could not use."""
    if report is None:
        return
    logger.info("built from %s", "; ".join(report.lines()))
    for caution in report.cautions:
        logger.warning("%s", caution)
    if report.unmatched:
        rows = ", ".join(str(annotation.row) for annotation in report.unmatched[:_MAX_EXAMPLES])
        more = ", ..." if len(report.unmatched) > _MAX_EXAMPLES else ""
        logger.warning("%d annotations match nothing and are left out (rows %s%s)", len(report.unmatched), rows, more)
