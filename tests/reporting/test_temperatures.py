from types import SimpleNamespace

import pytest

from stigma_hf.evaluation.temperature import Calibration
from stigma_hf.reporting.temperatures import store_in_folders

FITTED = {"other": Calibration("other", 1.5, 40, False), "adamant": Calibration("adamant", 20.0, 40, True)}


@pytest.fixture
def config(monkeypatch):
    """A configuration that was scaled before, and notes where it is saved."""
    config = SimpleNamespace(temperature={"other": 2.0}, saved_to=[])
    config.save_pretrained = config.saved_to.append
    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", lambda folder: config)
    return config


def test_settled_temperatures_come_on_top_of_those_that_were_there(config, tmp_path):
    assert list(store_in_folders({str(tmp_path): FITTED})) == [f"{tmp_path}: stored the temperature of other"]
    assert config.temperature == {"other": 3.0}
    assert config.saved_to == [tmp_path]


def test_a_model_that_keeps_no_temperature_is_left_as_it_is(config, tmp_path):
    del config.temperature
    (line,) = store_in_folders({str(tmp_path): FITTED})
    assert "keeps no temperature" in line and config.saved_to == []


def test_a_model_of_the_hub_is_left_as_it_is(config):
    (line,) = store_in_folders({"someone/model": FITTED})
    assert "is no folder on this machine" in line and config.saved_to == []
