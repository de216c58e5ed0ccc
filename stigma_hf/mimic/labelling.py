"""Hand sampled matches to annotators and take their labels back."""

import csv
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TextIO

from stigma_hf.errors import UsageError
from stigma_hf.mimic.sampling import SampledMatch
from stigma_hf.result_files import ResultWriter
from stigma_hf.tasks import load_tasks

logger = logging.getLogger(__name__)

ANNOTATORS = ("annotator_1", "annotator_2", "annotator_3")
ANNOTATION_COLUMNS = ("encounter_note_id", "keyword_category", "keyword", "start", "end", *ANNOTATORS, "label")
"""Columns of the released `annotations.csv`."""

_SAMPLE_COLUMNS = tuple(field.name for field in fields(SampledMatch))
EXPORT_COLUMNS = ("id", *_SAMPLE_COLUMNS, "choices", *ANNOTATORS, "label")
"""Columns of the files handed to annotators; those from `annotator_1` on are theirs to fill."""


def write_sample(matches: Iterable[SampledMatch], path: str | Path, overwrite: bool = False) -> None:
    """Write instances for a labelling tool or a spreadsheet, label and annotator columns empty.

    Args:
        matches: The instances, `Sample.matches`.
        path: A `.csv` or `.jsonl` file.
        overwrite: Whether an existing file, with the labels that may be in it, is replaced.

    Raises:
        UsageError: If the ending is another, or the file exists.
    """
    _check_ending(path)
    tasks, empty = load_tasks(), dict.fromkeys((*ANNOTATORS, "label"), "")
    with ResultWriter(path, EXPORT_COLUMNS, overwrite) as file:
        for match in matches:
            file.write({"id": match.id, **asdict(match), "choices": " | ".join(tasks[match.task].labels), **empty})


def read_sample(path: str | Path) -> list[SampledMatch]:
    """The instances of a file that `write_sample` wrote, labels or none.

    Raises:
        UsageError: If the file is not such a file.
    """
    matches = []
    for line, row in _read_rows(path, ("id", *_SAMPLE_COLUMNS)):
        try:
            offsets = {"clean_start": int(row["clean_start"]), "clean_end": int(row["clean_end"])}
        except (TypeError, ValueError):
            raise UsageError(f"{path}, line {line}: expected whole numbers in clean_start and clean_end") from None
        match = SampledMatch(**{name: row[name] for name in _SAMPLE_COLUMNS} | offsets)
        if row["id"] != match.id or match.task not in load_tasks():
            raise UsageError(
                f"{path}, line {line}: the id does not agree with note_id, task, clean_start and clean_end"
            )
        matches.append(match)
    return matches


@dataclass(frozen=True)
class ImportedLabels:
    """Labels taken back from annotators.

    Attributes:
        annotations: Rows in the columns of the released `annotations.csv`, in the order of the sample.
        unlabelled: Ids of instances that nobody labelled.
        unresolved: Ids whose annotators disagree, with no label agreed on; they are not among the annotations.
        conflicts: (id, column) where two files give two values; neither is taken.
        invalid: (id, column) of labels that the task does not have; not taken.
        unknown_ids: Ids in the files that the sample does not have.
    """

    annotations: list[dict[str, str | int]]
    unlabelled: list[str]
    unresolved: list[str]
    conflicts: list[tuple[str, str]]
    invalid: list[tuple[str, str]]
    unknown_ids: list[str]

    def summary(self) -> str:
        """The counts in one line."""
        counts = {name: len(getattr(self, name)) for name in self.__dataclass_fields__}
        return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())


def import_labels(
    sample: Iterable[SampledMatch], files: Iterable[str | Path], by_annotator: Mapping[str, str | Path] | None = None
) -> ImportedLabels:
    """Labels for the instances of a sample from the files that annotators filled in.

    The label of an instance is what stands under `label`; where nothing does, what all its annotators say.

    Args:
        sample: The instances handed out, `Sample.matches` or `read_sample` of the file as it was handed out.
        files: CSV or JSON lines files with `id` and any of `annotator_1, annotator_2, annotator_3, label`.
        by_annotator: Annotator column to a file of theirs in which they filled in `label`.

    Raises:
        UsageError: If a file cannot be read, lacks the columns, or an annotator is unknown.
    """
    matches = {match.id: match for match in sample}
    said: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    invalid: dict[tuple[str, str], None] = {}
    unknown_ids: dict[str, None] = {}
    for id, column, label in _read_cells(files, by_annotator or {}):
        if id not in matches:
            unknown_ids[id] = None
        elif label in load_tasks()[matches[id].task].labels:
            said[id, column].add(label)
        elif label:
            invalid[id, column] = None
    conflicts = [cell for cell, labels in said.items() if len(labels) > 1]
    agreed = {cell: next(iter(labels)) for cell, labels in said.items() if len(labels) == 1}
    doubtful = {id for id, _ in (*conflicts, *invalid)}
    annotations, unlabelled, unresolved = [], [], []
    for id, match in matches.items():
        given = {name: agreed[id, name] for name in ANNOTATORS if (id, name) in agreed}
        unanimous = set(given.values()) if id not in doubtful else set()
        if resolved := agreed.get((id, "label")) or (unanimous.pop() if len(unanimous) == 1 else ""):
            annotations.append(_annotation(match, given, resolved))
        elif given or id in doubtful:
            unresolved.append(id)
        else:
            unlabelled.append(id)
    imported = ImportedLabels(annotations, unlabelled, unresolved, conflicts, list(invalid), list(unknown_ids))
    logger.info("%s", imported.summary())
    return imported


