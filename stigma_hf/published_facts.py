"""How the annotators of the 2023 study labelled each anchor: the counts printed in its Figure 1."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file
from types import MappingProxyType

from stigma_hf.baseline.counts import read_published_counts
from stigma_hf.tasks import RESOURCES, load_tasks

SOURCE = "Harrigian et al. 2023 (ACL short papers), Figure 1, MIMIC-IV discharge notes"


@dataclass(frozen=True)
class AnchorFacts:
    """The annotated spans of one anchor.

    They were drawn by anchor: the shares tell how a word was used where it was used, not how often it is.

    Attributes:
        anchor: The anchor, as the lexicon has it.
        task: Its task.
        counts: Every label of the task, in label order, to the spans of the anchor that were given it, zeros included.
        source: Where the counts are printed.
    """

    anchor: str
    task: str
    counts: Mapping[str, int]
    source: str = SOURCE

    @property
    def total(self) -> int:
        """Annotated spans of the anchor, from 1 on."""
        return sum(self.counts.values())


def facts_about(anchor: str) -> AnchorFacts | None:
    """How an anchor was labelled in the 2023 MIMIC data; None if it has no annotated span there.

    Args:
        anchor: An anchor of the published lexicon; case does not matter.

    Example:
        >>> facts = facts_about("insists")
        >>> facts.task, dict(facts.counts), facts.total
        ('adamant', {'difficult': 13, 'disbelief': 59, 'exclude': 9}, 81)
    """
    return _facts().get(anchor.lower())


@cache
def _facts() -> dict[str, AnchorFacts]:
    """The facts about every anchor with annotated spans."""
    labels = {task.id: task.labels for task in load_tasks().values()}
    with as_file(RESOURCES / "published" / "anchor_label_counts.csv") as path:
        counts = read_published_counts(path, "mimic", labels)
    return {
        anchor: AnchorFacts(anchor, task, MappingProxyType(dict(zip(labels[task], row, strict=True))))
        for task, rows in counts.items()
        for anchor, row in rows.items()
    }
