"""`stigma-hf explain`: the strongest features of a baseline, or what moved a model in the spans of a note."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.columns import Columns
from rich.table import Table
from rich.text import Text

from stigma_hf.cli.console import command, out
from stigma_hf.errors import UsageError
from stigma_hf.highlight import highlight
from stigma_hf.note_files import NoteReader

if TYPE_CHECKING:
    from stigma_hf.context_window import ContextWindow
    from stigma_hf.explanation import Explanation, SpanExplanation

# Colours of Okabe and Ito's palette. The strong ones are half of the strongest contribution and more.
_FOR, _FOR_STRONGLY = "underline #56b4e9", "white on #0072b2"
_AGAINST, _AGAINST_STRONGLY = "italic #e69f00", "black on #d55e00"
_LEAST_SHARE = 0.1
_ANCHOR = "*"
_MAX_NAME = 40
_START = {"training spans": "smoothing", "attribution": "no words"}
"""What a score begins with, by measure, where it is not an intercept."""


@command
def explain(
    model: Annotated[
        str | None, typer.Option(help="Model folder or hub id; the embedded default if not given.")
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option("--task", help="Task to explain: adamant, compliance, other. Repeatable.")
    ] = None,
    top: Annotated[int, typer.Option(help="Features per label.", min=1)] = 10,
    note: Annotated[Path | None, typer.Option(help="File of notes: explain every span in it.")] = None,
    text: Annotated[str | None, typer.Option(help="A note itself: explain every span in it.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to write: .png or .svg.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the picture if it exists.")] = False,
) -> None:
    """Show the features that speak most for each label, in a model or in the spans of a note.

    For an encoder, give a note: every word is weighed by what it adds to the log-odds of each label (integrated
    gradients). A baseline shows words of the notes it was trained on: mind where tables and pictures go.
    """
    from stigma_hf.explanation import explain_model
    from stigma_hf.explanation_plot import check_drawable, plot_explanations
    from stigma_hf.loading import load_pipeline

    if note is not None and text is not None:
        raise UsageError("expected --note or --text, found both")
    if plot is not None:
        check_drawable(plot)
        if plot.exists() and not overwrite:
            raise UsageError(f"{plot}: exists already; choose another name or allow --overwrite")
    pipe = load_pipeline(model, device="cpu", tasks=task or None)
    config = pipe.model.config
    out.print(config.title, style="bold", markup=False)
    if (config.provenance or {}).get("source") == "synthetic":
        out.print("SYNTHETIC: trained on invented notes", style="bold yellow")
    explanations: list[Explanation]
    if note is None and text is None:
        explanations = [explain_model(pipe.model, name, top) for name in config.labels if not task or name in task]
        for explanation in explanations:
            _print_tables(explanation, top)
    else:
        notes = (record.text for record in NoteReader([note])) if note is not None else [text or ""]
        explanations = list(_explain_spans(pipe, notes, top))
        if not explanations:
            out.print("no anchor found, nothing to explain")
            return
    if plot is not None:
        plot_explanations(explanations, config, plot, top)
        out.print(f"wrote {plot}; it shows words of notes", markup=False, soft_wrap=True)


def _explain_spans(pipe: Any, notes: Iterable[str], top: int) -> "Iterator[SpanExplanation]":
    """Explain and print every span of some notes."""
    from stigma_hf.context_window import ContextWindow

    explain_window = _explainer(pipe)
    for spans in pipe(iter(notes)):
        for span in spans:
            explanation = explain_window(ContextWindow.from_item(span))
            out.rule(Text(f"{span['task']}: {explanation.window.anchor}, {explanation.label} {span['score']:.2f}"))
            out.print(_coloured(explanation))
            _print_tables(explanation, top)
            yield explanation


def _explainer(pipe: Any) -> "Callable[[ContextWindow], SpanExplanation]":
    """What explains a window by a pipeline's model."""
    from stigma_hf.attribution import explain_words
    from stigma_hf.explanation import explain_span

    if pipe.model.config.model_type == "stigma-baseline":
        return partial(explain_span, pipe.model)
    return partial(explain_words, pipe)


