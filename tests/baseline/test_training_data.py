import json

import pytest
from datasets import DatasetDict
from recordings import PARITY

from stigma_hf.baseline.training_data import LabelledWindows, labelled_windows, read_spans_folder
from stigma_hf.context_window import ContextWindow
from stigma_hf.dataset_folder import build_dataset
from stigma_hf.errors import UsageError

ROW = {"task": "adamant", "anchor": "claims", "context": "he claims pain", "label": "disbelief"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "spans"
    build_dataset(PARITY / "baseline" / "mimic-iv", out, PARITY / "baseline" / "annotations.csv")
    return out


def test_a_built_folder_gives_the_spans_and_their_provenance(folder, spans):
    read, provenance = read_spans_folder(folder)
    assert read == spans
    assert provenance == json.loads((folder / "provenance.json").read_text())


def test_a_folder_without_provenance_says_so(folder, tmp_path):
    (tmp_path / "all").mkdir()
    for split in ("train", "validation"):
        (tmp_path / "all" / f"{split}.parquet").symlink_to(folder / "all" / f"{split}.parquet")
    read, provenance = read_spans_folder(tmp_path)
    assert provenance is None and set(read) == {"train", "validation"}
    (tmp_path / "provenance.json").write_text("{")
    with pytest.raises(UsageError, match=r"provenance\.json: expected a JSON record"):
        read_spans_folder(tmp_path)


def test_a_folder_without_spans_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"build-dataset .*found no train and no validation"):
        read_spans_folder(tmp_path)


def test_rows_with_labels_as_text_are_taken():
    expected = LabelledWindows([ContextWindow("adamant", "claims", "he claims pain")], ["disbelief"])
    assert labelled_windows([ROW]) == expected
    assert expected.of_task("other") == LabelledWindows([], [])


@pytest.mark.parametrize("column", ["task", "anchor", "context", "label"])
def test_a_missing_column_is_named(column):
    row = {key: value for key, value in ROW.items() if key != column}
    with pytest.raises(UsageError, match=f"row 0: .*{column}"):
        labelled_windows([row])


def test_numbers_without_names_are_no_labels():
    with pytest.raises(UsageError, match="expected labels as text, .*; found numbers"):
        labelled_windows([{**ROW, "label": 1}])


def test_class_labels_become_their_names(dataset):
    assert isinstance(dataset, DatasetDict)
    first = dataset["test"][0]
    assert labelled_windows(dataset["test"]).labels[0] == dataset["test"].features["label"].int2str(first["label"])


def test_a_row_of_an_unknown_task_is_refused_by_its_place():
    rows = [{"task": "other", "anchor": "angry", "context": "angry", "label": "negative"}]
    rows += [{"task": "mood", "anchor": "angry", "context": "angry", "label": "negative"}]
    with pytest.raises(UsageError, match="row 1: expected tasks among adamant, compliance, other, found 'mood'"):
        labelled_windows(rows)
