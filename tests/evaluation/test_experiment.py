import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy
import pytest
from datasets import ClassLabel, Dataset

import stigma_hf
from stigma_hf.errors import UsageError
from stigma_hf.evaluation import experiment
from stigma_hf.evaluation.experiment import record_experiment
from stigma_hf.evaluation.fingerprint import fingerprint

ROOT = Path(stigma_hf.__file__).parents[1]


def spans():
    return [
        {"note_id": "n1", "task": "other", "anchor": "angry", "clean_start": 4, "label": "negative", "context": "x"},
        {"note_id": "n2", "task": "other", "anchor": "angry", "clean_start": 9, "label": "neutral", "context": "y"},
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("note_id", "n3"), ("anchor", "mad"), ("clean_start", 5), ("label", "neutral"), ("task", "a")]
)
def test_a_fingerprint_changes_with_ids_and_labels(name, value):
    changed = spans()
    changed[0][name] = value
    assert fingerprint(changed) != fingerprint(spans())


def test_a_fingerprint_knows_order_and_number_and_never_looks_at_text():
    changed = spans()
    changed[0]["context"] = "other words"
    assert fingerprint(changed) == fingerprint(spans())
    assert fingerprint(spans()[::-1]) != fingerprint(spans())
    assert fingerprint(spans()[:1]) != fingerprint(spans())
    assert re.fullmatch("[0-9a-f]{16}", fingerprint(spans()))
    assert fingerprint([]) == fingerprint(iter(()))


def test_a_data_set_and_its_rows_have_one_fingerprint_whatever_numbers_stand_for_labels():
    data = Dataset.from_list(spans())
    for names in (["negative", "neutral"], ["exclude", "negative", "neutral"]):
        assert fingerprint(data.cast_column("label", ClassLabel(names=names))) == fingerprint(spans())


def test_rows_that_are_no_spans_have_no_fingerprint():
    with pytest.raises(UsageError, match="expected spans with task, anchor and label, found no anchor and no label"):
        fingerprint([{"task": "other", "note_id": "n1"}])


def test_a_record_says_what_was_run_on_what_with_what():
    record = record_experiment(
        7, {"test": spans()}, {"source": "synthetic"}, ["/opt/bin/stigma-hf", "evaluate", "a b"]
    )
    written = json.loads(json.dumps(record.to_dict()))
    assert written["command"] == "stigma-hf evaluate 'a b'"
    assert written["seed"] == 7
    assert written["data"] == {"test": {"fingerprint": fingerprint(spans()), "n_spans": 2}}
    assert written["provenance"] == {"source": "synthetic"}
    assert written["stigma_hf_version"] == stigma_hf.__version__
    assert written["package_versions"]["numpy"] == numpy.__version__
    assert {"torch", "transformers", "scikit-learn"} <= set(written["package_versions"])
    assert datetime.fromisoformat(written["started"]) <= datetime.now(UTC)
    assert written["seconds"] is None
    assert "angry" not in json.dumps(written)


def test_a_record_knows_how_long_it_took_and_the_command_of_its_process(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/somewhere/stigma-hf", "evaluate", "model"])
    record = record_experiment(started=datetime.now(UTC) - timedelta(seconds=90))
    assert record.command == "stigma-hf evaluate model"
    assert 89 < record.seconds < 100


def test_a_home_folder_is_not_written_out(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    arguments = ["run", "--data", "/home/somebody/my data", "--out=/home/somebody/out", "/data/mimic"]
    assert record_experiment(command=arguments).command == "run --data '~/my data' --out=~/out /data/mimic"
    monkeypatch.setenv("HOME", "/")
    assert record_experiment(command=["run", "/data/mimic"]).command == "run /data/mimic"


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_is_that_of_the_checkout_the_package_is_tracked_in(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert experiment._checkout(package) == (None, None)
    git(tmp_path, "init")
    assert experiment._checkout(package) == (None, None), "an environment in somebody's checkout"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    assert experiment._checkout(package) == (git(tmp_path, "rev-parse", "HEAD"), False)
    (package / "__init__.py").write_text("x = 1")
    assert experiment._checkout(package) == (git(tmp_path, "rev-parse", "HEAD"), True)


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    record = record_experiment()
    assert (record.git_commit, record.has_uncommitted_changes) == (None, None)
