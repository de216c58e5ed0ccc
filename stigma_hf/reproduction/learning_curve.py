"""Learning curves: macro F1 on the test spans against the number of training patients."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.experiment import record_experiment
from stigma_hf.reproduction.divisions import PatientShares
from stigma_hf.reproduction.experiment import Experiment, OnRun, Results, carry_out
from stigma_hf.reproduction.learning_curve_plot import draw_learning_curve
from stigma_hf.reproduction.learning_curve_text import render_learning_curve
from stigma_hf.reproduction.recipes import load_any_recipe
from stigma_hf.reproduction.runs import Run
from stigma_hf.reproduction.summary import made_with, mean_and_sd, write_files
from stigma_hf.reproduction.training import AnyRecipe
from stigma_hf.reproduction.workers import Workers
from stigma_hf.tasks import load_tasks
from stigma_hf.training.recipes import EncoderRecipe

NAME = "learning-curve"
DEFAULT_RECIPES = ("majority-per-anchor", "logistic-regression-context-anchor")


def learning_curve(
    data: str | Path,
    out: str | Path,
    recipes: Sequence[str] = DEFAULT_RECIPES,
    *,
    encoders: Mapping[str, str] | None = None,
    divisions: PatientShares | None = None,
    workers: Workers | None = None,
    overwrite: bool = False,
    on_run: OnRun | None = None,
) -> dict[str, Any]:
    """Train models on growing parts of the training patients, as far as that is not done yet, and write the curves.

    Args:
        data: Folder of `stigma-hf build-dataset`, with `subject_id`.
        out: Folder to write to; called again with the same folder, this goes on where it stopped.
        recipes: Names or YAML files of recipes, of baselines or encoders.
        encoders: Name of a recipe to the folder or hub id to train from, instead of the recipe's.
        divisions: Shares of the patients, draws and seed.
        workers: The processes that share the runs.
        overwrite: Whether runs of another experiment in the folder are removed.
        on_run: Called as runs end.

    Returns:
        The curves, as `learning-curve.json` holds them; `learning-curve.md` and, with matplotlib, `learning-curve.svg`
        are for people.

    Raises:
        UsageError: If the spans, a recipe or the folder are not as they should be, or no run at all succeeded.
    """
    started = datetime.now(UTC)
    divisions = divisions or PatientShares()
    models = _models(recipes, encoders or {})
    experiment = Experiment(Path(data), Path(out), models, divisions, workers or Workers(), overwrite=overwrite)
    results = carry_out(experiment, on_run)
    if not results.records:
        raise UsageError(f"no run succeeded: {'; '.join(entry['problem'] for entry in results.problems)}")
    source = results.data.rows
    curves = {
        "source": source.source,
        "metric": "macro F1 on the test spans",
        "shares": list(divisions.shares),
        "draws": divisions.draws,
        "tasks": {task: load_tasks()[task].name for task in results.data.tasks},
        "models": [
            {
                "name": name,
                "title": recipe.title,
                "tasks": {task: _points(name, task, divisions, results) for task in results.data.tasks},
            }
            for name, recipe in models.items()
        ],
        "problems": results.problems,
        "n_runs_done_before": results.n_done_before,
        "made_with": made_with(results.records.values()),
        "record": record_experiment(divisions.seed, source.splits, source.provenance, started=started).to_dict(),
    }
    files = {f"{NAME}.json": json.dumps(curves, indent=1) + "\n", f"{NAME}.md": render_learning_curve(curves)}
    plot = draw_learning_curve(curves)
    write_files(out, files if plot is None else {**files, f"{NAME}.svg": plot})
    return curves


def _models(names: Sequence[str], encoders: Mapping[str, str]) -> dict[str, AnyRecipe]:
    """Name of a model to its recipe."""
    recipes = [load_any_recipe(name) for name in names]
    models = {recipe.name: recipe for recipe in recipes}
    if len(models) < len(recipes):
        raise UsageError(f"expected each recipe once, by a name of its own, found {', '.join(names)}")
    for name, encoder in encoders.items():
        recipe = models.get(name)
        if not isinstance(recipe, EncoderRecipe):
            raise UsageError(f"expected the name of an encoder recipe among {', '.join(models)}, found {name!r}")
        models[name] = replace(recipe, encoder=encoder)
    return models


def _points(model: str, task: str, divisions: PatientShares, results: Results) -> list[dict[str, Any]]:
    """A point for each share of the patients."""
    points = []
    for share in divisions.shares:
        runs = [Run(model, task, divisions.part(draw, share)) for draw in range(divisions.draws)]
        records = [results.records[run] for run in runs if run in results.records]
        scores = [results.score(run) for run in runs]
        mean, sd = mean_and_sd(scores)
        points.append(
            {
                "share": share,
                "n_patients": _mean(record["n_patients"] for record in records),
                "n_spans": _mean(record["n_spans"]["train"] for record in records),
                "draws": scores,
                "mean": mean,
                "sd": sd,
            }
        )
    return points


def _mean(numbers: Any) -> float | None:
    found = list(numbers)
    return round(float(np.mean(found)), 1) if found else None
