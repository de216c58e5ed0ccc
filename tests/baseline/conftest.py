import pytest
from recordings import PARITY

from stigma_hf import load_spans
from stigma_hf.baseline.recipes import PUBLISHED, load_recipe
from stigma_hf.baseline.training import train_baseline
from stigma_hf.baseline.training_data import labelled_windows


@pytest.fixture(scope="session")
def dataset():
    return load_spans(PARITY / "baseline" / "mimic-iv", PARITY / "baseline" / "annotations.csv")


@pytest.fixture(scope="session")
def spans(dataset):
    return {split: labelled_windows(rows) for split, rows in dataset.items()}


@pytest.fixture(scope="session")
def trained(spans):
    return {name: train_baseline(load_recipe(name), spans, {"source": "synthetic"}) for name in PUBLISHED}


@pytest.fixture(scope="session")
def folders(trained, tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    for name, model in trained.items():
        model.save_pretrained(root / name)
    return {name: root / name for name in trained}
