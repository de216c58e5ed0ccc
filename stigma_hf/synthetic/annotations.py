"""Annotation rows of synthetic notes, in the layout of the published file."""

from random import Random

from stigma_hf.search import AnchorMatch, AnchorSearch
from stigma_hf.synthetic.notes import SyntheticNote
from stigma_hf.synthetic.plan import PlannedSpan
from stigma_hf.synthetic.published import annotator_overlap
from stigma_hf.tasks import load_tasks

ANNOTATION_COLUMNS = "encounter_note_id,keyword_category,keyword,start,end,annotator_1,annotator_2,annotator_3,label"
"""Column names, `keyword` included, which the released build needs."""

DOUBLY_ANNOTATED = {"adamant": 0.4, "compliance": 0.31, "other": 0.23}
"""Share of the spans that two annotators labelled: the first round of the published protocol, 500 spans a task."""


class Annotator:
    """Turns the spans of a note into annotation rows."""

    def __init__(self) -> None:
        self._search = AnchorSearch()
        self._labels = {task.id: task.labels for task in load_tasks().values()}

    def locate(self, note: SyntheticNote) -> list[tuple[AnchorMatch, PlannedSpan]]:
        """The match of each annotated span in the note as the builder reads it, UTF-8 bytes as latin-1.

        Raises:
            RuntimeError: If a span has no match of its anchor where it was written.
        """
        matches = {match.start: match for match in self._search.search(note.text.encode().decode("latin-1"))}
        located = []
        for start, span in note.spans:
            match = matches.get(start)
            if match is None or (match.task, match.anchor) != (span.cell.task, span.anchor):
                raise RuntimeError(
                    f"a synthetic note has no {span.anchor!r} where its annotation says; is there a slot filler or a "
                    "character next to the anchor that changes when UTF-8 is read as latin-1?"
                )
            located.append((match, span))
        return located

    def row(self, note_id: str, match: AnchorMatch, span: PlannedSpan, rng: Random) -> tuple[object, ...]:
        """One row of the annotations file: offsets into the cleaned note, the annotators' labels, the resolved label.

        Some spans were labelled twice, by the annotators 2 and 3, who agree as often as published; the others once, by
        any of the three.
        """
        task, label = span.cell
        votes = ["", "", ""]
        if rng.random() < DOUBLY_ANNOTATED[task]:
            votes[1] = votes[2] = label
            if rng.random() > annotator_overlap()[task]:
                votes[rng.choice((1, 2))] = rng.choice([other for other in self._labels[task] if other != label])
        else:
            votes[rng.randrange(3)] = label
        return (note_id, task, span.anchor, match.clean_start, match.clean_end, *votes, label)
