"""What models answer on the spans of an evaluation, each model asked once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stigma_hf.evaluation.predicting import predict_spans
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.loading import load_pipeline
from stigma_hf.reporting.data import EvaluationData
from stigma_hf.reporting.models import ModelSource, describe_model
from stigma_hf.reporting.problems import Problems
from stigma_hf.reporting.settings import VALIDATION, EvaluationSettings
from stigma_hf.tasks import load_tasks

PredictedTasks = Mapping[str, Predictions]
"""Task to the predictions of a model on its spans."""


@dataclass(frozen=True)
class Answers:
    """What one model answered.

    Attributes:
        about: What the model is, as `describe_model` says.
        evaluated: Its predictions on the evaluated split.
        validation: Those on the validation split; empty unless a setting needs them.
    """

    about: dict[str, Any]
    evaluated: PredictedTasks
    validation: PredictedTasks


def ask_models(
    sources: Sequence[ModelSource],
    data: EvaluationData,
    settings: EvaluationSettings,
    problems: Problems,
    on_model: Callable[[str], Any] | None = None,
) -> dict[str, list[Answers | None]]:
    """Name of each model to its answers, one for each fold of a cross-validation; None for one that failed.

    Args:
        sources: The models.
        data: The spans.
        settings: What a person chose.
        problems: Where to note what failed.
        on_model: Called with the name of each model before its turn.
    """
    answers: dict[str, list[Answers | None]] = {}
    for source in sources:
        answers[source.name] = []
        for fold, path in enumerate(source.folds or (source.path,)):
            name = f"{source.name}, fold {fold}" if source.folds else source.name
            if on_model:
                on_model(name)
            answers[source.name].append(
                problems.attempt_anything(name, None, _Question(name, path, data, settings, problems))
            )
    return answers


def spans_of_tasks(answers: Mapping[str, Sequence[Answers | None]]) -> dict[str, Predictions]:
    """Some model's predictions on each task, published tasks first: those of all models hold the same spans."""
    found: dict[str, Predictions] = {}
    for answer in (answer for of_model in answers.values() for answer in of_model if answer):
        for task, predictions in answer.evaluated.items():
            found.setdefault(task, predictions)
    return {task: found[task] for task in dict.fromkeys([*load_tasks(), *found]) if task in found}


@dataclass(frozen=True)
class _Question:
    """Everything needed to ask one model; calling it asks."""

    name: str
    path: str
    data: EvaluationData
    settings: EvaluationSettings
    problems: Problems

    def __call__(self) -> Answers:
        pipe = load_pipeline(self.path, device=self.settings.device)
        about = describe_model(self.path, pipe.model.config)
        evaluated = self._predict(pipe, self.settings.split)
        validation: PredictedTasks = {}
        if self.settings.needs_validation and VALIDATION in self.data.splits:
            validation = evaluated if self.settings.split == VALIDATION else self._predict(pipe, VALIDATION)
        return Answers(about, evaluated, validation)

    def _predict(self, pipe: Any, split: str) -> PredictedTasks:
        predicted = predict_spans(pipe, self.data.splits[split], self.settings.tasks or None, self.settings.batch_size)
        for task, problem in predicted.problems.items():
            told = problem if split == self.settings.split else f"{split} spans: {problem}"
            self.problems.add(self.name, task, told, is_logged=True)
        return predicted.tasks
