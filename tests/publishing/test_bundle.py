import hashlib
import stat
import zipfile

import pytest

from stigma_hf.errors import UsageError
from stigma_hf.publishing import NotPublishable
from stigma_hf.publishing.bundle import write_bundle


def test_a_bundle_holds_the_same_files_with_their_sums(make_folder, make_ready_plan, tmp_path):
    folder, out = make_folder(), tmp_path / "bundle.zip"
    size = write_bundle(make_ready_plan(folder, statement=None), out)
    assert size == out.stat().st_size and stat.S_IMODE(out.stat().st_mode) == 0o600
    with zipfile.ZipFile(out) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    sums = dict(line.split()[::-1] for line in files.pop("SHA256SUMS.txt").decode().splitlines())
    about = files.pop("PHYSIONET.md").decode()
    assert files == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert "derived from patients" in about and "credentialed access" in about


def test_a_bundle_is_the_same_whenever_it_is_written(make_folder, make_ready_plan, tmp_path):
    plan = make_ready_plan(make_folder())
    write_bundle(plan, tmp_path / "a.zip")
    write_bundle(plan, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_bundle_passes_the_same_audit(make_folder, make_ready_plan, tmp_path):
    folder = make_folder()
    (folder / "optimizer.pt").write_bytes(b"x")
    with pytest.raises(NotPublishable, match="optimizer.pt: state of a training"):
        write_bundle(make_ready_plan(folder), tmp_path / "bundle.zip")
    with pytest.raises(NotPublishable, match="--training-data"):
        write_bundle(make_ready_plan(folder, training_data=None), tmp_path / "bundle.zip")
    assert not (tmp_path / "bundle.zip").exists()


def test_a_bundle_replaces_nothing_and_leaves_nothing_half_written(make_folder, make_ready_plan, tmp_path):
    folder, out = make_folder(), tmp_path / "bundle.zip"
    plan = make_ready_plan(folder)
    (folder / "README.md").write_text("# Changed\n")
    with pytest.raises(UsageError, match="README.md has changed since"):
        write_bundle(plan, out)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    out.write_text("mine")
    with pytest.raises(UsageError, match="expected a new file"):
        write_bundle(plan, out)
