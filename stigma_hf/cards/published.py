"""What the paper and its release page say of the models and the annotated spans."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stigma_hf.publishing.provenance import Origin
from stigma_hf.synthetic.published import Cell, label_totals, stratum_totals
from stigma_hf.tasks import RESOURCES, load_tasks

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

PAPER = "https://aclanthology.org/2023.acl-short.28/"

DATASETS: Mapping[Origin, tuple[str, str]] = {
    Origin.PATIENTS: (
        "physionet-stigmatizing-language",
        "Characterization of Stigmatizing Language in Medical Records",
    ),
    Origin.SYNTHETIC: ("stigma-hf-synthetic", "Synthetic spans of stigma_hf (invented notes)"),
}
"""Id and name of annotated spans by origin. On the hub an id without an owner is nobody's: no stranger can take it."""

TABLE1 = {
    "mimic-iv-discharge_majority_overall": "Majority Overall",
    "mimic-iv-discharge_majority_keyword": "Majority Per Anchor",
    "mimic-iv-discharge_logistic-regression_context": "LR (Context)",
    "mimic-iv-discharge_logistic-regression_keyword-context": "LR (Context + Anchor)",
    "mimic-iv-discharge_base-bert": "Bert (Web)",
    "mimic-iv-discharge_clinical-bert": "Bert (Clinical)",
}
"""Name of a released model to its row in Table 1."""


def table1(row: str, tasks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Task to `mean` and `sd` of the macro F1 that Table 1 prints for MIMIC-IV in a row."""
    from stigma_hf.published_ranges import read_table1

    scores = read_table1("mimic")
    return {task: asdict(scores[row, task]) for task in tasks}


def published_results(row: str, tasks: Sequence[str]) -> "Iterator[EvalResult]":
    """Table 1 as the metadata of a hub, which shows the paper as the source."""
    from huggingface_hub import EvalResult

    dataset, title = DATASETS[Origin.PATIENTS]
    for task, score in table1(row, tasks).items():
        yield EvalResult(
            task_type="text-classification",
            task_name=load_tasks()[task].name,
            dataset_type=dataset,
            dataset_name=title,
            dataset_config=task,
            dataset_split="test",
            metric_type="f1",
            metric_name="macro F1, mean of five folds",
            metric_value=score["mean"],
            metric_args={"average": "macro"},
            source_name="Harrigian et al. 2023, Table 1",
            source_url=PAPER,
        )


def label_rows(task: str, labels: Sequence[str]) -> list[dict[str, Any]]:
    """What each label of a task means, an invented example, and how many of the published spans have it.

    Args:
        task: Id of the task.
        labels: Its labels; one that the paper does not have says nothing of itself.
    """
    known = json.loads((RESOURCES / "cards" / "labels.json").read_text(encoding="utf-8")).get(task, {})
    nothing = {"meaning": "", "example": ""}
    totals = label_totals()
    return [
        {
            "label": label,
            **known.get(label, nothing),
            "spans": totals[Cell(task, label)].spans if label in known else None,
        }
        for label in labels
    ]


def population() -> dict[str, dict[str, float]]:
    """Share of the published spans by sex and by race, of patients whose race is known (Table 6)."""
    counts: dict[str, dict[str, int]] = {"sex": {}, "race": {}}
    for strata in stratum_totals().values():
        for stratum, totals in strata.items():
            for by, groups in counts.items():
                group = getattr(stratum, by)
                groups[group] = groups.get(group, 0) + totals.spans
    return {
        by: {group: n_spans / sum(groups.values()) for group, n_spans in groups.items()}
        for by, groups in counts.items()
    }
