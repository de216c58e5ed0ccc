import gzip
import shutil

import pytest
from mimic_tree import TABLES, TREE, copy_tree

from stigma_hf.errors import UsageError
from stigma_hf.mimic.files import MissingFiles, find_files

LAYOUTS = {
    "mirror": ("physionet.org/files/mimiciv/2.2/hosp", "physionet.org/files/mimic-iv-note/2.2/note"),
    "unpacked archives": ("mimic-iv-2.2/hosp", "mimic-iv-note-deidentified-free-text-clinical-notes-2.2/note"),
    "archive in a folder of its name": ("mimic-iv-3.1/mimic-iv-3.1/hosp", "note"),
    "version folders": ("2.2/hosp", "2.2/note"),
    "flat": (".", "."),
}


def lay_out(root, hosp, note):
    for table in TABLES:
        folder = root / (note if table == "discharge" else hosp)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(TREE / f"{table}.csv.gz", folder / f"{table}.csv.gz")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_usual_layout_is_found(tmp_path, layout):
    lay_out(tmp_path, *LAYOUTS[layout])
    files = find_files(tmp_path)
    assert set(files.paths) == set(TABLES)
    assert all(path.is_relative_to(tmp_path) and path.is_file() for path in files.paths.values())
    assert not files.is_synthetic


def test_tables_and_notes_may_be_in_two_folders(tmp_path):
    lay_out(tmp_path / "a", "hosp", "../b/note")
    assert find_files([tmp_path / "a", str(tmp_path / "b")]).discharge == tmp_path / "b/note/discharge.csv.gz"


def test_the_same_folder_named_twice_is_found_once(tmp_path):
    lay_out(tmp_path, "hosp", "note")
    assert find_files([tmp_path, tmp_path / "hosp"]).admissions.name == "admissions.csv.gz"


def test_unpacked_files_are_found_and_packed_ones_preferred(tmp_path):
    tree = copy_tree(tmp_path)
    (tree / "patients.csv").write_bytes(gzip.decompress((tree / "patients.csv.gz").read_bytes()))
    (tree / "services.csv").write_bytes(gzip.decompress((tree / "services.csv.gz").read_bytes()))
    (tree / "services.csv.gz").unlink()
    files = find_files(tree)
    assert (files.patients.name, files.services.name) == ("patients.csv.gz", "services.csv")


def test_unfinished_downloads_and_shadow_files_are_not_taken(tmp_path):
    tree = copy_tree(tmp_path)
    (tree / "patients.csv.gz").rename(tree / "patients.csv.gz.part")
    (tree / "__MACOSX").mkdir()
    shutil.copyfile(tree / "services.csv.gz", tree / "__MACOSX" / "patients.csv.gz")
    with pytest.raises(MissingFiles, match="1 of 6 needed files are missing: hosp/patients.csv.gz"):
        find_files(tree)


def test_all_missing_files_are_named_at_once(tmp_path):
    shutil.copyfile(TREE / "patients.csv.gz", tmp_path / "patients.csv.gz")
    with pytest.raises(MissingFiles, match="5 of 6") as error:
        find_files(tmp_path)
    message = str(error.value)
    assert all(f"{table}.csv.gz" in message for table in TABLES if table != "patients")
    assert "MIMIC-IV-Note" in message
    assert isinstance(error.value, FileNotFoundError) and isinstance(error.value, UsageError)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(MissingFiles, match="no folder at .*absent"):
        find_files([tmp_path, tmp_path / "absent"])


def test_two_releases_below_one_folder_are_refused_with_both_places(tmp_path):
    lay_out(tmp_path, "mimiciv/2.2/hosp", "note")
    lay_out(tmp_path, "mimiciv/3.1/hosp", "note")
    with pytest.raises(UsageError, match=r"found 2 of admissions \(.*2\.2.*3\.1.*\); name the folders of one release"):
        find_files(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"), [("SYNTHETIC.md", "invented"), ("provenance.json", '{"source": "synthetic", "release": "2.2"}')]
)
def test_synthetic_tree_is_known_by_either_mark_at_its_root(tmp_path, name, text):
    lay_out(tmp_path, "hosp", "note")
    (tmp_path / name).write_text(text)
    assert find_files(tmp_path).is_synthetic


def test_synthetic_tree_is_known_when_its_modules_are_named_one_by_one(tmp_path):
    lay_out(tmp_path, "hosp", "note")
    (tmp_path / "hosp" / "SYNTHETIC.md").write_text("invented")
    assert find_files([tmp_path / "hosp", tmp_path / "note"]).is_synthetic


def test_broken_provenance_record_is_refused(tmp_path):
    tree = copy_tree(tmp_path)
    (tree / "provenance.json").write_text("{")
    with pytest.raises(UsageError, match="provenance record as JSON"):
        find_files(tree)


def test_link_that_leads_in_a_circle_does_not_hang(tmp_path):
    tree = copy_tree(tmp_path)
    (tree / "again").symlink_to(tree)
    assert find_files(tree).patients.parent == tree
