"""`stigma-hf quickstart`: the main job on a handful of invented notes."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from stigma_hf.cli import baselines, corpus, notes, train
from stigma_hf.cli.console import command, out
from stigma_hf.result_files import check_result_path
from stigma_hf.tasks import RESOURCES, load_tasks

NOTES = Path(str(RESOURCES / "notes"))
RECIPE = "minilm"


def quickstart(
    out_file: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("quickstart-spans.jsonl"),
    model: Annotated[
        str | None, typer.Option(help="Model folder or hub id; the embedded default if not given.")
    ] = None,
    with_training: Annotated[
        bool, typer.Option("--train", help="First train a small encoder on synthetic notes, and label with that.")
    ] = False,
    folder: Annotated[
        Path, typer.Option(help="Where --train keeps data and models; what is finished there is not done again.")
    ] = Path("quickstart-training"),
    recipe: Annotated[str, typer.Option(help="What --train trains.")] = RECIPE,
) -> None:
    """Label six invented notes that come with the package, show them, and write their spans."""
    if with_training:
        _check(out_file)
        _train(folder, recipe)
        model = str(folder / recipe)
    notes.predict([NOTES], out_file, model=model, show=True, overwrite=True)


@command
def _check(out_file: Path) -> None:
    """Refuse a wrong output file before the training and not after it."""
    check_result_path(out_file, overwrite=True)


def _train(folder: Path, recipe: str) -> None:
    """From nothing to a fine-tuned encoder, beside the baselines; whatever an earlier run finished is kept."""
    tree, spans, simple, encoder = (folder / name for name in ("synthetic", "spans", "baselines", recipe))
    if not tree.exists():
        _say("1 of 4: invented patients and their notes")
        corpus.synthesize(tree)
    if not spans.exists():
        _say("2 of 4: the annotated spans of these notes")
        corpus.build_dataset([tree], spans, tree / "annotations.csv")
    if not simple.exists():
        _say("3 of 4: the baselines")
        baselines.train_baselines(spans, simple)
    _say("4 of 4: fine-tuning the encoder")
    train.train(recipe, spans, encoder, resume=encoder.exists())
    _compare([*sorted(simple.iterdir()), encoder])


def _say(step: str) -> None:
    out.print(f"\n{step}", style="bold")


@command
def _compare(models: list[Path]) -> None:
    """Print what each model scores on the test split."""
    table = Table("test macro F1, SYNTHETIC", *(task.name for task in load_tasks().values()), box=box.SIMPLE_HEAD)
    for model in models:
        config = json.loads((model / "config.json").read_text(encoding="utf-8"))
        scores = [config["training"]["tasks"][task]["scores"]["test"]["macro_f1"] for task in load_tasks()]
        table.add_row(model.name, *(f"{score:.3f}" for score in scores))
    out.print(table)
    out.print("Scores on invented sentences; they say nothing about patients' notes.", soft_wrap=True)
