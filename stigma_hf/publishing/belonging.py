"""Whether the files of a folder belong together: weights of another model beside a harmless one do not go along."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stigma_hf.baseline.storage import COUNTS_FILE, ESTIMATORS_FILE
from stigma_hf.publishing.findings import Finding
from stigma_hf.publishing.folder_files import FolderFile

_MAJORITIES = ("majority-overall", "majority-per-anchor")
_OF_EVERY_MODEL = r"config\.json|README\.md|LICENSE(\.txt|\.md)?|provenance\.json|conversion\.json"
_OF_ENCODERS = (
    r"model.*\.safetensors(\.index\.json)?|tokenizer.*|special_tokens_map\.json|added_tokens\.json|vocab.*|merges\.txt"
)
_MAX_BLANKS = {"context": 100}
"""Blanks that a window may have; no other column of rows has more than a few."""
_MAX_BLANKS_ELSEWHERE = 12


def find_strangers(files: Iterable[FolderFile], config: dict[str, Any]) -> list[Finding]:
    """Which files are not part of the model that a configuration describes.

    Args:
        files: The files of a model's folder.
        config: Its configuration.
    """
    kind = config.get("model_type")
    if kind == "stigma-anchor-pooled":
        own = _OF_ENCODERS
    elif kind == "stigma-baseline":
        own = re.escape(COUNTS_FILE if config.get("estimator") in _MAJORITIES else ESTIMATORS_FILE)
    else:
        return [Finding("config.json", "not that of a model of this package", "publish models of this package only")]
    pattern = re.compile(f"{_OF_EVERY_MODEL}|{own}")
    advice = "remove it, its origin is not known"
    return [
        Finding(file.shown, "no part of the model that config.json describes", advice)
        for file in files
        if not pattern.fullmatch(file.name)
    ]


def find_whole_texts(file: FolderFile) -> list[Finding]:
    """Which columns of a file of rows hold more text than a window has, as whole notes do.

    Args:
        file: A Parquet file of a data set.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    findings = []
    table = parquet.read_table(file.path)
    for name, column in zip(table.schema.names, table.columns, strict=True):
        values = pc.list_flatten(column) if pa.types.is_list(column.type) else column
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            blanks = pc.max(pc.count_substring_regex(values, r"\s")).as_py() or 0
            if blanks > _MAX_BLANKS.get(name, _MAX_BLANKS_ELSEWHERE):
                advice = "publish the folder as build-dataset writes it"
                findings.append(Finding(file.shown, "column with longer text than a window", advice))
        elif pa.types.is_binary(values.type) or pa.types.is_struct(values.type) or pa.types.is_map(values.type):
            advice = "publish the folder as build-dataset writes it"
            findings.append(Finding(file.shown, "column that is neither text nor numbers", advice))
    return findings


def has_invented_patients(folder: Path) -> bool | None:
    """Whether all patients in the rows of a data set are invented, by their ids; None if there are no rows.

    Args:
        folder: Folder of the data set.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    from stigma_hf.synthetic.identifiers import FIRST_SUBJECT

    smallest = []
    for file in sorted(folder.glob("*/*.parquet")):
        try:
            ids = parquet.read_table(file, columns=["subject_id"])["subject_id"]
        except (pa.ArrowException, KeyError, OSError):
            return False
        if len(ids):
            smallest.append(pc.min(ids).as_py())
    return all(each is not None and each >= FIRST_SUBJECT for each in smallest) if smallest else None
