import json

import pytest
import torch

from stigma_hf.errors import UsageError
from stigma_hf.training.resume import check_same_run, newest_checkpoint


def checkpoint(folder, number, state="{}", **files):
    made = folder / f"checkpoint-{number}"
    made.mkdir()
    if state is not None:
        (made / "trainer_state.json").write_text(state)
    for name in ("optimizer.pt", "rng_state.pth"):
        torch.save(torch.zeros(3), made / name)
    return made


def test_the_newest_complete_checkpoint_is_found(tmp_path):
    checkpoint(tmp_path, 50)
    expected = checkpoint(tmp_path, 100)
    checkpoint(tmp_path, 150, state=None)
    checkpoint(tmp_path, 200, state='{"epoch": 1.')
    (checkpoint(tmp_path, 250) / "optimizer.pt").write_bytes(b"PK\x03\x04 cut off")
    (tmp_path / "model").mkdir()
    assert newest_checkpoint(tmp_path) == expected


def test_checkpoints_are_numbered_and_not_spelled(tmp_path):
    checkpoint(tmp_path, 900)
    assert newest_checkpoint(tmp_path).name == "checkpoint-900"
    checkpoint(tmp_path, 1000)
    assert newest_checkpoint(tmp_path).name == "checkpoint-1000"


def test_a_folder_without_a_complete_checkpoint_has_none(tmp_path):
    assert newest_checkpoint(tmp_path / "nothing") is None
    checkpoint(tmp_path, 50, state=None)
    assert newest_checkpoint(tmp_path) is None


RUN = {"seed": 42, "training": {"learning_rate": 5e-5}, "spans": {"train": {"sha256": "a"}}, "tasks": ["adamant"]}


def test_the_same_run_is_gone_on_with(tmp_path):
    check_same_run(json.loads(json.dumps(RUN)), {**RUN, "tasks": ("adamant",)}, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "seed was 42, now 1"),
        ({"training": {"learning_rate": 1e-4}}, "training.learning_rate was 5e-05, now 0.0001"),
        ({"training": {**RUN["training"], "optim": "sgd"}}, "training.optim was None, now 'sgd'"),
        ({"spans": {"train": {"sha256": "b"}}}, "spans.train.sha256 was 'a', now 'b'"),
        ({"tasks": []}, r"tasks was \['adamant'\], now \[\]"),
    ],
)
def test_another_run_is_refused_with_what_differs(tmp_path, change, message):
    with pytest.raises(UsageError, match=f"was begun with another training: {message}; give what it was begun with"):
        check_same_run(RUN, {**RUN, **change}, tmp_path)
