import os
import stat
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from demo.conftest import STEERING, Server
from demo.parts import spans_of
from stigma_hf.cli.demo import PASSWORD_VARIABLE, demo
from stigma_hf.demo.launch import serving
from stigma_hf.demo.privacy import forget_session, private_surroundings
from stigma_hf.errors import UsageError

gradio = pytest.importorskip("gradio")

local = pytest.mark.allow_hosts(["127.0.0.1", "0.0.0.0", "localhost"])


@pytest.fixture
def hostile(monkeypatch):
    for name, value in STEERING.items():
        monkeypatch.setenv(name, value)


def test_surroundings_are_private_and_put_back(hostile):
    before = dict(os.environ), tempfile.tempdir
    with private_surroundings() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {name for name in os.environ if name.startswith("GRADIO_")} == {
            "GRADIO_ANALYTICS_ENABLED",
            "GRADIO_TEMP_DIR",
        }
        assert (os.environ["GRADIO_ANALYTICS_ENABLED"], os.environ["HF_HUB_OFFLINE"]) == ("False", "1")
        (Path(tempfile.mkdtemp()) / "upload").write_text("refused")
        assert len(list(folder.rglob("upload"))) == 1
    assert not folder.exists()
    assert (dict(os.environ), tempfile.tempdir) == before


def test_session_that_is_closed_is_forgotten():
    sessions = {"a": "note", "b": "note"}
    forget_session(sessions, "a")
    forget_session(sessions, "gone")
    forget_session(sessions, None)
    assert sessions == {"b": "note"}


@local
def test_ten_people_at_once_get_their_own_results_and_nothing_can_be_steered_outward(hostile):
    from gradio_client import Client

    notes = [f"patient {place} " + "refused labs. " * (place + 1) for place in range(10)]

    def ask(url, note):
        client = Client(url, verbose=False)
        answer = client.predict(note, "embedded default", "none", ["compliance"], 0.0, api_name="/inspect")
        return spans_of(answer[1]), client

    with serving() as page:
        assert (page.share, page.share_url, page.server_name) == (False, None, "127.0.0.1")
        assert not page.run_history and not page.enable_monitoring and page.allowed_paths == []
        with ThreadPoolExecutor(10) as pool:
            results = list(pool.map(lambda note: ask(page.local_url, note), notes))
        assert [shown["note"] for shown, _ in results] == notes
        assert [len(shown["marked"]) for shown, _ in results] == list(range(1, 11))


@local
def test_closing_the_page_lets_go_of_the_note(browser):
    with serving() as page:
        context = browser.new_context()
        tab = context.new_page()
        tab.goto(page.local_url)
        tab.get_by_label("Note", exact=True).fill("refused zebrafish")
        tab.get_by_role("button", name="Look at the wording").click()
        tab.locator("mark[data-span]").wait_for()
        assert "zebrafish" in remembered(page)
        context.close()
        until = time.monotonic() + 20
        while "zebrafish" in remembered(page) and time.monotonic() < until:
            time.sleep(0.1)
        assert "zebrafish" not in remembered(page)


def remembered(page):
    """Everything that Gradio remembers of the pages that are open."""
    return repr([session.config_values for session in page.state_holder.session_data.values()])


@local
def test_page_answers_under_local_names_only_and_forbids_other_addresses():
    import http.client

    with serving() as page:
        for host, expected in (("127.0.0.1", 200), ("evil.example", 400)):
            connection = http.client.HTTPConnection("127.0.0.1", page.server_port, timeout=10)
            connection.request("GET", "/", headers={"Host": f"{host}:{page.server_port}"})
            answer = connection.getresponse()
            assert answer.status == expected
            connection.close()
            if expected == 200:
                assert "connect-src 'self'" in answer.headers["content-security-policy"]
                assert answer.headers["cache-control"] == "no-store"


@local
def test_password_is_asked_for():
    import http.client

    with serving(auth=("ana", "correct horse")) as page:
        connection = http.client.HTTPConnection("127.0.0.1", page.server_port, timeout=10)
        connection.request("GET", "/config")
        assert connection.getresponse().status == 401
        connection.close()


@local
def test_model_to_compare_with_is_one_of_the_models():
    with pytest.raises(UsageError, match="expected --compare to be one of embedded default, found other"):
        with serving(compare="other"):
            pass


def test_stopping_the_command_removes_its_folder(tmp_path):
    server = Server(["--auth", "ana"], tmp_path / "log", {**os.environ, PASSWORD_VARIABLE: "correct horse"})
    folder = server.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    status, said = server.stop()
    assert status == 0 and not folder.exists()
    assert "correct horse" not in said


def test_there_is_no_way_to_share():
    app = Typer()
    app.command()(demo)
    answer = CliRunner().invoke(app, ["--share"])
    assert answer.exit_code == 2 and "No such option" in answer.output
