"""A note with its spans marked, and the table of them, as pieces of the page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from stigma_hf.context_window import ContextWindow
from stigma_hf.demo.inspection import Answer, FoundSpan, Inspection
from stigma_hf.demo.labels import definitions, look_of
from stigma_hf.demo.templates import render, showable
from stigma_hf.tasks import load_tasks


@dataclass(frozen=True)
class Piece:
    """A piece of a note, or of a window.

    Attributes:
        text: Its text.
        number: Number of the span that it is; None between spans.
        answer: What the model says of it.
        said: The same for those who listen.
    """

    text: str
    number: int | None = None
    answer: Answer | None = None
    said: str = ""


def show_inspection(inspection: Inspection) -> Markup:
    """The note as each model reads it, the legend, and the table of spans."""
    tasks = load_tasks()
    rows = [_row(inspection, number, span) for number, span in enumerate(inspection.spans)]
    labels = sorted({answer.label for span in inspection.spans for answer in span.answers if answer})
    return render(
        "inspection.html",
        notes=[(model, list(_pieces(inspection, place))) for place, model in enumerate(inspection.models)],
        models=inspection.models,
        rows=rows,
        tasks=tasks,
        definitions=definitions(),
        labels=labels,
        look_of=look_of,
    )


def summary(inspection: Inspection) -> str:
    """What was found, in a sentence."""
    n_spans = len(inspection.spans)
    said = f"{n_spans} {'word' if n_spans == 1 else 'words'} to look at."
    if not n_spans:
        said = "None of the 89 words is in this note. Wording that uses none of them is not found."
        if inspection.n_below:
            said = "No word to look at."
    if inspection.n_below:
        said += f" {inspection.n_below} more below the probability that you set."
    if len(inspection.models) > 1 and n_spans:
        agreed = sum(span.is_agreed for span in inspection.spans)
        said += f" The models agree on {agreed} of {n_spans}."
    return said


def _pieces(inspection: Inspection, place: int) -> Iterator[Piece]:
    """The note, cut at the spans that a model has an answer for."""
    note, tasks = showable(inspection.note), load_tasks()
    copied = 0
    for number, span in enumerate(inspection.spans):
        answer = span.answers[place]
        if answer is None or span.start < copied:
            continue
        yield Piece(note[copied : span.start])
        word = note[span.start : span.end]
        said = f"{' '.join(word.split())}: {answer.label}, {answer.score:.0%}, {tasks[span.task].name}"
        yield Piece(word, number, answer, said)
        copied = span.end
    yield Piece(note[copied:])


def _row(inspection: Inspection, number: int, span: FoundSpan) -> dict[str, object]:
    """What the table shows of a span."""
    window = next(answer.window for answer in span.answers if answer)
    return {
        "number": number,
        "word": showable(" ".join(inspection.word(span).split())),
        "anchor": span.anchor,
        "task": span.task,
        "answers": span.answers,
        "is_agreed": span.is_agreed,
        "context": around_anchor(window),
        "question": _question(inspection, span),
    }


def around_anchor(window: ContextWindow) -> tuple[str, str, str]:
    """A window in three: before, at, and after the anchor."""
    start, end = window.matched() or (0, 0)
    text = showable(window.context)
    return text[:start], text[start:end], text[end:]


def _question(inspection: Inspection, span: FoundSpan) -> str:
    """What the page sends when a person asks for the details of a span; see `details.read_question`."""
    asked = []
    for model, answer in zip(inspection.models, span.answers, strict=True):
        if answer:
            window = answer.window
            item: dict[str, object] = {
                "model": model.name,
                "task": window.task,
                "anchor": window.anchor,
                "context": window.context,
            }
            if window.place in window.occurrences():
                item["context_start"] = window.place[0]
            asked.append(item)
    return json.dumps(asked)
