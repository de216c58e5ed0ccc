"""`stigma-hf quickstart`: the main job on a handful of invented notes."""

from pathlib import Path
from typing import Annotated

import typer

from stigma_hf.cli import notes
from stigma_hf.tasks import RESOURCES

NOTES = Path(str(RESOURCES / "notes"))


def quickstart(
    out_file: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("quickstart-spans.jsonl"),
    model: Annotated[
        str | None, typer.Option(help="Model folder or hub id; the embedded default if not given.")
    ] = None,
) -> None:
    """Label six invented notes that come with the package, show them, and write their spans."""
    notes.predict([NOTES], out_file, model=model, show=True, overwrite=True)
