"""Table 3: train here, test there, with any two sets of annotated spans."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stigma_hf.baseline.folds import fold_spans
from stigma_hf.evaluation.figures import figures
from stigma_hf.evaluation.predicting import predict_spans
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.loading import load_pipeline
from stigma_hf.reporting.models import ModelSource
from stigma_hf.reporting.problems import Problems
from stigma_hf.reproduction.labelled_data import LabelledData
from stigma_hf.reproduction.summary import mean_and_sd
from stigma_hf.reproduction.transfer_learners import Learner, TrainedModel, trainable_tasks
from stigma_hf.tasks import RESOURCES, load_tasks

FIGURES = ("macro_f1", "accuracy")


@dataclass(frozen=True)
class NamedData:
    """A set of annotated spans and what to call it."""

    name: str
    data: LabelledData


@dataclass(frozen=True)
class TransferScore:
    """The figures of one model, trained on one set of spans, on the test spans of another or the same.

    Attributes:
        model: Name of the model.
        task: Task id.
        source: What it was trained on; None for a model that was given as it is.
        target: What it was tested on.
        n_spans: Test spans.
        figures: Name to `mean`, `sd` and `folds`, the figure of each fold that could be trained.
    """

    model: str
    task: str
    source: str | None
    target: str
    n_spans: int
    figures: dict[str, dict[str, Any]]


def measure_transfer(
    sets: Sequence[NamedData],
    learners: Sequence[Learner],
    folds: int,
    problems: Problems,
    on_step: Callable[[str], Any] | None = None,
) -> list[TransferScore]:
    """Every learner, trained on the folds of every set of spans, on the test spans of every set.

    Args:
        sets: The sets of spans.
        learners: What to train.
        folds: Folds of the published cross-validation, from 2 on.
        problems: Where to note what failed; the rest is measured.
        on_step: Called with what is done next.
    """
    scores: list[TransferScore] = []
    for source in sets:
        for learner in learners:
            predicted: dict[str, list[dict[str, Predictions]]] = {target.name: [] for target in sets}
            for fold, spans in enumerate(_folds(source, folds, learner.name, problems)):
                step = f"{learner.name} on {source.name}, fold {fold}"
                if on_step:
                    on_step(step)
                _note_untrainable(step, spans, source.data.tasks, problems)
                model = problems.attempt_anything(step, None, _Training(learner, source, spans, fold))
                if model is not None:
                    for target in sets:
                        predicted[target.name].append(_predict(step, model, target, problems))
            for target in sets:
                scores += _scores(learner.name, source.name, target.name, predicted[target.name])
    return scores


def measure_given_models(
    sets: Sequence[NamedData],
    sources: Sequence[ModelSource],
    problems: Problems,
    device: str | None = None,
    on_step: Callable[[str], Any] | None = None,
) -> list[TransferScore]:
    """Trained models, one or several folds each, on the test spans of every set.

    Args:
        sets: The sets of spans.
        sources: The models.
        problems: Where to note what failed; the rest is measured.
        device: Where models run; the best there is when None.
        on_step: Called with the name of each model before its turn.
    """
    scores: list[TransferScore] = []
    for source in sources:
        if on_step:
            on_step(source.name)
        predicted: dict[str, list[dict[str, Predictions]]] = {target.name: [] for target in sets}
        for path in source.folds or (source.path,):
            pipe = problems.attempt_anything(source.name, None, _Opening(path, device))
            if pipe is not None:
                model = TrainedModel(pipe.model, pipe.tokenizer)
                for target in sets:
                    predicted[target.name].append(_predict(source.name, model, target, problems))
        for target in sets:
            scores += _scores(source.name, None, target.name, predicted[target.name])
    return scores


@dataclass(frozen=True)
class _Training:
    """One training; calling it trains."""

    learner: Learner
    source: NamedData
    spans: Mapping[str, Any]
    fold: int

    def __call__(self) -> TrainedModel:
        part = f"{self.source.name}/fold-{self.fold}"
        splits = {split: self.spans[split] for split in ("train", "validation")}
        drawn_from, provenance = self.source.data.spans, self.source.data.rows.provenance
        return self.learner.train(splits, drawn_from, part, provenance, self.fold)


@dataclass(frozen=True)
class _Opening:
    """A model to open; calling it opens."""

    path: str
    device: str | None

    def __call__(self) -> Any:
        return load_pipeline(self.path, device=self.device)


def _folds(source: NamedData, folds: int, model: str, problems: Problems) -> Iterator[Mapping[str, Any]]:
    divided = problems.attempt(f"{model} on {source.name}", None, lambda: list(fold_spans(source.data.spans, folds)))
    yield from divided or []


def _note_untrainable(step: str, spans: Mapping[str, Any], tasks: Sequence[str], problems: Problems) -> None:
    for task in sorted(set(tasks) - set(trainable_tasks(spans))):
        problems.add(
            step,
            task,
            f"{task}: expected two labels among the training spans and a validation span to choose by, found fewer; "
            "the task was left out",
        )


def _predict(step: str, model: TrainedModel, target: NamedData, problems: Problems) -> dict[str, Predictions]:
    predicted = predict_spans(
        model.model,
        target.data.rows.splits["test"],
        [task for task in model.model.config.labels if task in target.data.tasks],
        tokenizer=model.tokenizer,
    )
    for task, problem in predicted.problems.items():
        problems.add(step, task, f"test spans of {target.name}: {problem}", is_logged=True)
    return predicted.tasks


def _scores(
    model: str, source: str | None, target: str, folds: Sequence[Mapping[str, Predictions]]
) -> Iterator[TransferScore]:
    """The scores of each task that a fold was scored on."""
    for task in load_tasks():
        of_task = [fold[task] for fold in folds if task in fold]
        if of_task:
            values = [figures(predictions, FIGURES) for predictions in of_task]
            of_figures = {name: _summary([float(value[name][0]) for value in values]) for name in FIGURES}
            yield TransferScore(model, task, source, target, len(of_task[0]), of_figures)


def _summary(folds: list[float]) -> dict[str, Any]:
    mean, sd = mean_and_sd(folds)
    return {"mean": mean, "sd": sd, "folds": folds}


def shared_spans(source: LabelledData, target: LabelledData) -> int:
    """Test spans of a set that another set has for training or validation: these make a transfer look easier."""
    names = ("note_id", "task", "anchor", "clean_start")
    seen = {span for split in ("train", "validation") for span in _identities(source, split, names)}
    return sum(span in seen for span in _identities(target, "test", names))


def _identities(data: LabelledData, split: str, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    rows = data.rows.splits[split]
    if set(names) <= set(rows.column_names):
        yield from zip(*(rows[name][:] for name in names), strict=True)


def read_published_transfer() -> list[dict[str, Any]]:
    """Table 3 of Harrigian et al. 2023: clinical BERT's `mean` and `sd` by `source`, `target` and `task`."""
    lines = (RESOURCES / "published" / "table3_transfer.csv").read_text(encoding="utf-8").splitlines()
    return [row | {name: float(row[name]) for name in ("mean", "sd")} for row in csv.DictReader(lines)]
