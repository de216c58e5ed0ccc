import pytest

from stigma_hf.errors import UsageError
from stigma_hf.reproduction.runs import Run, RunStore

RUN = Run("base-bert", "other", "draw-0-of-0.25")
IDENTITY = {"data": {"train": "abc"}, "recipe": {"batch_size": 16}}


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path, {"base-bert": IDENTITY})
    store.check()
    store.open(["base-bert"])
    return store


def test_a_run_is_finished_once_its_record_is_written(store):
    assert store.record(RUN) is None
    store.finish(RUN, {"scores": {"test": 0.5}})
    assert store.record(RUN) == {"scores": {"test": 0.5}}
    assert store.record(Run("base-bert", "other", "draw-0-of-0.5")) is None


def test_a_record_that_was_cut_off_is_not_there(store, tmp_path, monkeypatch):
    def cut_off(*files):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", cut_off)
    with pytest.raises(KeyboardInterrupt):
        store.finish(RUN, {"scores": {}})
    assert store.record(RUN) is None


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({**IDENTITY, "recipe": {"batch_size": 32}}, "recipe.batch_size was 16, now 32"),
        ({**IDENTITY, "data": {"train": "xyz"}}, "data.train was 'abc', now 'xyz'"),
    ],
)
@pytest.mark.parametrize("is_finished", [True, False])
def test_runs_of_another_experiment_are_refused(store, tmp_path, identity, message, is_finished):
    if is_finished:
        store.finish(RUN, {})
    else:
        (store.folder(RUN) / "checkpoints").mkdir(parents=True)
        (store.folder(RUN) / "checkpoints" / "run.json").write_text("{}")
    RunStore(tmp_path, {"base-bert": IDENTITY}).check()
    with pytest.raises(UsageError, match=message):
        RunStore(tmp_path, {"base-bert": identity}).check()
    store.clear()
    RunStore(tmp_path, {"base-bert": identity}).check()


def test_a_model_without_any_run_may_change(store, tmp_path):
    RunStore(tmp_path, {"base-bert": {"recipe": "another"}}).check()


def test_a_record_of_something_else_is_refused(store):
    store.finish(RUN, {})
    (store.folder(RUN).parent / f"{RUN.part}.json").write_text("{")
    with pytest.raises(UsageError, match="expected a record of this package as JSON"):
        store.record(RUN)
