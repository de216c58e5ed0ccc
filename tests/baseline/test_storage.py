import json
import shutil
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from stigma_hf import BaselineClassifier
from stigma_hf.baseline.storage import load_estimators, save_estimators
from stigma_hf.baseline.trees import check_trees


class Stranger:
    pass


@pytest.fixture
def folder(folders, tmp_path):
    return shutil.copytree(folders["logistic-regression-context"], tmp_path / "model")


def test_a_model_is_config_and_one_small_compressed_file(folder):
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.skops"]
    assert (folder / "model.skops").stat().st_size < 200_000
    with zipfile.ZipFile(folder / "model.skops") as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_DEFLATED}


def test_steps_that_tasks_share_are_shared_again(folder):
    estimators = BaselineClassifier.from_pretrained(folder).estimators
    assert estimators["adamant"].named_steps["phraselearner"] is estimators["other"].named_steps["phraselearner"]


def test_a_type_that_is_not_trusted_is_refused_by_name(folder):
    skops.io.dump({"adamant": Stranger()}, folder / "model.skops")
    with pytest.raises(ValueError, match=r"found test_storage\.Stranger, which are refused: .*tampered"):
        BaselineClassifier.from_pretrained(folder)


def test_a_function_within_an_estimator_is_refused_by_name(folder):
    skops.io.dump({"adamant": FunctionTransformer(json.dumps)}, folder / "model.skops")
    with pytest.raises(ValueError, match=r"found json\.dumps, which are refused"):
        BaselineClassifier.from_pretrained(folder)


def test_what_could_not_be_read_again_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"our own steps, found json\.dumps"):
        save_estimators({"adamant": make_pipeline(FunctionTransformer(json.dumps))}, tmp_path / "model.skops")
    assert not (tmp_path / "model.skops").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"\x80\x04N."])
def test_a_damaged_file_is_refused(folder, content):
    (folder / "model.skops").write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.skops: cannot be read \(\w+\): it is damaged"):
        BaselineClassifier.from_pretrained(folder)


def test_a_missing_file_is_named(folder):
    (folder / "model.skops").unlink()
    with pytest.raises(OSError, match=r"model\.skops"):
        BaselineClassifier.from_pretrained(folder)


def test_something_else_than_an_estimator_per_task_is_refused(folder):
    skops.io.dump([1], folder / "model.skops")
    with pytest.raises(ValueError, match="expected an estimator per task, found list"):
        BaselineClassifier.from_pretrained(folder)


def test_another_version_of_scikit_learn_is_warned_about_with_both(folder):
    with pytest.warns(UserWarning, match=r"trained with scikit-learn 1\.2\.3, installed is \d"):
        load_estimators(folder / "model.skops", "1.2.3")


def test_the_same_version_is_not_warned_about(folder, recwarn):
    BaselineClassifier.from_pretrained(folder)
    assert not [warning for warning in recwarn if "scikit-learn" in str(warning.message)]


@pytest.mark.parametrize(
    ("field", "value"), [("left_child", 0), ("left_child", 10_000), ("feature", 99), ("feature", -5)]
)
def test_a_tree_that_leads_out_of_itself_is_refused(field, value):
    chance = np.random.default_rng(0)
    forest = RandomForestClassifier(3, random_state=0).fit(chance.normal(size=(50, 2)), np.arange(50) % 2)
    check_trees({"adamant": forest})
    tree = forest.estimators_[1].tree_
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    nodes[field][0] = value
    tree.__setstate__({**state, "nodes": nodes})
    with pytest.raises(ValueError, match="stay within them, found one that leads out"):
        check_trees({"adamant": forest})
