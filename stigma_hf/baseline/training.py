"""Train baselines as the published ones were."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sklearn
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline, make_pipeline
from threadpoolctl import threadpool_limits

from stigma_hf import __version__
from stigma_hf.baseline.configuration import MAJORITIES, BaselineConfig
from stigma_hf.baseline.counts import anchor_key
from stigma_hf.baseline.modeling import BaselineClassifier
from stigma_hf.baseline.recipes import Recipe, make_step
from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.baseline.vocabulary import VocabularyCounter
from stigma_hf.decoding import rank_labels, rarest_first, ties_of
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks


def train_baseline(
    recipe: Recipe,
    spans: Mapping[str, LabelledWindows],
    provenance: Mapping[str, Any] | None = None,
    drawn_from: Mapping[str, LabelledWindows] | None = None,
) -> BaselineClassifier:
    """The baseline of a recipe, for every task that has training spans.

    Args:
        recipe: How it is made.
        spans: The splits: `train` to learn from, `validation` to choose settings by, and `test`, if there, to report.
        provenance: Where the spans come from, `source` and what else is known; the model carries it on.
        drawn_from: The splits that the spans were drawn from, if they are a fold of them. As published, phrases and
            vocabulary of every fold are those of all training spans, and ties go by all splits together.

    Raises:
        UsageError: If there is nothing to train on or to choose by.
    """
    tasks = [task for task in load_tasks() if spans["train"].of_task(task).windows]
    if not tasks:
        raise UsageError("expected training spans of at least one task, found none")
    drawn_from = drawn_from or spans
    config = BaselineConfig(
        estimator=recipe.estimator,
        labels={task: list(load_tasks()[task].labels) for task in tasks},
        tie_order={task: _rarest_first(drawn_from, task) for task in tasks if recipe.ties == "rarest-first"},
        alpha=recipe.alpha,
        negated_anchors=recipe.negated_anchors,
        title=recipe.title,
        provenance=None if provenance is None else dict(provenance),
    )
    about: dict[str, dict[str, Any]] = {task: {} for task in tasks}
    if recipe.estimator in MAJORITIES:
        model = BaselineClassifier(config, {task: _count(recipe, spans["train"], task) for task in tasks})
    else:
        # So small a problem is solved before threads have agreed on it, above all where others use the machine.
        with threadpool_limits(1):
            model = BaselineClassifier(config, estimators=_fit(recipe, spans, drawn_from["train"], tasks, about))
    for task in tasks:
        about[task]["spans"] = {split: len(rows.of_task(task).windows) for split, rows in spans.items()}
        about[task]["scores"] = {split: score(model, rows.of_task(task)) for split, rows in spans.items()}
    config.training = {
        "recipe": recipe.name,
        "stigma_hf_version": __version__,
        "sklearn_version": sklearn.__version__,
        "tasks": about,
    }
    return model


def score(model: BaselineClassifier, spans: LabelledWindows) -> dict[str, float]:
    """Macro F1 and accuracy on some spans of one task; empty if there are none.

    As in the released toolkit, macro F1 is over the labels that occur among the true or the predicted ones.
    """
    if not spans.windows:
        return {}
    task = spans.windows[0].task
    labels, order = model.config.labels[task], ties_of(model.config, task)
    rows = (row.tolist() for row in model(spans.windows)["probabilities"])
    predicted = [rank_labels(dict(zip(labels, row, strict=True)), order)[0] for row in rows]
    return {
        "macro_f1": float(f1_score(spans.labels, predicted, average="macro", zero_division=0)),
        "accuracy": float(accuracy_score(spans.labels, predicted)),
    }


def _count(recipe: Recipe, train: LabelledWindows, task: str) -> dict[str, list[int]] | list[int]:
    """Label counts of a task: of all its spans, or per anchor."""
    labels = load_tasks()[task].labels
    spans = train.of_task(task)
    if recipe.estimator == "majority-overall":
        counted = Counter(spans.labels)
        return [counted[label] for label in labels]
    counts: dict[str, list[int]] = {}
    for window, label in zip(spans.windows, spans.labels, strict=True):
        row = counts.setdefault(anchor_key(window, recipe.negated_anchors), [0] * len(labels))
        row[labels.index(label)] += 1
    return dict(sorted(counts.items()))


def _rarest_first(spans: Mapping[str, LabelledWindows], task: str) -> list[str]:
    """The labels of a task, those with the fewest spans in all splits together first."""
    counted = Counter(label for rows in spans.values() for label in rows.of_task(task).labels)
    return rarest_first(load_tasks()[task].labels, counted)


def _fit(
    recipe: Recipe,
    spans: Mapping[str, LabelledWindows],
    words_from: LabelledWindows,
    tasks: Sequence[str],
    about: Mapping[str, dict[str, Any]],
) -> dict[str, Pipeline]:
    """A fitted pipeline per task, from windows to probabilities; what was chosen is written to `about`."""
    shared = make_pipeline(*(make_step(recipe, entry) for entry in recipe.for_all_tasks))
    shared.fit(words_from.windows)
    pipelines = {}
    for task in tasks:
        train, validation = spans["train"].of_task(task), spans["validation"].of_task(task)
        if recipe.choose and not validation.windows:
            raise UsageError(
                f"expected validation spans of {task} to choose {', '.join(recipe.choose)} by, found none"
            )
        if len(set(train.labels)) < 2:
            raise UsageError(
                f"expected training spans of {task} with at least two labels, found {len(set(train.labels))}"
            )
        *features, classifier = (make_step(recipe, entry) for entry in recipe.for_each_task)
        seen, unseen = shared.transform(train.windows), shared.transform(validation.windows)
        words = shared.transform(words_from.of_task(task).windows)
        try:
            for step in features:
                step.fit(words if isinstance(step, VocabularyCounter) else seen)
                seen = step.transform(seen)
                unseen = step.transform(unseen) if recipe.choose else unseen
            classifier, about[task]["chosen"] = _choose(
                classifier, recipe.choose, (seen, train.labels), (unseen, validation.labels)
            )
        except ValueError as error:
            raise UsageError(f"recipe {recipe.name} cannot be trained for {task}: {error}") from error
        pipelines[task] = Pipeline([*shared.steps, *_named(features), ("classifier", classifier)])
        for step in features:
            if hasattr(step, "vocabulary_"):
                about[task]["vocabulary_size"] = len(step.vocabulary_)
    return pipelines


def _choose(
    classifier: Any, choices: Mapping[str, list[Any]], train: tuple[Any, list[str]], validation: tuple[Any, list[str]]
) -> tuple[Any, dict[str, Any]]:
    """The classifier with the settings of best macro F1 on the validation spans; the first of equals."""
    best, best_settings, best_score = None, {}, -1.0
    for settings in ParameterGrid(choices):
        candidate = clone(classifier).set_params(**settings).fit(*train)
        if not choices:
            return candidate, {}
        reached = f1_score(validation[1], candidate.predict(validation[0]), average="macro", zero_division=0)
        if reached > best_score:
            best, best_settings, best_score = candidate, dict(settings), reached
    return best, best_settings


def _named(steps: Sequence[Any]) -> list[tuple[str, Any]]:
    """Steps with the names that scikit-learn gives them."""
    return make_pipeline(*steps).steps if steps else []
