"""The command line, `stigma-hf`."""

import typer

from stigma_hf.cli import inspection, notes, quickstart

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
app.command()(inspection.models)
app.command()(inspection.doctor)
