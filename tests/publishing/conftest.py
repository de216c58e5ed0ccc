import json

import pytest
from hub_server import HubServer
from huggingface_hub import constants
from recordings import PARITY

from stigma_hf.baseline.recipes import load_recipe
from stigma_hf.baseline.training import train_baseline
from stigma_hf.baseline.training_data import read_spans_folder
from stigma_hf.dataset_folder import build_dataset
from stigma_hf.publishing.plan import STATEMENT, make_plan

CARD = "---\nlicense: other\n---\n\n# A model\n\nWhat it is.\n"


@pytest.fixture(scope="session")
def spans_folder(tmp_path_factory):
    """A data set whose record says that it is from patients; its notes are invented."""
    folder = tmp_path_factory.mktemp("data") / "spans"
    build_dataset(PARITY / "baseline" / "mimic-iv", folder, PARITY / "baseline" / "annotations.csv")
    return folder


@pytest.fixture(scope="session")
def trained(spans_folder):
    """Baselines whose record says that they are from patients, by recipe."""
    spans, provenance = read_spans_folder(spans_folder)
    assert provenance["source"] == "mimic-iv"
    names = ("majority-overall", "majority-per-anchor", "logistic-regression-context-anchor", "character-ngrams")
    return {name: train_baseline(load_recipe(name), spans, provenance) for name in names}


@pytest.fixture
def make_folder(trained, tmp_path):
    """Write a model with a card to a new folder; a source replaces that of its record."""

    def make(recipe="majority-overall", source=None, name="model"):
        folder = tmp_path / name
        trained[recipe].save_pretrained(folder)
        (folder / "README.md").write_text(CARD)
        if source is not None:
            config = json.loads((folder / "config.json").read_text())
            config["provenance"] = {"source": source} if source else None
            (folder / "config.json").write_text(json.dumps(config))
        return folder

    return make


@pytest.fixture
def make_ready_plan(spans_folder):
    """A plan that nothing stands in the way of, of a folder from patients or not."""

    def make(folder, repository="olga/model", is_from_patients=True, **settings):
        if is_from_patients:
            settings = {"statement": STATEMENT, "training_data": spans_folder, **settings}
        return make_plan(folder, repository, **settings)

    return make


@pytest.fixture(scope="session")
def ready_plan(trained, spans_folder, tmp_path_factory):
    """A plan that nothing stands in the way of, of a model from patients, to be uploaded again and again."""
    folder = tmp_path_factory.mktemp("ready") / "model"
    trained["majority-overall"].save_pretrained(folder)
    (folder / "README.md").write_text(CARD)
    return make_plan(folder, "olga/model", statement=STATEMENT, training_data=spans_folder)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on this machine that the real client talks to, as the owner of what it holds."""
    with HubServer() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        # transformers keeps a client for good, with the address that it was made with.
        monkeypatch.setattr("transformers.utils.hub._hf_api", None)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        monkeypatch.setenv("HF_TOKEN", "hf_owner")
        yield server
