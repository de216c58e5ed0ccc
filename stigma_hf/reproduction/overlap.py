"""Figure 1 of the paper on any annotations: how often each anchor got each label, beside the printed counts."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.experiment import record_experiment
from stigma_hf.lexicon import Lexicon
from stigma_hf.published_facts import facts_about
from stigma_hf.reporting.problems import Problems
from stigma_hf.reproduction.agreement_data import RatedSpans, read_rated_spans
from stigma_hf.tasks import Task, load_tasks

SCHEMA_VERSION = 1
"""Grows when a name in the report changes its meaning or goes away."""


def reproduce_figure1(data: str | Path) -> dict[str, Any]:
    """Annotated spans of each anchor and label, here and as printed for MIMIC, as JSON holds them.

    Args:
        data: An `annotations.csv` with its `keyword` column, or a folder of `stigma-hf build-dataset`.

    Raises:
        UsageError: If there are no annotations, or none that name an anchor and a label.
    """
    started, problems = datetime.now(UTC), Problems()
    spans = read_rated_spans(data, problems)
    complete = [span for span in spans.spans if span.anchor and span.label]
    if not complete:
        raise UsageError(f"{data}: expected annotated spans with an anchor and a label, found none with both")
    if missing := len(spans.spans) - len(complete):
        problems.add(None, None, f"{missing} of {len(spans.spans)} spans without an anchor or a label were left out")
    tasks = {task.id: _count(spans, task, problems) for task in load_tasks().values() if spans.of_task(task.id)}
    return {
        "schema_version": SCHEMA_VERSION,
        "source": spans.source,
        "tasks": tasks,
        "problems": problems.found,
        "record": record_experiment(None, {"annotated": spans.rows}, spans.provenance, started=started).to_dict(),
    }


def _count(spans: RatedSpans, task: Task, problems: Problems) -> dict[str, Any]:
    """The counts of a task: anchors of the published lexicon in its order, then others by name."""
    counted: dict[str, Counter[str]] = {}
    for span in spans.of_task(task.id):
        if span.anchor and span.label:
            counted.setdefault(span.anchor.lower(), Counter())[span.label] += 1
    n_unknown = sum(n for of_anchor in counted.values() for label, n in of_anchor.items() if label not in task.labels)
    if n_unknown:
        expected = ", ".join(task.labels)
        problems.add(
            None, task.id, f"{task.id}: expected labels among {expected}, left out {n_unknown} spans with others"
        )
    lexicon = list(Lexicon.default().anchors[task.id])
    anchors: list[dict[str, Any]] = []
    for anchor in (*lexicon, *sorted(set(counted) - set(lexicon))):
        facts = facts_about(anchor)
        of_anchor = counted.get(anchor, Counter())
        published = dict(facts.counts) if facts and facts.task == task.id else dict.fromkeys(task.labels, 0)
        counts = {label: of_anchor[label] for label in task.labels}
        if any(counts.values()) or any(published.values()):
            anchors.append({"anchor": anchor, "counts": counts, "published": published})
    cells = [(row["counts"][label], row["published"][label]) for row in anchors for label in task.labels]
    return {
        "name": task.name,
        "labels": list(task.labels),
        "n_spans": sum(here for here, _ in cells),
        "n_published": sum(printed for _, printed in cells),
        "n_cells_that_differ": sum(here != printed for here, printed in cells),
        "anchors": anchors,
    }
