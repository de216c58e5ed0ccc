"""`stigma-hf card`: the card of a model, for people and for a hub."""

from pathlib import Path
from typing import Annotated

import typer

from stigma_hf.cli.console import command, out
from stigma_hf.errors import UsageError


@command
def card(
    folder: Annotated[Path, typer.Argument(help="Folder of a model.")],
    report: Annotated[
        Path | None, typer.Option(help="report.json of `stigma-hf evaluate` on this model, for its figures.")
    ] = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="File to write, such as the README.md of the folder; shown if none.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Without a gate; only for models that hold nothing of patients' notes.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write the card of a model: what it is, for what, how good, under which terms.

    It never holds text of a note.
    """
    from stigma_hf.cards import render_model_card

    if out_file is not None and out_file.exists() and not overwrite:
        raise UsageError(f"{out_file}: exists already; choose another name or allow --overwrite")
    text = render_model_card(folder, report, is_gated=not public)
    if out_file is None:
        typer.echo(text, nl=False)
        return
    try:
        out_file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out_file}: cannot be written: {error.strerror or type(error).__name__}") from error
    out.print(f"wrote {out_file}", markup=False, soft_wrap=True)
