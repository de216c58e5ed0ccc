import pytest
from typer import Typer
from typer.testing import CliRunner

from reporting.small_data import all_rows, settings, write_data
from stigma_hf.baseline.recipes import load_recipe
from stigma_hf.baseline.training import train_baseline
from stigma_hf.baseline.training_data import labelled_windows
from stigma_hf.cli.evaluate import evaluate
from stigma_hf.reporting.evaluate import evaluate_models
from stigma_hf.reporting.output import write_report


@pytest.fixture(scope="session")
def rows():
    return all_rows()


@pytest.fixture(scope="session")
def data(rows, tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "spans", rows)


@pytest.fixture(scope="session")
def models(rows, tmp_path_factory):
    """Folders of two baselines by name."""
    root = tmp_path_factory.mktemp("models")
    spans = {split: labelled_windows(of_split) for split, of_split in rows.items()}
    for name in ("majority-overall", "majority-per-anchor"):
        train_baseline(load_recipe(name), spans, {"source": "synthetic"}).save_pretrained(root / name)
    return {folder.name: str(folder) for folder in sorted(root.iterdir())}


@pytest.fixture(scope="session")
def evaluation(models, data):
    """Both baselines, with everything that can be asked for."""
    return evaluate_models(list(models.values()), data, settings(calibrate=True, coverage=0.9))


@pytest.fixture(scope="session")
def report(evaluation):
    return evaluation.report


@pytest.fixture(scope="session")
def folder(evaluation, tmp_path_factory):
    """The folder of its report."""
    at = tmp_path_factory.mktemp("reports") / "report"
    write_report(evaluation, at)
    return at


@pytest.fixture
def run():
    """Runs the command with some arguments."""
    app = Typer()
    app.command()(evaluate)
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])
