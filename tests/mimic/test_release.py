import hashlib
import shutil
from dataclasses import replace

import pytest
from mimic_tree import TREE, copy_tree

from stigma_hf.errors import UsageError
from stigma_hf.mimic.files import find_files
from stigma_hf.mimic.release import detect_release

OLD = ["ENGLISH", "?"]


@pytest.fixture
def files(tmp_path):
    return find_files(copy_tree(tmp_path))


@pytest.mark.parametrize(("admissions", "release"), [(431_231, "2.2"), (546_028, "3.1")])
def test_number_of_admissions_tells_the_release(files, admissions, release):
    found = detect_release(files, admissions, OLD)
    assert (found.name, found.is_complete) == (release, True)
    assert f"are those of {release}" in found.evidence[0]


@pytest.mark.parametrize("folder", ["2.2", "v2.2", "mimic-iv-2.2", "mimiciv_v2.2", "mimic-iv-2.2.0"])
def test_folder_name_tells_the_release(tmp_path, folder):
    tree = shutil.copytree(TREE, tmp_path / folder / "hosp")
    assert detect_release(find_files(tree), 344, OLD).name == "2.2"


def test_folder_without_a_version_tells_nothing(files):
    found = detect_release(files, 344, OLD)
    assert found.name is None
    assert str(found) == "MIMIC-IV of an unknown release with 344 admissions"


def test_newest_version_of_the_change_log_counts(files):
    (files.roots[0] / "CHANGELOG.txt").write_text("MIMIC-IV v3.1\nfixes\nMIMIC-IV v2.2\nmore since v1.0\n")
    assert detect_release(files, 344, OLD).name == "3.1"


def test_spelling_of_later_releases_is_known(files):
    assert detect_release(files, 344, ["English", "Spanish"]).name == "3.x"


def test_number_of_admissions_outweighs_the_folder_name(tmp_path):
    tree = shutil.copytree(TREE, tmp_path / "mimiciv" / "2.2" / "hosp")
    found = detect_release(find_files(tree), 546_028, OLD)
    assert found.name == "3.1"
    assert "the folder name says 2.2" in found.evidence


@pytest.mark.parametrize(("change", "words"), [(b"", "has its"), (b"x", "does not have its")])
def test_listed_checksum_is_compared(files, change, words):
    path = files.admissions
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    (path.parent / "SHA256SUMS.txt").write_text(f"{'0' * 64} patients.csv.gz\n{checksum} admissions.csv.gz\n")
    path.write_bytes(path.read_bytes() + change)
    assert f"the admissions file {words} published checksum" in detect_release(files, 344, OLD).evidence


def test_release_of_the_notes_is_told_apart(tmp_path):
    shutil.copytree(TREE, tmp_path / "mimiciv" / "3.1" / "hosp", ignore=shutil.ignore_patterns("discharge*"))
    note = tmp_path / "mimic-iv-note" / "2.2" / "note"
    note.mkdir(parents=True)
    shutil.copyfile(TREE / "discharge.csv.gz", note / "discharge.csv.gz")
    found = detect_release(find_files(tmp_path), 344, OLD)
    assert (found.name, found.note_name) == ("3.1", "2.2")


def test_synthetic_tree_has_the_release_of_its_record(files):
    files = replace(files, is_synthetic=True, provenance={"source": "synthetic", "release": "3.1"})
    found = detect_release(files, 344, OLD)
    assert str(found) == "synthetic MIMIC-IV 3.1 with 344 admissions"
    with pytest.raises(UsageError, match="found synthetic MIMIC-IV 3.1"):
        found.require_published()


def test_published_split_exists_on_the_complete_release(files):
    assert detect_release(files, 431_231, OLD).require_published() is None


@pytest.mark.parametrize(
    ("admissions", "languages", "found"),
    [
        (546_028, OLD, "found MIMIC-IV 3.1 with 546,028 admissions"),
        (344, ["English"], "found MIMIC-IV 3.x"),
        (200_000, OLD, "expected the 431,231 of the complete release, found MIMIC-IV of an unknown release"),
    ],
)
def test_published_split_is_refused_by_name_elsewhere(files, admissions, languages, found):
    with pytest.raises(UsageError, match=rf"split 'released': .*{found}.*use split=\"hash\".*split_admissions="):
        detect_release(files, admissions, languages).require_published()


def test_published_split_over_a_handful_of_patients_comes_with_a_caution(files):
    assert "not the published assignment" in detect_release(files, 344, OLD).require_published()


def test_published_split_of_invented_patients_needs_no_caution(files):
    files = replace(files, is_synthetic=True, provenance={"source": "synthetic", "release": "2.2"})
    assert detect_release(files, 50_000, OLD).require_published() is None
