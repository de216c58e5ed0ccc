"""What the page says of one span: probabilities, the words that moved them, published facts, wording hints."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from stigma_hf.context_window import ContextWindow
from stigma_hf.decoding import rank_labels, ties_of
from stigma_hf.demo.labels import definitions, look_of
from stigma_hf.demo.models import Models, OpenModel
from stigma_hf.demo.templates import render, showable
from stigma_hf.demo.view import around_anchor
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks

_MAX_WORDS = 8
_MAX_QUESTION = 20_000


@dataclass(frozen=True)
class MovingWord:
    """A word, and how much it moved a prediction.

    Attributes:
        word: The word or feature.
        value: What it adds; above 0 it speaks for the predicted label.
        share: The same as a share of the largest, from -1 to 1.
    """

    word: str
    value: float
    share: float


@dataclass(frozen=True)
class ModelDetails:
    """What one model says of a span, and why.

    Attributes:
        model: The model.
        label: The label it predicts.
        probabilities: Label to its probability.
        context: The window before, at and after the anchor.
        words: The words that moved the prediction, strongest first.
        measure: How to read `words`, or why there are none.
    """

    model: OpenModel
    label: str
    probabilities: Mapping[str, float]
    context: tuple[str, str, str]
    words: Sequence[MovingWord]
    measure: str


def show_details(models: Models, question: str) -> Markup:
    """The details of the span that a person has chosen.

    Args:
        models: The models of the page.
        question: The windows that each model saw, as the page was given them.

    Raises:
        UsageError: If the question is none that the page asks, or a model cannot be loaded.
    """
    from stigma_hf.published_facts import facts_about
    from stigma_hf.wording_hints import hints_for

    asked = read_question(question)
    window = asked[0][1]
    details = [_ask(models.open(name), window) for name, window in asked]
    hints = [hint for label in dict.fromkeys(d.label for d in details) for hint in hints_for(window.anchor, label)]
    return render(
        "details.html",
        anchor=window.anchor,
        task=load_tasks()[window.task],
        definitions=definitions()[window.task],
        details=details,
        facts=facts_about(window.anchor),
        hints=hints,
        look_of=look_of,
    )


def read_question(question: str) -> list[tuple[str, ContextWindow]]:
    """The windows of a question, each with the name of the model that is asked.

    Raises:
        UsageError: If it is none that the page asks.
    """
    try:
        items = json.loads(question[:_MAX_QUESTION])
        asked = [(str(item["model"]), ContextWindow.from_item(item)) for item in items]
    except (ValueError, TypeError, KeyError):
        asked = []
    if not asked or any(window.task not in load_tasks() for _, window in asked):
        raise UsageError("expected a word of the note, found something else; look at the note again")
    return asked[:2]


def _ask(model: OpenModel, window: ContextWindow) -> ModelDetails:
    """What a model says of a window."""
    if window.task not in model.tasks:
        raise UsageError(f"{model.name} does not know the task {window.task}; look at the note again")
    with model.lock:
        row = model.pipe.model.predict_proba([window], model.pipe.tokenizer)[0]
        probabilities = dict(zip(model.pipe.model.config.labels[window.task], row.tolist(), strict=True))
        ranked = rank_labels(probabilities, ties_of(model.pipe.model.config, window.task))
        words, measure = _moving_words(model.pipe, window, ranked)
    return ModelDetails(model, ranked[0], probabilities, around_anchor(window), words, measure)


def _moving_words(pipe: Any, window: ContextWindow, ranked: Sequence[str]) -> tuple[list[MovingWord], str]:
    """The words that moved a prediction, and how to read them."""
    from stigma_hf.baseline.modeling import BaselineClassifier

    if isinstance(pipe.model, BaselineClassifier):
        return _features(pipe.model, window, ranked)
    from stigma_hf.attribution import attribute

    weights = [(weight.word, weight.weight) for weight in attribute(pipe, window)]
    return _strongest(weights), (
        f"Above 0 speaks for \u201c{ranked[0]}\u201d, below 0 against it (integrated gradients). It tells what moved "
        "this model, not what the writer meant."
    )


def _features(model: Any, window: ContextWindow, ranked: Sequence[str]) -> tuple[list[MovingWord], str]:
    """The same for a baseline."""
    from stigma_hf.explanation import explain_span

    try:
        explanation = explain_span(model, window)
    except UsageError:
        return [], "This kind of model cannot say which words moved it."
    label, second = ranked[0], ranked[1]
    if explanation.measure == "training spans":
        counted = [(w.feature, w.value, w.out_of) for w in explanation.weights[label]]
        feature, n_label, n_all = counted[0]
        return [], (
            f"Only the anchor: {n_label:,.0f} of the {n_all:,} spans of \u201c{showable(feature)}\u201d that this "
            f"model learned from are \u201c{label}\u201d. It never reads the words around it."
        )
    against = {w.feature: w.value for w in explanation.weights.get(second, ())}
    weights = [(w.feature, w.value - against.get(w.feature, 0.0)) for w in explanation.weights[label]]
    return _strongest(weights), (
        f"Above 0 speaks for \u201c{label}\u201d rather than \u201c{second}\u201d, the runner-up, below 0 the other "
        "way (differences of log-odds). It tells what moved this model, not what the writer meant."
    )


def _strongest(weights: Sequence[tuple[str, float]]) -> list[MovingWord]:
    """The words farthest from zero."""
    kept = sorted((w for w in weights if w[1]), key=lambda weight: -abs(weight[1]))[:_MAX_WORDS]
    most = abs(kept[0][1]) if kept else 1.0
    return [MovingWord(showable(word), value, value / most) for word, value in kept]
