import json
import shutil

import pytest

from stigma_hf.catalog import EMBEDDED_MODEL
from stigma_hf.publishing.provenance import Origin, origin_of, provenance_of


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ("mimic-iv", Origin.PATIENTS),
        ("MIMIC-IV derived", Origin.PATIENTS),
        ("patient notes", Origin.PATIENTS),
        ("synthetic", Origin.SYNTHETIC),
        ("published counts", Origin.PUBLISHED_COUNTS),
        ("synthetic and MIMIC-IV derived", Origin.PATIENTS),
        ("synthetic and published counts", Origin.SYNTHETIC),
        ("synthetic and my own", Origin.UNKNOWN),
        ("not mimic-iv", Origin.UNKNOWN),
        ("", Origin.UNKNOWN),
        (None, Origin.UNKNOWN),
        (["synthetic"], Origin.UNKNOWN),
    ],
)
def test_every_spelling_is_known_and_any_other_is_unknown(source, origin):
    assert origin_of({"source": source}) is origin


@pytest.mark.parametrize("record", [None, {}, "synthetic", [], 1])
def test_no_record_is_unknown(record):
    assert origin_of(record) is Origin.UNKNOWN


def test_a_merged_model_is_from_patients_if_a_part_is():
    parts = [{"tasks": ["other"], "provenance": {"source": source}} for source in ("synthetic", "mimic-iv")]
    assert origin_of({"source": "synthetic and mimic-iv", "merged_from": parts}) is Origin.PATIENTS
    assert origin_of({"source": "synthetic", "merged_from": parts}) is Origin.UNKNOWN
    assert origin_of({"source": "synthetic", "merged_from": []}) is Origin.UNKNOWN
    assert origin_of({"source": "synthetic", "merged_from": [{"tasks": []}]}) is Origin.UNKNOWN


def test_the_embedded_model_is_published_counts(tmp_path):
    assert provenance_of(EMBEDDED_MODEL).origin is Origin.PUBLISHED_COUNTS


def test_counts_that_were_not_published_are_not_taken_for_it(make_folder):
    provenance = provenance_of(make_folder("majority-per-anchor", "published counts"))
    assert provenance.origin is Origin.UNKNOWN
    assert "holds others than were printed" in provenance.problem


def test_a_folder_that_says_nothing_is_unknown(tmp_path):
    assert "no file says" in provenance_of(tmp_path).problem


def test_records_that_contradict_each_other_are_unknown(make_folder, tmp_path):
    folder = make_folder(source="synthetic")
    assert provenance_of(folder).origin is Origin.SYNTHETIC
    (folder / "provenance.json").write_text('{"source": "mimic-iv"}')
    provenance = provenance_of(folder)
    assert provenance.origin is Origin.UNKNOWN
    assert "contradict" in provenance.problem
    (folder / "provenance.json").write_text("not JSON")
    assert provenance_of(folder).origin is Origin.UNKNOWN


@pytest.mark.parametrize("mark", ["conversion.json", "converted_from"])
def test_a_converted_model_cannot_be_called_synthetic(make_folder, mark):
    folder = make_folder(source="synthetic")
    if mark == "conversion.json":
        (folder / mark).write_text("{}")
    else:
        config = json.loads((folder / "config.json").read_text())
        config["training"][mark] = "mimic-iv-discharge_majority_keyword"
        (folder / "config.json").write_text(json.dumps(config))
    assert provenance_of(folder).origin is Origin.UNKNOWN


def test_a_build_report_of_patients_cannot_be_called_synthetic(tmp_path):
    (tmp_path / "provenance.json").write_text('{"source": "synthetic"}')
    (tmp_path / "build_report.json").write_text('{"release": {"is_synthetic": false}}')
    assert provenance_of(tmp_path).origin is Origin.UNKNOWN
    (tmp_path / "build_report.json").write_text('{"release": {"is_synthetic": true}}')
    assert provenance_of(tmp_path).origin is Origin.SYNTHETIC


def test_rows_of_patients_cannot_be_called_synthetic(spans_folder, tmp_path):
    shutil.copytree(spans_folder, tmp_path / "spans")
    (tmp_path / "spans" / "provenance.json").write_text('{"source": "synthetic"}')
    (tmp_path / "spans" / "build_report.json").unlink()
    provenance = provenance_of(tmp_path / "spans")
    assert provenance.origin is Origin.UNKNOWN
    assert "ids of patients: derived from patients" in provenance.records
