"""The figures of a card, from the report of `stigma-hf evaluate`; aggregates only, no ids and no text."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stigma_hf.cards.published import DATASETS
from stigma_hf.errors import UsageError
from stigma_hf.publishing.provenance import origin_of

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

_HEADLINE = ("macro_f1", "accuracy", "macro_roc_auc", "brier", "calibration_error")
_PER_LABEL = ("precision", "recall", "f1")
_OF_GROUP = ("macro_f1", "accuracy")

_METRICS: Mapping[str, tuple[str, str, dict[str, str] | None]] = {
    "macro_f1": ("f1", "macro F1", {"average": "macro"}),
    "accuracy": ("accuracy", "accuracy", None),
    "macro_roc_auc": ("roc_auc", "macro ROC AUC", {"average": "macro", "multi_class": "ovr"}),
}
"""Figure to the id of its metric on the hub, its name and its settings."""


def read_report(path: Path) -> dict[str, Any]:
    """A report of `stigma-hf evaluate`.

    Raises:
        UsageError: If the file is none.
    """
    from stigma_hf.reporting.evaluate import SCHEMA_VERSION

    expected = f"{path}: expected the report.json of `stigma-hf evaluate`"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{expected}: {type(error).__name__}") from error
    if not isinstance(report, dict) or not {"models", "tasks", "settings", "record"} <= report.keys():
        raise UsageError(f"{expected}, found something else")
    if report.get("schema_version") != SCHEMA_VERSION:
        raise UsageError(f"{expected} in version {SCHEMA_VERSION}, found {report.get('schema_version')!r}")
    return report


def figures_of(report: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """What a card shows of a report, in the layout of the report: one model, and no errors, curves or paths.

    Args:
        report: The report; what this function gave before will do, too.
        digest: Digest of the model, as the report has it.

    Raises:
        UsageError: If the report is not about this model.
    """
    single = [model for model in report["models"] if not model["is_cross_validation"] and model["about"][0]]
    entry = next((model for model in single if model["about"][0]["digest"] == digest), None)
    if entry is None:
        found = ", ".join(f"{model['name']} ({model['about'][0]['digest']})" for model in single) or "no single model"
        raise UsageError(
            f"expected a report on this very model ({digest}), found one on {found}; evaluate this folder again, or "
            "give its own report"
        )
    return {
        "schema_version": report["schema_version"],
        "source": report["source"],
        "split": report["split"],
        "settings": {name: report["settings"][name] for name in ("resamples", "seed", "level", "min_cell")},
        "tasks": report["tasks"],
        "models": [
            {
                "name": entry["name"],
                "is_cross_validation": False,
                "about": entry["about"],
                "tasks": {task: _of_task(result) for task, result in entry["tasks"].items()},
            }
        ],
        "record": {name: report["record"][name] for name in ("data", "stigma_hf_version", "started")},
    }


def _of_task(result: Mapping[str, Any]) -> dict[str, Any]:
    scores, ambiguous = result["scores"], result["ambiguous_anchors"]
    return {
        "scores": {
            "headline": _chosen(scores["headline"], _HEADLINE),
            "per_label": {label: _chosen(figures, _PER_LABEL) for label, figures in scores["per_label"].items()},
            "support": scores["support"],
            "cautions": scores["cautions"],
        },
        "ambiguous_anchors": ambiguous
        and {
            "majority_share_below": ambiguous["majority_share_below"],
            "headline": _chosen(ambiguous["headline"], ("macro_f1",)),
        },
        # An anchor is a row of its own in the report; a card has no room for them.
        "subgroups": [_grouping(grouping) for grouping in result["subgroups"] if grouping["by"] != "anchor"],
    }


def _grouping(grouping: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "by": grouping["by"],
        "reference": grouping["reference"],
        "groups": [
            {
                **{name: group[name] for name in ("group", "n_spans", "n_patients", "absent_labels")},
                "headline": _chosen(group["headline"], _OF_GROUP),
                "gaps": _chosen(group["gaps"], ("macro_f1",)) if group["gaps"] else {},
            }
            for group in grouping["groups"]
        ],
        "withheld": grouping["withheld"],
    }


def _chosen(figures: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Some figures and their intervals; a few digits more than a card shows, so that they round as in the report."""
    return {
        name: {
            end: None if figures[name][end] is None else round(figures[name][end], 8)
            for end in ("value", "low", "high")
        }
        for name in names
    }


def eval_results(figures: Mapping[str, Any]) -> "Iterator[EvalResult]":
    """The headline as the metadata of a hub, a result for each task and metric.

    Args:
        figures: What `figures_of` gave.
    """
    from huggingface_hub import EvalResult

    # The hub wants an id even of data that nobody knows the origin of.
    dataset, title = DATASETS.get(origin_of(figures), ("unknown", "Spans of unknown origin"))
    for task, result in figures["models"][0]["tasks"].items():
        for name, (metric, metric_name, settings) in _METRICS.items():
            value = result["scores"]["headline"][name]["value"]
            if value is not None:
                yield EvalResult(
                    task_type="text-classification",
                    task_name=figures["tasks"][task]["name"],
                    dataset_type=dataset,
                    dataset_name=title,
                    dataset_config=task,
                    dataset_split=figures["split"],
                    metric_type=metric,
                    metric_name=metric_name,
                    metric_value=round(value, 4),
                    metric_args=settings,
                )
