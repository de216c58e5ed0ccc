import json
import logging
import subprocess
import sys

import pytest

from stigma_hf.released_models import (
    RELEASED_MODELS,
    find_converted,
    how_to_get,
    index_file,
    is_released_name,
    locate,
    remember,
)

NAME = "mimic-iv-discharge_clinical-bert"


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("STIGMA_HF_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def model_folder(path):
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    return path


def test_a_released_name_is_located_and_any_other_is_left_as_it_is(tmp_path):
    assert locate("bert-base-uncased") == "bert-base-uncased"
    with pytest.raises(FileNotFoundError, match=f"{NAME} is a model of the 2023 release, and not converted on this"):
        locate(NAME)
    remember(NAME, model_folder(tmp_path / "a" / NAME))
    assert locate(NAME) == str(tmp_path / "a" / NAME)


def test_there_are_six_released_names():
    assert len(RELEASED_MODELS) == 6 and all(is_released_name(model.name) for model in RELEASED_MODELS)
    assert not is_released_name("bert-base-uncased") and not is_released_name(None)


def test_a_remembered_folder_is_found_until_it_is_gone(tmp_path):
    assert find_converted(NAME) is None
    folder = model_folder(tmp_path / "a" / NAME)
    remember(NAME, folder)
    assert find_converted(NAME) == folder
    (folder / "config.json").unlink()
    assert find_converted(NAME) is None


def test_the_last_conversion_wins_and_others_are_kept(tmp_path):
    other = "mimic-iv-discharge_base-bert"
    for parent in ("a", "b"):
        remember(NAME, model_folder(tmp_path / parent / NAME))
    remember(other, model_folder(tmp_path / "a" / other))
    assert find_converted(NAME) == tmp_path / "b" / NAME
    assert find_converted(other) == tmp_path / "a" / other


def test_a_folder_of_that_name_in_the_current_directory_comes_first(tmp_path):
    remember(NAME, model_folder(tmp_path / "a" / NAME))
    assert find_converted(NAME) == tmp_path / "a" / NAME
    model_folder(tmp_path / NAME)
    assert find_converted(NAME) == tmp_path / NAME


def test_other_names_are_not_remembered(tmp_path):
    remember("my-bert", model_folder(tmp_path / "my-bert"))
    assert not index_file().exists()


@pytest.mark.parametrize("content", ["", "[]", "{", json.dumps({NAME: 7})])
def test_a_broken_index_is_no_index(tmp_path, content):
    index_file().parent.mkdir()
    index_file().write_text(content)
    assert find_converted(NAME) is None
    remember(NAME, model_folder(tmp_path / NAME))
    assert json.loads(index_file().read_text()) == {NAME: str(tmp_path / NAME)}


def test_an_index_that_cannot_be_written_is_a_warning(tmp_path, caplog, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("STIGMA_HF_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        remember(NAME, model_folder(tmp_path / "a" / NAME))
    assert "cannot note where" in caplog.text and "give its folder instead" in caplog.text


def test_the_index_is_beside_the_hubs_cache_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("STIGMA_HF_HOME")
    from huggingface_hub import constants

    assert str(index_file()).startswith(str(constants.HF_HOME))


@pytest.mark.parametrize("model", RELEASED_MODELS, ids=lambda model: model.name)
def test_how_to_get_a_model_names_its_archive_and_the_command(model):
    said = how_to_get(model.name)
    assert f"download {model.archive} from https://physionet.org/" in said
    assert f"stigma-hf convert {model.archive} --out FOLDER" in said
    assert ("--encoder" in said) == ("bert" in model.name)


def test_looking_for_a_name_imports_nothing_heavy():
    script = f"""
import sys
from stigma_hf.released_models import find_converted
find_converted({NAME!r})
print([name for name in ("torch", "transformers", "sklearn") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "[]"
