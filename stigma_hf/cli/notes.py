"""`stigma-hf search` and `stigma-hf predict`: from files of notes to a file of spans."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from stigma_hf import __version__
from stigma_hf.checkpoint import Checkpoint
from stigma_hf.cli.console import command, err, out, reading
from stigma_hf.errors import UsageError
from stigma_hf.highlight import highlight
from stigma_hf.lexicon import Lexicon
from stigma_hf.mimic.identity import input_identity
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
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the output file where the same command was stopped.")
]
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
    resume: Resume = False,
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

    work = _identity(reader, [], anchors=finder.lexicon.anchors, window=window, window_words=window_words)
    checkpoint = Checkpoint(_checked(out_file, reader, overwrite or resume), work)
    summary = checkpoint.resume() if resume else Summary()
    with ResultWriter(out_file, SEARCH_COLUMNS, overwrite, checkpoint.size) as writer:
        _work(reader, find, writer, checkpoint, summary, show)


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
    resume: Resume = False,
    on_error: OnErrorOption = "stop",
) -> None:
    """Find every anchor in some notes and label each use of it."""
    from stigma_hf.loading import load_pipeline

    reader = NoteReader(inputs, text_column, id_column, encoding, on_error)
    own_lexicon = _lexicon(lexicon)
    settings = {"tasks": task or None, "lexicon": own_lexicon, "window": window, "window_words": window_words}
    pipe = load_pipeline(model, device=device, batch_size=batch_size, **settings)
    name = pipe.model.config.title

    def label(texts: Iterable[str]) -> Iterator[list[dict[str, Any]]]:
        return ([{**span, "model": name} for span in spans] for spans in pipe(iter(texts)))

    of_model = Path(model).rglob("*") if model and Path(model).is_dir() else []
    anchors = own_lexicon and own_lexicon.anchors
    work = _identity(reader, of_model, model=name, **{**settings, "lexicon": anchors})
    checkpoint = Checkpoint(_checked(out_file, reader, overwrite or resume), work)
    summary = checkpoint.resume() if resume else Summary()
    with ResultWriter(out_file, PREDICT_COLUMNS, overwrite, checkpoint.size) as writer:
        _work(reader, label, writer, checkpoint, summary, show)
    err.print(f"model: {name}")


def _identity(reader: NoteReader, of_model: Iterable[Path], **options: Any) -> str:
    """A digest of what decides the rows, by which a run is known to go on with the work of another."""
    files = [*(file.path for file in reader.files), *sorted(of_model)]
    columns = {"text": reader.text_column, "id": reader.id_column, "encoding": reader.encoding}
    return input_identity(files, {**options, **columns, "version": __version__})


def _work(
    reader: NoteReader, label: Labeller, writer: ResultWriter, checkpoint: Checkpoint, summary: Summary, show: bool
) -> None:
    """Label the notes that the summary does not count yet, write their spans, and print the summary at any end."""
    checkpoint.keep(summary, writer, force=True)
    try:
        with reading(reader) as advance:
            for note, spans in _labelled(islice(reader, summary.notes, None), label):
                for span in spans:
                    writer.write({"note_id": note.note_id, **span})
                summary.add(spans)
                checkpoint.keep(summary, writer)
                advance()
                if show:
                    out.rule(note.note_id)
                    out.print(highlight(note.text, spans))
        checkpoint.finish()
    finally:
        out.print(summary.table())
        for reason, notes in reader.skipped.items():
            err.print(f"skipped {notes:,}: {reason}", style="yellow")
        err.print(f"wrote {summary.spans.total():,} spans to {writer.path}", soft_wrap=True)
        if checkpoint.path.exists():
            err.print("not finished: the same command with --resume goes on", style="yellow")


def _labelled(notes: Iterable[NoteRecord], label: Labeller) -> Iterator[tuple[NoteRecord, list[dict[str, Any]]]]:
    """Notes with their spans, a bounded number of notes at a time."""
    waiting: list[NoteRecord] = []
    try:
        for note in notes:
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


def _checked(out_file: Path, reader: NoteReader, may_exist: bool) -> Path:
    """The output file, unless it is one of the inputs or holds the beginning of earlier work."""
    if out_file.exists() and any(out_file.samefile(file.path) for file in reader.files):
        raise UsageError(f"{out_file}: is both input and output; choose another output file")
    if not may_exist and Checkpoint(out_file, "").path.exists():
        raise UsageError(
            f"{out_file}: was begun and not finished; go on with --resume, or begin anew with --overwrite"
        )
    return out_file
