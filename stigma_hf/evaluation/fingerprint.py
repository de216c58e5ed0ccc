"""Tell whether two sets of spans are the same, without a word of their text."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from stigma_hf.errors import UsageError

FINGERPRINTED = ("note_id", "subject_id", "task", "anchor", "clean_start", "clean_end", "label")
"""Columns that a fingerprint is made of, those of them that the data has."""


def fingerprint(spans: Iterable[Mapping[str, Any]]) -> str:
    """Sixteen characters that change when a span, its label or the order of spans does.

    The order counts because folds are dealt out by it.

    Args:
        spans: A split of `load_spans`, or any mappings with `task`, `anchor` and `label`.

    Raises:
        UsageError: If the rows are no spans.
    """
    column_names = getattr(spans, "column_names", None)
    if column_names is not None:
        names = [name for name in FINGERPRINTED if name in column_names]
        columns = {name: list(spans[name][:]) for name in names}  # type: ignore[index]
        label_names = getattr(getattr(spans, "features", {}).get("label"), "names", None)
        if label_names is not None:
            columns["label"] = [label_names[label] for label in columns["label"]]
    else:
        rows = list(spans)
        names = [name for name in FINGERPRINTED if any(name in row for row in rows)]
        columns = {name: [row.get(name) for row in rows] for name in names}
    missing = [name for name in ("task", "anchor", "label") if name not in columns]
    if missing and any(columns.values()):
        raise UsageError(f"expected spans with task, anchor and label, found no {' and no '.join(missing)}")
    digest = hashlib.sha256(json.dumps(names).encode())
    for row in zip(*(columns[name] for name in names), strict=True):
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()[:16]