def write_annotations(annotations: Iterable[Mapping[str, Any]], path: str | Path, overwrite: bool = False) -> None:
    """Write annotations as the released `annotations.csv` has them.

    Raises:
        UsageError: If the file is no `.csv` file, or exists.
    """
    if Path(path).suffix.lower() != ".csv":
        raise UsageError(f"{path}: expected a file that ends in .csv")
    with ResultWriter(path, ANNOTATION_COLUMNS, overwrite) as file:
        for annotation in annotations:
            file.write(annotation)


def _annotation(match: SampledMatch, given: Mapping[str, str], label: str) -> dict[str, str | int]:
    """A row of the released `annotations.csv`."""
    values = (match.note_id, match.task, match.anchor, match.clean_start, match.clean_end)
    annotators = (given.get(name, "") for name in ANNOTATORS)
    return dict(zip(ANNOTATION_COLUMNS, (*values, *annotators, label), strict=True))


def _read_cells(files: Iterable[str | Path], by_annotator: Mapping[str, str | Path]) -> Iterator[tuple[str, str, str]]:
    """Id, column and label of every label cell of the files."""
    unknown = [name for name in by_annotator if name not in ANNOTATORS]
    if unknown:
        raise UsageError(f"expected annotators among {', '.join(ANNOTATORS)}, found {unknown[0]!r}")
    columns = {name: name for name in (*ANNOTATORS, "label")}
    for path, counts_as in [(path, columns) for path in files] + [
        (p, {"label": who}) for who, p in by_annotator.items()
    ]:
        for line, row in _read_rows(path, ("id",)):
            present = [name for name in counts_as if name in row]
            if not present:
                raise UsageError(
                    f"{path}, line {line}: expected any of the columns {', '.join(counts_as)}, found none"
                )
            for name in present:
                yield str(row["id"]).strip(), counts_as[name], _label(row[name])


def _label(value: Any) -> str:
    """A cell as a label: labelling tools write one label as text or as a list of one."""
    if isinstance(value, list) and len(value) < 2:
        value = value[0] if value else ""
    return "" if value is None else str(value).strip().lower()


def _read_rows(path: str | Path, expected: tuple[str, ...]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and content of the rows of a CSV or JSON lines file that has the expected columns."""
    is_csv = _check_ending(path) == ".csv"
    try:
        # A spreadsheet puts a mark before the first column's name, which utf-8-sig takes away.
        with open(path, encoding="utf-8-sig", newline="" if is_csv else None) as file:
            for line, row in _csv_rows(file) if is_csv else _json_rows(path, file):
                missing = [name for name in expected if name not in row]
                if missing:
                    raise UsageError(
                        f"{path}, line {line}: expected columns {', '.join(expected)}, missing {', '.join(missing)}; "
                        "a CSV file is separated by commas and begins with the names of its columns"
                    )
                yield line, row
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: expected UTF-8 text in the form its ending says ({type(error).__name__})") from None


def _csv_rows(file: TextIO) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(file)
    for row in reader:
        yield reader.line_num, row


def _json_rows(path: str | Path, file: TextIO) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            # The cause would carry the text of the line.
            raise UsageError(f"{path}, line {line}: expected a JSON object ({error.msg})") from None
        if not isinstance(row, dict):
            raise UsageError(f"{path}, line {line}: expected a JSON object, found {type(row).__name__}")
        yield line, row


def _check_ending(path: str | Path) -> str:
    ending = Path(path).suffix.lower()
    if ending not in (".csv", ".jsonl"):
        raise UsageError(f"{path}: expected a file that ends in .csv or .jsonl")
    return ending
