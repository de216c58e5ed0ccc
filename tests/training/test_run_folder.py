import json

import pytest

from stigma_hf.errors import UsageError
from stigma_hf.training.run_folder import RunFolder

RECORD = {"seed": 42}


def begun(folder):
    run = RunFolder(folder, RECORD)
    run.open(resume=False)
    (run.checkpoints / "adamant").mkdir()
    return run


def finished(folder):
    folder.mkdir()
    config = {"model_type": "stigma-anchor-pooled", "training": {"run": RECORD}}
    (folder / "config.json").write_text(json.dumps(config))
    return RunFolder(folder, RECORD)


def test_a_new_folder_is_for_its_owner_alone_and_remembers_the_run(tmp_path):
    run = RunFolder(tmp_path / "deep" / "model", RECORD)
    assert not run.check(resume=False, overwrite=False)
    assert not run.path.exists()
    run.open(resume=False)
    assert run.path.stat().st_mode & 0o077 == 0
    assert json.loads((run.checkpoints / "run.json").read_text()) == RECORD


def test_a_training_without_a_checkpoint_is_begun_anew(tmp_path):
    run = RunFolder(tmp_path / "model", RECORD)
    run.open(resume=False)
    assert not RunFolder(tmp_path / "model", {"seed": 1}).check(resume=False, overwrite=False)


def test_nothing_to_go_on_with_is_a_new_training(tmp_path):
    assert not RunFolder(tmp_path / "model", RECORD).check(resume=True, overwrite=False)


def test_a_training_that_was_cut_off_is_gone_on_with_or_replaced_only_if_asked(tmp_path):
    run = begun(tmp_path / "model")
    with pytest.raises(UsageError, match="holds a training that was cut off; go on with --resume, begin anew with"):
        run.check(resume=False, overwrite=False)
    assert not run.check(resume=True, overwrite=False)
    run.open(resume=True)
    assert (run.checkpoints / "adamant").is_dir()
    assert not run.check(resume=False, overwrite=True)
    run.open(resume=False)
    assert not (run.checkpoints / "adamant").exists()


def test_another_training_is_not_gone_on_with(tmp_path):
    begun(tmp_path / "model")
    with pytest.raises(UsageError, match="begun with another training: seed was 42, now 1"):
        RunFolder(tmp_path / "model", {"seed": 1}).check(resume=True, overwrite=False)


def test_a_finished_model_is_left_as_it_is_or_replaced_only_if_asked(tmp_path):
    run = finished(tmp_path / "model")
    with pytest.raises(UsageError, match="holds a model; replace it with --overwrite"):
        run.check(resume=False, overwrite=False)
    assert run.check(resume=True, overwrite=False)
    assert not run.check(resume=False, overwrite=True)
    with pytest.raises(UsageError, match="begun with another training: seed was 42, now 1"):
        RunFolder(run.path, {"seed": 1}).check(resume=True, overwrite=False)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("thesis.tex", "years of work", "expected a new or an empty folder to write to, found something else"),
        (
            "config.json",
            '{"model_type": "bert"}',
            "expected a new or an empty folder to write to, found another model",
        ),
        ("config.json", "{", "expected a new or an empty folder to write to, found another model"),
    ],
)
def test_the_files_of_others_are_never_replaced(tmp_path, name, text, message, overwrite):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=message):
        RunFolder(tmp_path, RECORD).check(resume=False, overwrite=overwrite)
    assert (tmp_path / name).read_text() == text


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "model").write_text("")
    with pytest.raises(UsageError, match="expected a new or an empty folder"):
        RunFolder(tmp_path / "model", RECORD).check(resume=False, overwrite=True)


def test_going_on_and_beginning_anew_exclude_each_other(tmp_path):
    with pytest.raises(UsageError, match="expected --resume or --overwrite, found both"):
        RunFolder(tmp_path / "model", RECORD).check(resume=True, overwrite=True)
