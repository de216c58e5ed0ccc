"""What every command shares: how it prints, shows progress, and says what went wrong."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from stigma_hf.errors import UsageError
from stigma_hf.note_files import NoteReader

P = ParamSpec("P")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def command(function: Callable[P, None]) -> Callable[P, None]:
    """A command that logs to the terminal and turns a person's mistakes into one message and exit status 1."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with _logging_to_terminal():
                function(*args, **kwargs)
        except UsageError as error:
            err.print(f"error: {error}", style="bold red", markup=False, soft_wrap=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            err.print("stopped; what was finished is kept", style="bold red")
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # The reader of a pipe (head, less) has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise typer.Exit(0) from None

    return run


@contextmanager
def _logging_to_terminal() -> Iterator[None]:
    """Show what the package logs, for as long as a command runs."""
    logger = logging.getLogger("stigma_hf")
    handler = RichHandler(console=err, show_time=False, show_path=False, markup=False)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """A count of things done, where nobody knows how many there will be; call what it gives with how many more."""
    columns = (SpinnerColumn(), TextColumn(f"{{task.completed:,}} {what}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("", total=None)
        yield lambda more: progress.advance(bar, more)


@contextmanager
def reading(reader: NoteReader) -> Iterator[Callable[[], None]]:
    """A progress bar over the bytes of some notes; call what it gives after each note."""
    columns = (
        TextColumn("{task.completed:,} of {task.total:,} bytes"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("", total=max(1, reader.bytes_total))
        yield lambda: progress.update(bar, completed=reader.bytes_read)
