import pytest
from training.small_spans import NOTE_WORD

from reproduction.labelled_folder import splits, write_folder
from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.errors import UsageError
from stigma_hf.reproduction.labelled_data import read_labelled_data


def test_spans_are_read_with_their_patients_and_fingerprints(data):
    read = read_labelled_data(data)
    assert read.spans == splits()
    assert read.tasks == ["adamant", "compliance", "other"]
    assert len(read.patients) == 90 and len(set(read.patients)) == 45
    assert set(read.fingerprints) == {"train", "validation", "test"}
    assert read.rows.source == "synthetic"


def test_labels_of_another_set_are_refused_without_their_text(tmp_path):
    found = splits()
    found["test"] = LabelledWindows(found["test"].windows, ["stigmatizing", *found["test"].labels[1:]])
    with pytest.raises(UsageError, match="test: expected labels of adamant among difficult") as refused:
        read_labelled_data(write_folder(tmp_path, found))
    assert "'stigmatizing' on 1 spans" in str(refused.value)
    assert NOTE_WORD not in str(refused.value)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_an_empty_split_is_refused(tmp_path, split):
    found = {**splits(), split: LabelledWindows([], [])}
    with pytest.raises(UsageError, match=r"expected spans .*found none"):
        read_labelled_data(write_folder(tmp_path, found))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_missing_split_is_refused(tmp_path, split):
    write_folder(tmp_path)
    (tmp_path / "all" / f"{split}.parquet").unlink()
    with pytest.raises(UsageError, match=f"{split}"):
        read_labelled_data(tmp_path)


def test_a_missing_column_is_refused(tmp_path):
    with pytest.raises(UsageError, match="found no context"):
        read_labelled_data(write_folder(tmp_path, without=["context"]))


def test_a_task_that_a_split_lacks_is_not_among_the_tasks(tmp_path):
    found = splits()
    kept = [place for place, window in enumerate(found["test"].windows) if window.task != "other"]
    found["test"] = found["test"].rows(kept)
    assert read_labelled_data(write_folder(tmp_path, found)).tasks == ["adamant", "compliance"]
