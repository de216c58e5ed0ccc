import pytest
from physionet_server import PhysioNetServer
from typer.testing import CliRunner

from stigma_hf.cli import app

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

FILES = {"mimic-iv-note/2.2/note/discharge.csv.gz": b"notes" * 1000}
SECRET = "p:ässword"


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.delenv("PHYSIONET_USERNAME", raising=False)
    monkeypatch.delenv("PHYSIONET_PASSWORD", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    with PhysioNetServer(FILES) as server:
        yield server


def run(server, folder, *options, answers=""):
    arguments = ["download", str(folder), "--source", "mimic-iv-note", "--base-url", server.base_url, *options]
    return CliRunner().invoke(app, arguments, input=answers)


def test_password_is_asked_for_and_never_shown(server, tmp_path):
    result = run(server, tmp_path / "mimic", answers=f"jane\n{SECRET}\n")
    assert result.exit_code == 0, result.stderr
    assert "1 files in" in result.stdout
    assert (tmp_path / "mimic" / "mimic-iv-note" / "2.2" / "note" / "discharge.csv.gz").read_bytes() == b"notes" * 1000
    assert SECRET not in result.output


def test_wrong_password_is_one_message_that_names_the_agreement(server, tmp_path):
    result = run(server, tmp_path / "mimic", "--username", "jane", answers="wrong\n")
    assert result.exit_code == 1
    assert "mimic-iv-note" in result.stderr and "agreement" in result.stderr
    assert "wrong" not in result.stderr.replace("wrong password", "")


def test_unknown_source_is_refused_before_anything_is_asked(server, tmp_path):
    result = CliRunner().invoke(app, ["download", str(tmp_path), "--source", "eicu"])
    assert result.exit_code == 1
    assert "expected sources among mimic-iv, mimic-iv-note, annotations, models, found 'eicu'" in " ".join(
        result.stderr.split()
    )
