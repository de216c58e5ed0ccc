"""`stigma-hf convert`: the released checkpoints as model folders of this package."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from stigma_hf.cli.console import command, err, out

if TYPE_CHECKING:
    from stigma_hf.conversion.report import ConvertedModel

_AGAINST = {"direct": "recomputed", "expected": "expected"}
"""What the answers were compared with, in a word: computed directly from the released files, or given."""


@command
def convert(
    source: Annotated[Path, typer.Argument(help="Folder of the release, one of its folders, or a folder in one.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder to write to, a folder for each model.")],
    encoder: Annotated[
        str | None,
        typer.Option(help="Folder or hub id of the BERT that was fine-tuned, for its configuration and tokenizer."),
    ] = None,
    tokenizer: Annotated[str | None, typer.Option(help="The same for the tokenizer, if it is elsewhere.")] = None,
    fold: Annotated[int | None, typer.Option(help="Fold to take, where there are several.", min=0)] = None,
    checkpoint: Annotated[
        int | None, typer.Option(help="Checkpoint to take; the one best_model.json names if not given.", min=0)
    ] = None,
    expected: Annotated[
        Path | None, typer.Option(help="JSON lines with predictions of the released toolkit to compare with.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace folders of an earlier conversion.")] = False,
) -> None:
    """Convert the checkpoints of the 2023 release, and prove that their answers stayed the same."""
    from transformers.utils import logging

    from stigma_hf.conversion.convert import convert as convert_all

    logging.disable_progress_bar()
    with err.status("looking for released models") as status:
        converted = convert_all(
            source, out_folder, encoder, tokenizer, fold, checkpoint, expected, overwrite,
            on_model=lambda name: status.update(f"converting {name}"),
        )  # fmt: skip
    for model in converted:
        _print(model)
    out.print(
        "Source: MIMIC-IV. Keep these models where the notes may be, and share them on PhysioNet only, under the same "
        "agreement.",
        soft_wrap=True,
    )


def _print(model: "ConvertedModel") -> None:
    """What was made, and what it was compared with; narrow enough for 80 columns."""
    from stigma_hf.tasks import load_tasks

    out.print(f"\n{model.name}", style="bold", markup=False)
    table = Table("same labels and probabilities", "windows", "largest difference", "refused", box=box.SIMPLE_HEAD)
    for proof in model.proofs:
        table.add_row(
            f"{load_tasks()[proof.task].name}, {_AGAINST[proof.against]}",
            f"{proof.windows:,}",
            f"{proof.max_difference:.1e}",
            f"{proof.refused:,}",
        )
    out.print(table)
    for note in model.notes:
        out.print(note, markup=False, soft_wrap=True)
    megabytes = model.size / 1e6
    out.print(f"wrote {model.folder} ({megabytes:,.2f} MB, {model.seconds:.1f} s)", markup=False, soft_wrap=True)
