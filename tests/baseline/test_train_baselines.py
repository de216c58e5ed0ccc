import re

import pytest
import typer
from recordings import PARITY
from transformers import pipeline
from typer.testing import CliRunner

from stigma_hf.cli.baselines import train_baselines
from stigma_hf.dataset_folder import build_dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "spans"
    build_dataset(PARITY / "baseline" / "mimic-iv", out, PARITY / "baseline" / "annotations.csv")
    return out


def run(*arguments):
    app = typer.Typer()
    app.command()(train_baselines)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    result.flat = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())
    return result


def test_the_published_baselines_are_written_and_answer(data, tmp_path):
    result = run("--data", data, "--out", tmp_path / "models")
    assert result.exit_code == 0, result.output
    assert "logistic-regression-context-anchor" in result.flat and "Descriptors" in result.flat
    assert "keep them where the notes may be" in result.flat
    folders = sorted((tmp_path / "models").iterdir())
    assert [folder.name for folder in folders] == [
        "logistic-regression-context",
        "logistic-regression-context-anchor",
        "majority-overall",
        "majority-per-anchor",
    ]
    for folder in folders:
        assert folder.stat().st_mode & 0o077 == 0
        (span,) = pipeline("stigma-classification", model=str(folder))("he claims pain")
        assert span["anchor"] == "claims"


def test_a_chosen_recipe_alone_is_trained(data, tmp_path):
    result = run("--data", data, "--out", tmp_path, "--recipe", "majority-overall")
    assert result.exit_code == 0, result.output
    assert [folder.name for folder in tmp_path.iterdir()] == ["majority-overall"]


def test_a_model_is_never_written_over(data, tmp_path):
    arguments = ("--data", data, "--out", tmp_path, "--recipe", "majority-overall")
    run(*arguments)
    result = run(*arguments)
    assert result.exit_code == 1
    assert "expected a new or an empty folder" in result.flat


def test_mistakes_are_one_message(tmp_path):
    result = run("--data", tmp_path, "--out", tmp_path / "models", "--recipe", "oracle")
    assert result.exit_code == 1 and "expected a recipe file or one of majority-overall" in result.flat
    result = run("--data", tmp_path, "--out", tmp_path / "models")
    assert result.exit_code == 1 and "build-dataset" in result.flat
    assert not (tmp_path / "models").exists()
