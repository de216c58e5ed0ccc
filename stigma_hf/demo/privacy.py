"""What keeps a note where it is: nothing is reported, shared, stored or kept longer than the page is open.

Gradio can be steered by environment variables, to a public address among other things. All of them are taken away
before it is imported.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOCAL_NAMES = ["127.0.0.1", "localhost"]
"""The only names under which the page answers."""

_MEMORY = Path("/dev/shm")
"""A folder that Linux keeps in memory."""
_ROOM = 512 * 2**20

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "form-action 'self'; base-uri 'self'; object-src 'none'"
)
"""Makes the browser itself refuse whatever would come from, or go to, another address."""

_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_NO_STORE = {"cache-control": "no-store"}
_STATIC = ("/assets/", "/static/", "/svelte/", "/favicon")

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


@contextmanager
def private_surroundings() -> Iterator[Path]:
    """For as long as it lasts, nothing is reported, no hub is asked, and files lie in a folder of one's own.

    Gives back that folder, in memory where the system has such a place with room. It is removed at the end.
    """
    before = dict(os.environ)
    temporary = tempfile.tempdir
    folder = _new_folder()
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ.update(
        GRADIO_ANALYTICS_ENABLED="False",
        GRADIO_TEMP_DIR=str(folder),
        HF_HUB_OFFLINE="1",
        HF_HUB_DISABLE_TELEMETRY="1",
        NO_PROXY=",".join(filter(None, [os.environ.get("NO_PROXY"), *LOCAL_NAMES])),
    )
    tempfile.tempdir = str(folder)
    # It names files and columns, which people name after patients.
    reading = logging.getLogger("stigma_hf.note_files")
    level = reading.level
    reading.setLevel(logging.CRITICAL)
    try:
        yield folder
    finally:
        reading.setLevel(level)
        tempfile.tempdir = temporary
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)


def _new_folder() -> Path:
    """A folder that only its owner may read."""
    in_memory = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    return Path(tempfile.mkdtemp(prefix=f"stigma-demo-{os.getpid()}-", dir=_MEMORY if in_memory else None))


def forget_session(sessions: MutableMapping[str, Any], session: str | None) -> None:
    """Let go of what the server remembers of a page that was closed.

    Gradio keeps the last value of every field of every page for as long as it runs.
    """
    if session is not None:
        sessions.pop(session, None)


class PrivateAnswers:
    """ASGI middleware that tells the browser to talk to this server only, and to store nothing.

    Args:
        app: The application.
    """

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        """Answer a request."""
        headers = _HEADERS if scope.get("path", "").startswith(_STATIC) else {**_HEADERS, **_NO_STORE}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(k, v) for k, v in message["headers"] if k.decode("latin-1").lower() not in headers]
                message["headers"] = [*kept, *((k.encode(), v.encode()) for k, v in headers.items())]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
