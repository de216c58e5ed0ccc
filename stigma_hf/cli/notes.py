"""`stigma-hf search` and `stigma-hf predict`: from files of notes to a file of spans."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from stigma_hf.cli.console import command, err, out, reading
from stigma_hf.errors import UsageError
from stigma_hf.highlight import highlight
from stigma_hf.lexicon import Lexicon
from stigma_hf.note_files import NoteReader, NoteRecord, OnError
from stigma_hf.result_files import PREDICT_COLUMNS, SEARCH_COLUMNS, ResultWriter
from stigma_hf.search import AnchorSearch, Window
from stigma_hf.summary import Summary

_NOTES_AT_ONCE = 256

Inputs = Annotated[list[Path], typer.Argument(help="Files (.txt, .csv, .jsonl, .parquet, .gz) or folders of them.")]
Out = Annotated[Path, typer.Option("--out", help="File to write: .jsonl, .csv or .parquet.")]
TextColumn = Annotated[str | None, typer.Option(help="Column or key of the text; guessed by name if not given.")]
IdColumn = Annotated[
    str | None, typer.Option(help="Column or key of the note id; rows are numbered if there is none.")
]
Encoding = Annotated[str, typer.Option(help="Character encoding of text and CSV files.")]
Tasks = Annotated[
    list[str] | None, typer.Option("--task", help="Task to look for: adamant, compliance, other. Repeatable.")
]
LexiconFile = Annotated[
    Path | None, typer.Option("--lexicon", help="JSON with your own anchors instead of the 89 published.")
]
WindowMode = Annotated[Window, typer.Option(help="How windows are cut.")]
WindowWords = Annotated[int, typer.Option(help="Words on either side of an anchor.", min=0)]
Highlight = Annotated[bool, typer.Option("--highlight", help="Print the notes with their spans in colour.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output file if it exists.")]
OnErrorOption = Annotated[
    OnError, typer.Option(help="What an unreadable note does: stop the work, or be skipped and counted.")
]

Labeller = Callable[[Iterable[str]], Iterable[list[dict[str, Any]]]]


@command
def search(
    inputs: Inputs,
    out_file: Out,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    encoding: Encoding = "utf-8",
    task: Tasks = None,
    lexicon: LexiconFile = None,
    window: WindowMode = "trained",
    window_words: WindowWords = 10,
    show: Highlight = False,
    overwrite: Overwrite = False,
    on_error: OnErrorOption = "stop",
) -> None:
    """Find every anchor in some notes, with its place and its context."""
    reader = NoteReader(inputs, text_column, id_column, encoding, on_error)
    try:
        finder = AnchorSearch(_lexicon(lexicon), window, window_words, task)
    except ValueError as error:
        raise UsageError(str(error)) from error

    def find(texts: Iterable[str]) -> Iterator[list[dict[str, Any]]]:
        return ([asdict(match) for match in matches] for matches in finder.search_many(texts))

    with ResultWriter(_checked(out_file, inputs), SEARCH_COLUMNS, overwrite) as writer:
        _work(reader, find, writer, show)


@command
def predict(
    inputs: Inputs,
    out_file: Out,
    model: Annotated[
        str | None, typer.Option(help="Model folder or hub id; the embedded default if not given.")
    ] = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    encoding: Encoding = "utf-8",
    task: Tasks = None,
    lexicon: LexiconFile = None,
    window: Annotated[Window | None, typer.Option(help="As for search; the model's own if not given.")] = None,
    window_words: Annotated[int | None, typer.Option(help="As for search.", min=0)] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Windows per forward pass; never changes a prediction.", min=1)
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps; the best there is if not given.")] = None,
    show: Highlight = False,
    overwrite: Overwrite = False,
    on_error: OnErrorOption = "stop",
) -> None:
    """Find every anchor in some notes and label each use of it."""
    from stigma_hf.loading import load_pipeline

    reader = NoteReader(inputs, text_column, id_column, encoding, on_error)
    settings = {"tasks": task or None, "lexicon": _lexicon(lexicon), "window": window, "window_words": window_words}
    pipe = load_pipeline(model, device=device, batch_size=batch_size, **settings)
    name = pipe.model.config.title

    def label(texts: Iterable[str]) -> Iterator[list[dict[str, Any]]]:
        return ([{**span, "model": name} for span in spans] for spans in pipe(iter(texts)))

    with ResultWriter(_checked(out_file, inputs), PREDICT_COLUMNS, overwrite) as writer:
        _work(reader, label, writer, show)
    err.print(f"model: {name}")


def _work(reader: NoteReader, label: Labeller, writer: ResultWriter, show: bool) -> None:
    """Label the notes, write their spans, and print the summary, whatever ends the work."""
    summary = Summary()
    try:
        with reading(reader) as advance:
            for note, spans in _labelled(reader, label):
                for span in spans:
                    writer.write({"note_id": note.note_id, **span})
                summary.add(spans)
                advance()
                if show:
                    out.rule(note.note_id)
                    out.print(highlight(note.text, spans))
    finally:
        out.print(summary.table())
        for reason, notes in reader.skipped.items():
            err.print(f"skipped {notes:,}: {reason}", style="yellow")
        err.print(f"wrote {writer.rows:,} spans to {writer.path}", soft_wrap=True)


def _labelled(reader: NoteReader, label: Labeller) -> Iterator[tuple[NoteRecord, list[dict[str, Any]]]]:
    """Notes with their spans, a bounded number of notes at a time."""
    waiting: list[NoteRecord] = []
    try:
        for note in reader:
            waiting.append(note)
            if len(waiting) == _NOTES_AT_ONCE:
                yield from _label_all(waiting, label)
                waiting = []
    finally:
        # Notes that were read before an unreadable one are finished, too.
        yield from _label_all(waiting, label)


def _label_all(notes: list[NoteRecord], label: Labeller) -> Iterator[tuple[NoteRecord, list[dict[str, Any]]]]:
    yield from zip(notes, label([note.text for note in notes]), strict=True)


def _lexicon(path: Path | None) -> Lexicon | None:
    if path is None:
        return None
    try:
        return Lexicon.from_json(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(str(error)) from error


def _checked(out_file: Path, inputs: list[Path]) -> Path:
    """The output file, unless it is one of the inputs."""
    if out_file.exists() and any(item.exists() and out_file.samefile(item) for item in inputs):
        raise UsageError(f"{out_file}: is both input and output; choose another output file")
    return out_file
