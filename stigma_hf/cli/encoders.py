"""`stigma-hf merge` and `stigma-hf export-standalone`: one model of several, or one that needs no package."""

from pathlib import Path
from typing import Annotated

import typer

from stigma_hf.cli.console import command, err, out


@command
def merge(
    models: Annotated[list[str], typer.Argument(help="Model folders, or hub ids, of different tasks.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
) -> None:
    """Put models of different tasks into one model, with an encoder per task; every answer stays as it was."""
    from stigma_hf.encoder.merging import merge_checkpoints
    from stigma_hf.mimic.output import finished_folder

    with finished_folder(out_folder) as folder, err.status("merging"):
        merged = merge_checkpoints(models, folder)
    source = (merged.config.provenance or {}).get("source", "unknown")
    out.print(f"wrote {out_folder}: {', '.join(merged.tasks)}; source {source}", markup=False, soft_wrap=True)


@command
def export_standalone(
    model: Annotated[str, typer.Argument(help="Model folder, or hub id.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
) -> None:
    """Write a model with its own code, for ready-made windows where this package cannot be installed."""
    from stigma_hf.encoder.standalone import export_standalone as export
    from stigma_hf.mimic.output import finished_folder

    with finished_folder(out_folder) as folder, err.status("exporting"):
        code = export(model, folder)
    out.print(
        f"wrote {out_folder} with {len(code)} files of code; it loads with trust_remote_code=True, which runs them",
        markup=False,
        soft_wrap=True,
    )
