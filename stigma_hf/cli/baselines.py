"""`stigma-hf train-baselines`: the published baselines, and others, from annotated spans."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from stigma_hf.cli.console import command, err, out

if TYPE_CHECKING:
    from stigma_hf.baseline.modeling import BaselineClassifier


@command
def train_baselines(
    data: Annotated[Path, typer.Option(help="Folder of build-dataset, with annotated spans.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder to write to, a folder for each model.")],
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="Name or YAML file of a recipe; the four published baselines if not given. Repeatable."),
    ] = None,
) -> None:
    """Train the published baselines, or those of other recipes, on a laptop in seconds."""
    from stigma_hf.baseline.recipes import PUBLISHED, load_recipe
    from stigma_hf.baseline.training import train_baseline
    from stigma_hf.baseline.training_data import read_spans_folder
    from stigma_hf.mimic.output import finished_folder, private_folder

    recipes = [load_recipe(name) for name in recipe or PUBLISHED]
    with err.status("reading spans"):
        spans, provenance = read_spans_folder(data)
    private_folder(out_folder)
    models = {}
    for chosen in recipes:
        with finished_folder(out_folder / chosen.name) as folder, err.status(f"training {chosen.name}"):
            models[chosen.name] = train_baseline(chosen, spans, provenance)
            models[chosen.name].save_pretrained(folder)
    out.print(_table(models))
    source = (provenance or {}).get("source", "unknown")
    if source == "synthetic":
        out.print("SYNTHETIC: trained on invented patients and notes, no data of MIMIC-IV", style="bold yellow")
    else:
        out.print(
            f"Source of the spans: {source}. The models hold words of their notes: keep them where the notes may be.",
            soft_wrap=True,
        )
    out.print(f"wrote {', '.join(str(out_folder / name) for name in models)}", markup=False, soft_wrap=True)


def _table(models: "dict[str, BaselineClassifier]") -> Table:
    """Macro F1 of every model and task; narrow enough for 80 columns."""
    from stigma_hf.tasks import load_tasks

    table = Table("macro F1", "validation", "test", "chosen", box=box.SIMPLE_HEAD)
    for name, model in models.items():
        table.add_row(name, style="bold")
        for task, about in (model.config.training or {})["tasks"].items():
            chosen = ", ".join(f"{setting} {value}" for setting, value in about.get("chosen", {}).items())
            table.add_row(load_tasks()[task].name, *_scores(about["scores"]), chosen)
        table.add_section()
    return table


def _scores(scores: dict[str, Any]) -> list[str]:
    found = [scores.get(split, {}).get("macro_f1") for split in ("validation", "test")]
    return ["" if score is None else f"{score:.3f}" for score in found]
