"""Table 3 of the paper on any two sets of spans, and the shift tests that one allows, with their record."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.experiment import record_experiment
from stigma_hf.reporting.models import name_models
from stigma_hf.reporting.problems import Problems
from stigma_hf.reproduction.labelled_data import read_labelled_data
from stigma_hf.reproduction.recipes import load_any_recipe
from stigma_hf.reproduction.transfer import (
    NamedData,
    measure_given_models,
    measure_transfer,
    read_published_transfer,
    shared_spans,
)
from stigma_hf.reproduction.transfer_learners import Learner
from stigma_hf.reproduction.transfer_shift import ShiftSettings, ShiftTest

SCHEMA_VERSION = 1
"""Grows when a name in the report changes its meaning or goes away."""

MODELS = "models"
"""Folder that fine-tuned encoders are kept in."""


@dataclass(frozen=True)
class TransferPlan:
    """What to train and to test.

    Attributes:
        data: Folder of `stigma-hf build-dataset`.
        other: Another such folder; None for the shift tests alone.
        out: Folder that fine-tuned encoders are kept in.
        recipes: What to train, by name or file.
        models: Trained models to test on both sets.
        encoder: Another encoder than that of the recipes.
        device: Where encoders are trained and models run: `auto`, `cpu` or `cuda`.
        folds: Folds of the published cross-validation of the transfer, from 2 on.
        by: Columns whose groups are held out; no shift tests if empty.
        shift_encoders: Whether the shift tests train encoders as well, one for every group.
        shift: How shift is tested.
    """

    data: Path
    other: Path | None
    out: Path
    recipes: Sequence[str]
    models: Sequence[str] = ()
    encoder: str | None = None
    device: str = "auto"
    folds: int = 5
    by: Sequence[str] = ("service", "anchor")
    shift_encoders: bool = False
    shift: ShiftSettings = field(default_factory=ShiftSettings)


def reproduce_table3(plan: TransferPlan, on_step: Callable[[str], Any] | None = None) -> dict[str, Any]:
    """Train here, test there, both ways, and with groups held out, as JSON holds it.

    Args:
        plan: What to train and to test.
        on_step: Called with what is done next.

    Raises:
        UsageError: If the spans or a recipe are not as they should be.
    """
    started, problems = datetime.now(UTC), Problems()
    if plan.other is None and plan.models:
        raise UsageError("expected another set of spans to test the models on, found one alone")
    if plan.other is None and not plan.by:
        raise UsageError("expected another set of spans or groups to hold out, found neither")
    models_out = plan.out.expanduser().absolute() / MODELS
    learners = [Learner(load_any_recipe(name), models_out, plan.encoder, plan.device) for name in plan.recipes]
    sets = _read(plan)
    scores = []
    if plan.other is not None:
        scores += measure_transfer(sets, learners, plan.folds, problems, on_step)
    if plan.models:
        device = None if plan.device == "auto" else plan.device
        scores += measure_given_models(sets, name_models(plan.models), problems, device, on_step)
    used = {f"{of.name}, {split}": rows for of in sets for split, rows in of.data.rows.splits.items()}
    sources = {of.name: of.data.rows.source for of in sets}
    return {
        "schema_version": SCHEMA_VERSION,
        "source": "synthetic" if "synthetic" in sources.values() else sets[0].data.rows.source,
        "settings": {"folds": plan.folds, "shift": asdict(plan.shift), "by": list(plan.by), "encoder": plan.encoder},
        "sets": _about(sets),
        "models": {learner.name: learner.recipe.title for learner in learners},
        "transfer": [asdict(score) for score in scores],
        "published": read_published_transfer(),
        "shift": _shift(plan, sets[0], learners, problems, on_step),
        "problems": problems.found,
        "record": record_experiment(plan.shift.seed, used, sets[0].data.rows.provenance, started=started).to_dict(),
    }


def _read(plan: TransferPlan) -> list[NamedData]:
    """The sets of spans, each with a name of its own."""
    folders = [plan.data, *([plan.other] if plan.other is not None else [])]
    names = [folder.expanduser().absolute().name for folder in folders]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    if len(set(names)) < len(names):
        raise UsageError(f"expected two sets of spans, found {folders[0]} twice")
    return [NamedData(name, read_labelled_data(folder)) for name, folder in zip(names, folders, strict=True)]


def _about(sets: Sequence[NamedData]) -> dict[str, dict[str, Any]]:
    """What the sets are, and how many test spans the other sets train on."""
    return {
        of.name: {
            "source": of.data.rows.source,
            "n_spans": {split: len(rows.labels) for split, rows in of.data.spans.items()},
            "n_test_spans_in_training_of": {
                other.name: shared_spans(other.data, of.data) for other in sets if other is not of
            },
        }
        for of in sets
    }


def _shift(
    plan: TransferPlan,
    of: NamedData,
    learners: Sequence[Learner],
    problems: Problems,
    on_step: Callable[[str], Any] | None,
) -> dict[str, Any]:
    """Column to the scores of its groups, those withheld, for every learner that is tested."""
    tested = [learner for learner in learners if plan.shift_encoders or not learner.is_encoder]
    found: dict[str, Any] = {by: {"scores": [], "withheld": {}} for by in plan.by}
    test = problems.attempt(None, None, ShiftTest, of.data, plan.shift, problems) if plan.by else None
    if test is None:
        return {}
    for learner in tested:
        in_distribution = test.in_distribution(learner, on_step)
        for by in plan.by:
            shift = problems.attempt(learner.name, None, test.held_out, learner, by, in_distribution, on_step)
            if shift is not None:
                found[by]["scores"] += [asdict(score) for score in shift.scores]
                found[by]["withheld"] = shift.withheld
    return {by: of_groups for by, of_groups in found.items() if of_groups["scores"] or of_groups["withheld"]}