def _coloured(explanation: "SpanExplanation") -> Text:
    """A window with its words coloured by what they contribute to the label it gets.

    Features that are not whole words stay without colour, as do phrases with something left out between their words.
    """
    context = explanation.window.context
    shares = [0.0] * len(context)
    for weight in explanation.weights[explanation.label]:
        for found in [weight.place] if weight.place else _places(weight.feature, context):
            for place in range(*found):
                shares[place] += weight.value
    text = highlight(context, [])
    largest = max(map(abs, shares), default=0.0)
    begin = 0
    for style, run in groupby(_style(share, largest) for share in shares):
        end = begin + len(list(run))
        text.stylize(style, begin, end)
        begin = end
    legend = (("for", _FOR), " ", ("strongly", _FOR_STRONGLY), "  ", ("against", _AGAINST), " ")
    return Text.assemble(text, "\n", (f"{explanation.label}: ", "dim"), *legend, ("strongly", _AGAINST_STRONGLY))


def _style(share: float, largest: float) -> str:
    """How a piece of a window looks that contributes some share of what the strongest one does."""
    if abs(share) < _LEAST_SHARE * largest or not share:
        return ""
    is_strong = abs(share) >= largest / 2
    return ((_FOR, _FOR_STRONGLY) if share > 0 else (_AGAINST, _AGAINST_STRONGLY))[is_strong]


def _places(feature: str, context: str) -> list[tuple[int, int]]:
    """Where a feature stands in a window: its words, with nothing but signs and numbers between them."""
    words = (r"\w*(?:not|n't)" if word == "not" else re.escape(word) for word in feature.split())
    phrase = r"[\W\d_]+".join(words)
    return [found.span() for found in re.finditer(rf"(?<!\w){phrase}(?!\w)", context, re.IGNORECASE)]


def _print_tables(explanation: "Explanation", top: int) -> None:
    """A table for each label, as many beside each other as fit."""
    from stigma_hf.tasks import load_tasks

    part = "word" if explanation.measure == "attribution" else "feature"
    out.print(f"{load_tasks()[explanation.task].name}, {explanation.measure} of each {part}", style="italic")
    out.print(Columns([_table(explanation, label, top) for label in explanation.weights], padding=(0, 3, 0, 0)))
    if any(weight.is_anchor for weights in explanation.weights.values() for weight in weights):
        out.print(f"{_ANCHOR} holds the anchor", style="dim")
    out.print()


def _table(explanation: "Explanation", label: str, top: int) -> Table:
    """The strongest features of a label, and for a window how they add up to the score of its label."""
    from stigma_hf.explanation import SpanExplanation

    is_count = explanation.measure == "training spans"
    shown = ("{:g}" if is_count else "{:+.2f}").format
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    weights = explanation.strongest(label, top)
    table.add_column(Text(label), overflow="fold", max_width=_MAX_NAME)
    table.add_column("", justify="right", no_wrap=True)
    for weight in weights:
        value = f"{shown(weight.value)}/{weight.out_of}" if is_count else shown(weight.value)
        table.add_row(Text(f"{weight.feature}{_ANCHOR}" if weight.is_anchor else weight.feature), value)
    if not isinstance(explanation, SpanExplanation):
        return table
    table.add_section()
    score, intercept = explanation.score(label), explanation.intercepts[label]
    if len(weights) < len(explanation.weights[label]):
        table.add_row("others", shown(score - intercept - sum(weight.value for weight in weights)))
    table.add_row(_START.get(explanation.measure, "intercept"), shown(intercept))
    table.add_row("score", shown(score), style="bold")
    table.add_row("probability", f"{explanation.probabilities[label]:.3f}", style="bold")
    return table
