"""Evaluate models on a split of labelled spans, and gather all figures in one report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.experiment import record_experiment
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.resampling import Resamples
from stigma_hf.evaluation.scores import draw_patients
from stigma_hf.evaluation.temperature import Calibration
from stigma_hf.reporting.answers import Answers, ask_models, spans_of_tasks
from stigma_hf.reporting.comparisons import compare_folds, compare_models, summarise_folds
from stigma_hf.reporting.data import EvaluationData, read_evaluation_data
from stigma_hf.reporting.models import ModelSource, name_models
from stigma_hf.reporting.problems import Problems
from stigma_hf.reporting.settings import TRAIN, VALIDATION, EvaluationSettings
from stigma_hf.reporting.task_results import fit_calibration, task_result
from stigma_hf.reporting.wording import without_home
from stigma_hf.tasks import load_tasks

SCHEMA_VERSION = 1
"""Grows when a name in the report changes its meaning or goes away."""


@dataclass(frozen=True)
class Evaluation:
    """What came of an evaluation.

    Attributes:
        report: All figures and the record, as JSON holds them; no text of notes.
        predictions: File name of a model to its predictions, one for each task.
        calibrations: Path of a model to task to its fitted temperature.
        data: The spans.
    """

    report: dict[str, Any]
    predictions: dict[str, list[Predictions]]
    calibrations: dict[str, dict[str, Calibration]]
    data: EvaluationData


def evaluate_models(
    models: Sequence[str],
    data_folder: str | Path,
    settings: EvaluationSettings | None = None,
    on_model: Callable[[str], Any] | None = None,
) -> Evaluation:
    """All figures of some models on one split; whatever fails is noted in the report and costs nothing else.

    Args:
        models: Folders or hub ids of models; a folder with `fold-0` and so on stands for a cross-validation.
        data_folder: Folder of `stigma-hf build-dataset`.
        settings: How to evaluate.
        on_model: Called with the name of each model before its turn.

    Raises:
        UsageError: If the data is not as it should be, or no model could be evaluated at all.
    """
    settings, started, problems = settings or EvaluationSettings(), datetime.now(UTC), Problems()
    sources = name_models(models)
    data = read_evaluation_data(data_folder, list(dict.fromkeys((settings.split, TRAIN, VALIDATION))), problems)
    _check_tasks(settings, data)
    able = replace(settings, groupings=_recorded_groupings(settings, data, problems))
    answers = ask_models(sources, data, able, problems, on_model)
    spans = spans_of_tasks(answers)
    if not spans:
        reasons = "; ".join(f"{entry['model']}: {entry['problem']}" for entry in problems.found if entry["model"])
        raise UsageError(f"expected at least one model that labels these spans, found none: {reasons}")
    draws = _draw(spans, able, problems)
    single = {source.name: answers[source.name][0] for source in sources if not source.folds}
    folds = {
        source.name: summarise_folds([answer.evaluated if answer else None for answer in answers[source.name]])
        for source in sources
        if source.folds
    }
    calibrations = {
        source.path: _calibrate(source.name, answer, able, problems)
        for source in sources
        if able.calibrate and (answer := single.get(source.name))
    }
    training = data.labels_of_anchors(TRAIN)
    if not training:
        problems.add(None, None, "no training spans: nothing is said of ambiguous anchors")
    entries = []
    for source in sources:
        answer, results = single.get(source.name), {}
        for task, predictions in (answer.evaluated if answer else {}).items():
            results[task] = task_result(
                predictions,
                draws.get(task),
                training.get(task, {}),
                able,
                calibrations.get(source.path, {}).get(task),
                answer.validation.get(task) if answer else None,
            )
        entries.append(_entry(source, answers[source.name], results, folds.get(source.name)))
    evaluated = {name: answer.evaluated for name, answer in single.items() if answer}
    report = {
        "schema_version": SCHEMA_VERSION,
        "source": data.source,
        "split": settings.split,
        "settings": {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(settings).items()},
        "tasks": _tasks(spans),
        "models": entries,
        "comparisons": {
            "paired_bootstrap": compare_models(evaluated, draws, problems, settings.level),
            "paired_t_test_over_folds": compare_folds(folds, problems, settings.level),
        },
        "problems": problems.found,
    }
    used = {split: data.splits[split] for split in _splits_used(settings) if split in data.splits}
    # Made last, so that it knows how long all of this took.
    report["record"] = record_experiment(settings.seed, used, data.provenance, started=started).to_dict()
    return Evaluation(report, _files(sources, answers), calibrations, data)


def _check_tasks(settings: EvaluationSettings, data: EvaluationData) -> None:
    known = list(dict.fromkeys([*load_tasks(), *data.splits[settings.split]["task"][:]]))
    if unknown := [task for task in settings.tasks if task not in known]:
        raise UsageError(f"expected tasks among {', '.join(known)}, found {', '.join(map(repr, unknown))}")


def _recorded_groupings(settings: EvaluationSettings, data: EvaluationData, problems: Problems) -> tuple[str, ...]:
    """The groupings that the spans have a column for."""
    columns = data.splits[settings.split].column_names
    recorded = tuple(by for by in dict.fromkeys(settings.groupings) if by in columns)
    if missing := [by for by in settings.groupings if by not in recorded]:
        problems.add(None, None, f"the spans have no column {' and no '.join(missing)}: nothing is said of its groups")
    return recorded


def _splits_used(settings: EvaluationSettings) -> list[str]:
    """The splits that a figure of the report depends on."""
    return list(dict.fromkeys([settings.split, TRAIN, *([VALIDATION] if settings.needs_validation else [])]))


def _draw(spans: Mapping[str, Predictions], settings: EvaluationSettings, problems: Problems) -> dict[str, Resamples]:
    """Draws over the patients of each task, the same for all models and groups."""
    draws = {}
    for task, predictions in spans.items() if settings.resamples else ():
        drawn = problems.attempt(None, task, draw_patients, predictions, settings.resamples, settings.seed)
        if drawn is not None:
            draws[task] = drawn
    return draws


def _calibrate(name: str, answer: Answers, settings: EvaluationSettings, problems: Problems) -> dict[str, Calibration]:
    """Task to its fitted temperature, for the tasks that have validation spans."""
    fitted = {
        task: fit_calibration(name, predictions, answer.validation.get(task), settings.split, problems)
        for task, predictions in answer.evaluated.items()
    }
    return {task: calibration for task, calibration in fitted.items() if calibration}


def _entry(
    source: ModelSource,
    answers: Sequence[Answers | None],
    results: Mapping[str, Any],
    folds: Mapping[str, Any] | None,
) -> dict[str, Any]:
    return {
        "name": source.name,
        "path": without_home(source.path),
        "is_cross_validation": bool(source.folds),
        "about": [answer.about if answer else None for answer in answers],
        "tasks": results,
        "folds": folds,
    }


def _tasks(spans: Mapping[str, Predictions]) -> dict[str, dict[str, Any]]:
    """What was evaluated: task to its name, labels and numbers."""
    return {
        task: {
            "name": load_tasks()[task].name if task in load_tasks() else task,
            "labels": list(predictions.labels),
            "n_spans": len(predictions),
            "n_patients": None if predictions.clusters is None else len(set(predictions.clusters.tolist()) - {None}),
        }
        for task, predictions in spans.items()
    }


def _files(
    sources: Sequence[ModelSource], answers: Mapping[str, Sequence[Answers | None]]
) -> dict[str, list[Predictions]]:
    """File name to the predictions that it keeps."""
    files = {}
    for source in sources:
        for fold, answer in enumerate(answers[source.name]):
            if answer and answer.evaluated:
                name = f"{source.file_name}.fold-{fold}" if source.folds else source.file_name
                files[name] = list(answer.evaluated.values())
    return files
