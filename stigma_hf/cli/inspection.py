"""`stigma-hf models` and `stigma-hf doctor`: what there is on this machine."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from stigma_hf.cli.console import command, out
from stigma_hf.errors import UsageError


@command
def models(
    folders: Annotated[list[Path] | None, typer.Argument(help="Folders to look for model folders in.")] = None,
) -> None:
    """List the models that can be used here: embedded, in the folders named, in the hub's cache."""
    from stigma_hf.catalog import find_models

    missing = [folder for folder in folders or () if not folder.is_dir()]
    if missing:
        raise UsageError(f"{missing[0]}: no such folder")
    # A name is there to be copied, so it is folded and never cut.
    table = Table(Column("--model", overflow="fold"), "what it is", "made from")
    for entry in find_models(folders or ()):
        table.add_row(entry.name, entry.title, entry.source)
    out.print(table)


@command
def doctor(mimic: Annotated[Path | None, typer.Option(help="Folder of MIMIC-IV files to examine.")] = None) -> None:
    """Report versions, devices, folders, MIMIC files, and whether anything would touch the network."""
    from stigma_hf.doctor import examine

    previous = ""
    for section, what, finding in examine(mimic):
        if section != previous:
            out.print(f"\n{section}", style="bold")
        out.print(f"  {what:<16} {finding}", markup=False, soft_wrap=True)
        previous = section
