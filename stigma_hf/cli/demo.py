"""`stigma-hf demo`: the page for looking at a note on one's own machine."""

import os
import signal
from threading import Event
from typing import Annotated

import typer

from stigma_hf.cli.console import command, out

PASSWORD_VARIABLE = "STIGMA_HF_DEMO_PASSWORD"
"""Environment variable with the password for --auth, for machines where nobody can be asked."""


@command
def demo(
    model: Annotated[
        list[str] | None,
        typer.Option(help="Model folder, or id of a hub model in the cache, to choose from. Repeatable."),
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="The one of these models to compare with from the start.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; the first free one from 7860 on if not given.", min=1, max=65535)
    ] = None,
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="USER",
            help=f"Ask for this user name and a password, for a workstation that several people use. The password is "
            f"asked for, or taken from {PASSWORD_VARIABLE}.",
        ),
    ] = None,
) -> None:
    """Open a page for looking at notes in the browser of this machine.

    It answers this machine only and opens no connection to anywhere else. Stop it with Ctrl-C.
    """
    from stigma_hf.demo.launch import serving

    password = _password() if auth else ""
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with serving(model or [], compare, port, (auth, password) if auth else None) as page:
        out.print(f"{page.local_url}  open this address in the browser of this machine; Ctrl-C stops it")
        try:
            stopped.wait()
        except KeyboardInterrupt:
            out.print("stopped; nothing is kept")


def _password() -> str:
    """The password, from the environment or from the person."""
    return os.environ.get(PASSWORD_VARIABLE) or typer.prompt(
        "Password for the page", hide_input=True, confirmation_prompt=True
    )
