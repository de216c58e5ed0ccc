"""The command line, `stigma-hf`."""

import typer

from stigma_hf.cli import (
    baselines,
    card,
    convert,
    corpus,
    demo,
    encoders,
    evaluate,
    explain,
    inspection,
    notes,
    prevalence,
    publish,
    quickstart,
    reproduce,
    train,
)

app = typer.Typer(
    name="stigma-hf",
    help="Find and classify stigmatizing language in clinical notes. Nothing leaves this machine unless you ask.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(quickstart.quickstart)
app.command()(notes.search)
app.command()(notes.predict)
app.command()(corpus.synthesize)
app.command()(corpus.build_dataset)
app.command()(corpus.download)
app.command()(corpus.sample)
app.command()(corpus.import_labels)
app.command()(baselines.train_baselines)
app.command()(train.train)
app.command()(encoders.merge)
app.command()(encoders.export_standalone)
app.command()(convert.convert)
app.command()(evaluate.evaluate)
app.command()(explain.explain)
app.command()(prevalence.prevalence)
app.add_typer(reproduce.app, name="reproduce")
app.command()(card.card)
app.command()(publish.publish)
app.add_typer(publish.access, name="access")
app.command()(demo.demo)
app.command()(inspection.models)
app.command()(inspection.doctor)
