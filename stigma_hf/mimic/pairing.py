"""Pair annotations with the matches they are of, and say why some are of none."""

from collections import Counter
from collections.abc import Collection, Sequence

import pyarrow as pa

from stigma_hf.errors import UsageError
from stigma_hf.mimic.annotations import Annotation
from stigma_hf.mimic.report import UnmatchedAnnotation


def pair_annotations(
    annotations: Sequence[Annotation], matches: pa.Table, note_ids: Collection[str]
) -> tuple[list[tuple[Annotation, int]], list[UnmatchedAnnotation]]:
    """Annotations with the row of the match at their offsets, and those without one.

    An annotation fits a match of the same note and task at the same offsets in the cleaned note, and of the same
    anchor where the annotation names it.

    Args:
        annotations: Annotations in any order; theirs is kept.
        matches: Matches in the columns of `MATCHES`.
        note_ids: The notes that exist.

    Raises:
        UsageError: If no annotation fits, so that the two cannot belong together.
    """
    keys = ("note_id", "task", "clean_start", "clean_end")
    places = {key: row for row, key in enumerate(zip(*(matches[name].to_pylist() for name in keys), strict=True))}
    anchors = matches["anchor"].to_pylist()
    paired, unmatched = [], []
    for annotation in annotations:
        place = places.get((annotation.note_id, annotation.task, annotation.clean_start, annotation.clean_end))
        if annotation.note_id not in note_ids:
            unmatched.append(unmatched_because(annotation, "no such note"))
        elif place is None:
            unmatched.append(unmatched_because(annotation, "no anchor of the task at these offsets"))
        elif annotation.anchor not in (None, anchors[place]):
            unmatched.append(unmatched_because(annotation, "another anchor at these offsets"))
        else:
            paired.append((annotation, place))
    if not paired:
        reasons = Counter(annotation.reason for annotation in unmatched)
        found = ", ".join(f"{reason}: {number}" for reason, number in reasons.items())
        raise UsageError(
            f"expected annotations of these notes, found that none of {len(annotations)} fits ({found}); "
            "are both files of the same release?"
        )
    return paired, unmatched


def label_matches(matches: pa.Table, paired: Sequence[tuple[Annotation, int]], annotators: Sequence[str]) -> pa.Table:
    """The matches that annotations are of, one row per annotation, with their label and what each annotator said."""
    rows = [annotation for annotation, _ in paired]
    spans = matches.take(pa.array([place for _, place in paired], pa.int64()))
    spans = spans.append_column("label", pa.array([row.label for row in rows], pa.string()))
    for index, name in enumerate(annotators):
        spans = spans.append_column(name, pa.array([row.annotators[index] or None for row in rows], pa.string()))
    return spans


def unmatched_because(annotation: Annotation, reason: str) -> UnmatchedAnnotation:
    """The report of an annotation that becomes no span."""
    return UnmatchedAnnotation(
        annotation.row, annotation.note_id, annotation.task, annotation.clean_start, annotation.clean_end, reason
    )
