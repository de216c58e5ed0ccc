"""The text in a file that is to be published, wherever it stands: values, keys, headers of weights, vocabularies."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stigma_hf.publishing.contents import safetensors_header
from stigma_hf.publishing.folder_files import FolderFile

_VOCABULARIES = ("vocab.json", "vocab.txt", "merges.txt", "added_tokens.json")


@dataclass(frozen=True)
class FileText:
    """The text of a file.

    Attributes:
        shown: The file's name as it may be shown.
        prose: What may be a sentence, a path or a secret.
        vocabulary: Pieces of words of a tokenizer, where a slash is no path.
    """

    shown: str
    prose: tuple[str, ...]
    vocabulary: tuple[str, ...] = ()


def text_of(file: FolderFile) -> FileText:
    """The text of a file whose content has been checked.

    Args:
        file: The file.
    """
    suffix = file.path.suffix
    if file.name in _VOCABULARIES:
        return FileText(file.shown, (), (file.path.read_text(encoding="utf-8"),))
    if suffix == ".safetensors":
        return FileText(file.shown, tuple(_strings(safetensors_header(file.path))))
    if suffix == ".parquet":
        return FileText(file.shown, tuple(_parquet_strings(file)))
    if suffix == ".skops":
        with zipfile.ZipFile(file.path) as archive:
            schema = json.loads(archive.read("schema.json"))
        # Names of files and of modules, all of skops' own making, are no text of the model.
        return FileText(file.shown, tuple(_strings(schema)))
    text = file.path.read_text(encoding="utf-8")
    if suffix != ".json":
        return FileText(file.shown, (text,))
    entries = json.loads(text)
    vocabulary: tuple[str, ...] = ()
    if file.name == "tokenizer.json" and isinstance(entries.get("model"), dict):
        vocabulary = tuple(_strings({key: entries["model"].pop(key, None) for key in ("vocab", "merges")}))
    return FileText(file.shown, tuple(_strings(entries)), vocabulary)


def _strings(value: Any) -> Iterator[str]:
    """Every key and value that is text, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield str(key)
            yield from _strings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(entry)


def _parquet_strings(file: FolderFile) -> Iterator[str]:
    """Names of columns and what is written beside the rows; the rows themselves are what a data set is."""
    from pyarrow import parquet

    schema = parquet.read_schema(file.path)
    yield from schema.names
    for key, value in (schema.metadata or {}).items():
        if key != b"ARROW:schema":
            yield key.decode("utf-8", "replace")
            yield value.decode("utf-8", "replace")
