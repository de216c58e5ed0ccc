import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from reporting.small_data import all_rows

from demo.browser import find_browser
from stigma_hf.baseline.recipes import load_recipe
from stigma_hf.baseline.training import train_baseline
from stigma_hf.baseline.training_data import labelled_windows
from stigma_hf.demo.models import EMBEDDED, Models

COMMAND = "from typer import Typer; from stigma_hf.cli.demo import demo; app = Typer(); app.command()(demo); app()"
STEERING = {
    "GRADIO_SHARE": "True",
    "GRADIO_SERVER_NAME": "0.0.0.0",
    "GRADIO_RUN_HISTORY": "True",
    "GRADIO_ALLOWED_PATHS": "/",
    "GRADIO_ANALYTICS_ENABLED": "True",
}
"""Variables of the surroundings that would open the page to others."""


@pytest.fixture(scope="session")
def regression(tmp_path_factory):
    """Folder of a logistic regression."""
    spans = {split: labelled_windows(rows) for split, rows in all_rows().items()}
    folder = tmp_path_factory.mktemp("demo-models") / "regression"
    model = train_baseline(load_recipe("logistic-regression-context-anchor"), spans, {"source": "synthetic"})
    model.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def models(regression):
    return Models([regression])


@pytest.fixture(scope="session")
def embedded(models):
    return models.open(EMBEDDED)


class Server:
    """`stigma-hf demo` in a process of its own."""

    def __init__(self, arguments, log, environment):
        self.log = log
        with open(log, "w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
            )
        first = self.process.stdout.readline()
        assert first, Path(log).read_text()
        self.url = first.split()[0]

    @property
    def folder(self):
        """Where it keeps uploads and results."""
        roots = {"/dev/shm", tempfile.gettempdir()}
        (folder,) = (found for root in roots for found in Path(root).glob(f"stigma-demo-{self.process.pid}-*"))
        return folder

    def stop(self):
        self.process.terminate()
        status = self.process.wait(30)
        return status, self.process.stdout.read() + Path(self.log).read_text()


@pytest.fixture(scope="session")
def server(regression, tmp_path_factory):
    """The page, with a model, the embedded default, and a folder that is missing, in surroundings that mean ill."""
    pytest.importorskip("gradio")
    log = tmp_path_factory.mktemp("demo-log") / "stderr.txt"
    missing = str(tmp_path_factory.mktemp("none") / "missing-model")
    arguments = ["--model", regression, "--model", missing]
    running = Server(arguments, log, {**os.environ, **STEERING})
    running.missing = missing
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    program = find_browser()
    if program is None:
        pytest.skip("no browser; install one with: apt-get install chromium-headless-shell")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def tab(server, browser):
    """A fresh browser tab with the page in it; it knows every address that was asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("websocket", lambda socket: page.asked.append(socket.url))
    page.goto(server.url)
    page.get_by_role("button", name="Look at the wording").wait_for()
    yield page
    context.close()
