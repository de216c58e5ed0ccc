import shutil
import tarfile
from pathlib import Path

import pytest
import torch
from recordings import PARITY
from release_copies import BERT, ENCODER, MAJORITY, STATISTICAL, copy_of, expected_rows, write_rows

from stigma_hf.conversion.convert import convert


@pytest.fixture(autouse=True)
def _own_index(tmp_path, monkeypatch):
    """Conversions are noted in the test's own folder, never in the person's."""
    monkeypatch.setenv("STIGMA_HF_HOME", str(tmp_path / "stigma_hf_home"))


@pytest.fixture(scope="session")
def release(tmp_path_factory):
    """The released layout with every fixture in it: the four baselines and clinical BERT."""
    root = tmp_path_factory.mktemp("release") / "models"
    for name in (MAJORITY, STATISTICAL):
        shutil.copytree(PARITY / "baseline" / name, root / name)
    shutil.copytree(PARITY / "bert" / BERT, root / BERT)
    with tarfile.open(PARITY / "bert" / "checkpoints.tar.xz") as archive:
        archive.extractall(root, filter="data")
    return root


@pytest.fixture(scope="session")
def converted(release, tmp_path_factory):
    """Every fixture converted once, checked against every recorded prediction; by released name."""
    folder = tmp_path_factory.mktemp("converted")
    expected = write_rows(folder / "expected.jsonl", expected_rows())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STIGMA_HF_HOME", str(folder / "home"))
        models = convert(release, folder / "models", encoder=ENCODER, expected=expected)
    torch.set_num_threads(threads)
    return {model.name: model for model in models}


@pytest.fixture
def majority(release, tmp_path) -> Path:
    return copy_of(release / MAJORITY, tmp_path / MAJORITY)


@pytest.fixture
def statistical(release, tmp_path) -> Path:
    return copy_of(release / STATISTICAL, tmp_path / STATISTICAL)


@pytest.fixture
def bert(release, tmp_path) -> Path:
    return copy_of(release / BERT, tmp_path / BERT)
