import pytest
from typer import Typer
from typer.testing import CliRunner

from stigma_hf.cards import render_model_card
from stigma_hf.catalog import EMBEDDED_MODEL
from stigma_hf.cli.card import card


@pytest.fixture
def run():
    app = Typer()
    app.command()(card)
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])


def test_card_is_shown_as_it_is(run):
    result = run(EMBEDDED_MODEL, "--public")
    assert result.exit_code == 0
    assert result.stdout == (EMBEDDED_MODEL / "README.md").read_text()


def test_card_is_written_and_replaced_only_when_that_is_said(run, tmp_path):
    file = tmp_path / "README.md"
    assert run(EMBEDDED_MODEL, "--out", file).exit_code == 0
    assert file.read_text() == render_model_card(EMBEDDED_MODEL)
    file.write_text("mine")
    refused = run(EMBEDDED_MODEL, "--out", file)
    assert refused.exit_code == 1 and "exists already; choose another name or allow --overwrite" in refused.stderr
    assert file.read_text() == "mine"
    assert run(EMBEDDED_MODEL, "--out", file, "--overwrite").exit_code == 0
    assert file.read_text() == render_model_card(EMBEDDED_MODEL)


def test_mistakes_give_one_message(run, tmp_path):
    result = run(tmp_path)
    assert result.exit_code == 1 and "expected a model folder, found no readable config.json" in result.stderr
    result = run(EMBEDDED_MODEL, "--out", tmp_path / "none" / "README.md")
    assert result.exit_code == 1 and "cannot be written: No such file or directory" in result.stderr
