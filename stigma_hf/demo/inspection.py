"""From a note to what the page shows of it: every span, with what each of one or two models says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.context_window import ContextWindow
from stigma_hf.demo.models import OpenModel
from stigma_hf.errors import UsageError

MAX_CHARACTERS = 1_000_000
"""The longest note that the page takes; a long discharge summary has 50,000."""

_HOW_TO_GIVE = "paste a note, open a text file, or choose an invented example"


@dataclass(frozen=True)
class Answer:
    """What a model says of a span.

    Attributes:
        label: The label it predicts.
        score: The probability of that label.
        probabilities: Every label of the task, in label order, to its probability.
        window: What the model saw.
    """

    label: str
    score: float
    probabilities: Mapping[str, float]
    window: ContextWindow


@dataclass(frozen=True)
class FoundSpan:
    """An anchor in a note, and what each model says of it.

    Attributes:
        task: Task id.
        anchor: The anchor, as the lexicon has it.
        start: Where it begins in the note.
        end: Where it ends there, exclusive.
        answers: One for each model; None from one that does not know the task.
    """

    task: str
    anchor: str
    start: int
    end: int
    answers: tuple[Answer | None, ...]

    @property
    def best_score(self) -> float:
        """The highest probability that a model gives its label."""
        return max(answer.score for answer in self.answers if answer)

    @property
    def is_agreed(self) -> bool:
        """Whether all models that know the task say the same."""
        return len({answer.label for answer in self.answers if answer}) == 1


@dataclass(frozen=True)
class Inspection:
    """A note and its spans.

    Attributes:
        note: The note.
        models: The models, in the order of the answers.
        spans: The spans to show, by position.
        n_below: Spans that are not shown because no model gives its label the least probability.
    """

    note: str
    models: Sequence[OpenModel]
    spans: Sequence[FoundSpan]
    n_below: int

    def word(self, span: FoundSpan) -> str:
        """A span as the note has it."""
        return self.note[span.start : span.end]


def inspect_note(
    note: str | None, models: Sequence[OpenModel], tasks: Sequence[str], least_score: float = 0.0
) -> Inspection:
    """Find the anchors of a note and ask each model about them.

    Args:
        note: The note.
        models: One model, or two to compare.
        tasks: Task ids to look for.
        least_score: Spans are shown from this probability of a model's label on.

    Raises:
        UsageError: If the note is empty, too long or no text, or no task is chosen.
    """
    text = check_note(note)
    if not tasks:
        raise UsageError("no task is chosen; tick at least one")
    found: dict[tuple[int, int, str, str], list[Answer | None]] = {}
    for place, model in enumerate(models):
        for span, window in _ask(model, text, tasks):
            key = span["start"], span["end"], span["task"], span["anchor"]
            answers = found.setdefault(key, [None] * len(models))
            answers[place] = Answer(span["label"], span["score"], span["probabilities"], window)
    spans = [
        FoundSpan(task, anchor, start, end, tuple(answers))
        for (start, end, task, anchor), answers in sorted(found.items(), key=lambda item: item[0])
    ]
    shown = [span for span in spans if span.best_score >= least_score]
    return Inspection(text, models, shown, len(spans) - len(shown))


def _ask(model: OpenModel, note: str, tasks: Sequence[str]) -> list[tuple[Mapping[str, Any], ContextWindow]]:
    """The labelled spans of a note, each with the window that the model saw."""
    known = [task for task in model.tasks if task in tasks]
    if not known:
        return []
    spans = model.pipe.preprocess(note, tasks=known)
    if not spans:
        return []
    windows = [window for _, window in spans]
    with model.lock:
        probabilities = model.pipe.model.predict_proba(windows, model.pipe.tokenizer)
    labelled = model.pipe.postprocess(list(zip(spans, probabilities, strict=True)))
    return list(zip(labelled, windows, strict=True))


def check_note(note: str | None) -> str:
    """The note, if the page can take it.

    Raises:
        UsageError: If it is empty, too long, or holds NUL characters as no text does.
    """
    if not note or not note.strip():
        raise UsageError(f"the note is empty; {_HOW_TO_GIVE}")
    if len(note) > MAX_CHARACTERS:
        raise UsageError(
            f"expected at most {MAX_CHARACTERS:,} characters, found {len(note):,}; take a part of the note, or label "
            "whole files with stigma-hf predict"
        )
    if "\0" in note:
        raise UsageError("expected text, found NUL characters, as in a program, picture or PDF; open a text file")
    return note


def read_note_file(path: str | Path) -> str:
    """The note in an uploaded text file, which is removed.

    Raises:
        UsageError: If the file is not UTF-8 text, or the note cannot be taken.
    """
    path = Path(path)
    try:
        if path.stat().st_size > 4 * MAX_CHARACTERS:
            raise UsageError(
                f"expected a text file of at most {MAX_CHARACTERS:,} characters, found {path.stat().st_size:,} bytes"
            )
        data = path.read_bytes()
    finally:
        path.unlink(missing_ok=True)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(
            "expected a UTF-8 text file, found other bytes; if it is text, save it as UTF-8, or paste it"
        ) from None
    return check_note(text.replace("\r\n", "\n"))
