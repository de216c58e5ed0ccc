"""The card of a model: from its folder and, if there is one, the report of its evaluation."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stigma_hf.cards.access import LICENSE, LICENSE_LINK, RESOURCE, gate_metadata, license_metadata
from stigma_hf.cards.facts import ModelFacts, facts_of_folder, facts_of_released
from stigma_hf.cards.figures import eval_results, figures_of, read_report
from stigma_hf.cards.published import (
    DATASETS,
    PAPER,
    TABLE1,
    label_rows,
    population,
    published_results,
    table1,
)
from stigma_hf.cards.rendering import render_card
from stigma_hf.cards.training import environment_rows, recipe_rows, score_rows
from stigma_hf.publishing.provenance import MAY_BE_PUBLIC, Origin
from stigma_hf.synthetic.published import NOTES, PATIENTS, SPANS, annotator_overlap
from stigma_hf.tasks import load_tasks

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

_TAGS = {Origin.PATIENTS: ["mimic-iv"], Origin.SYNTHETIC: ["synthetic"], Origin.PUBLISHED_COUNTS: ["baseline"]}


def render_model_card(folder: Path, report: Path | None = None, is_gated: bool = True) -> str:
    """The card of a model in a folder: front matter for a hub, then the text.

    Args:
        folder: The model.
        report: `report.json` of `stigma-hf evaluate` on this very model; no figures when None, but for those that the
            paper prints of a released model.
        is_gated: Whether the repository approves requests for access by hand. Only models that hold nothing of
            patients' notes may be without a gate.

    Raises:
        UsageError: If the folder is no model of this package, the report is not about it, or it may not be without a
            gate.
    """
    from stigma_hf.reporting.models import digest_of

    facts = facts_of_folder(Path(folder))
    figures = None if report is None else figures_of(read_report(Path(report)), digest_of(Path(folder)))
    return card_of(facts, figures, is_gated)


def render_released_card(name: str) -> str:
    """The card of a model of the 2023 release as it is once converted, without the model at hand.

    Args:
        name: Its released name.

    Raises:
        UsageError: If there is no such model.
    """
    return card_of(facts_of_released(name))


def card_of(facts: ModelFacts, figures: Mapping[str, Any] | None = None, is_gated: bool = True) -> str:
    """The card of a model that need not be at hand.

    Args:
        facts: What is known of it.
        figures: What `figures_of` gave of its report.
        is_gated: As in `render_model_card`.

    Raises:
        UsageError: If it may not be without a gate.
    """
    from huggingface_hub import ModelCard

    row = TABLE1.get(facts.released.name) if facts.released else None
    scores = score_rows(facts)
    known = [task for task in facts.labels if task in load_tasks()]
    values = {
        "facts": facts,
        "figures": figures,
        "is_open": facts.origin in MAY_BE_PUBLIC,
        "is_gated": is_gated,
        "tasks": {
            task: {"about": load_tasks().get(task), "labels": label_rows(task, labels)}
            for task, labels in facts.labels.items()
        },
        "names": {task: load_tasks()[task].name if task in known else task for task in facts.labels},
        "table1": table1(row, known) if row else {},
        "majority_per_anchor": table1("Majority Per Anchor", known),
        "population": population(),
        "overlap": {task: annotator_overlap()[task] for task in known},
        "totals": {"spans": SPANS, "notes": NOTES, "patients": PATIENTS},
        "recipe": recipe_rows(facts),
        "scores": scores,
        "has_choice": any(score["chosen"] for score in scores),
        "provenance": _readable(facts.provenance),
        "environment": environment_rows(facts),
        "license": LICENSE,
        "license_link": LICENSE_LINK,
        "resource": RESOURCE,
        "paper": PAPER,
    }
    return render_card(ModelCard, _metadata(facts, figures, row, is_gated), "model.md.jinja", values)


def _metadata(
    facts: ModelFacts, figures: Mapping[str, Any] | None, row: str | None, is_gated: bool
) -> "ModelCardData":
    from huggingface_hub import ModelCardData

    # What was measured on this model comes before what the paper printed of its kind.
    results = (
        list(eval_results(figures)) if figures else list(published_results(row, list(facts.labels))) if row else None
    )
    return ModelCardData(
        **license_metadata(facts.origin),
        language="en",
        library_name="stigma_hf",
        pipeline_tag="text-classification",
        base_model=facts.base_model,
        datasets=[DATASETS[facts.origin][0]] if facts.origin in DATASETS else None,
        tags=["clinical-notes", "stigmatizing-language", "health-equity", *_TAGS.get(facts.origin, [])],
        model_name=facts.title if results else None,
        eval_results=results,
        **gate_metadata(facts.origin, is_gated, "This model was made from"),
    )


def _readable(provenance: Mapping[str, Any]) -> dict[str, str]:
    """The plain entries of a provenance record, the source first."""
    plain = {name: str(value) for name, value in provenance.items() if isinstance(value, str | int)}
    return {name: plain[name] for name in sorted(plain, key=lambda name: (name != "source", name))}
