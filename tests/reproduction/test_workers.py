import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reproduction import jobs
from stigma_hf.reproduction import workers
from stigma_hf.reproduction.workers import Workers, share_out, visible_gpus

SECRET = "zebrafinch"


def test_jobs_are_shared_out_and_a_dead_worker_costs_one(monkeypatch):
    monkeypatch.setattr(workers, "visible_gpus", lambda: ["5", "GPU-a"])
    given = [("where", 0), ("where", 1), ("fail", SECRET), ("die", 7), ("double", 1), ("double", 2)]
    outcomes = {outcome.job: outcome for outcome in share_out(given, jobs.do, Workers(threads=1))}
    assert list(sorted(outcomes)) == sorted(given)
    assert {outcomes["where", place].result[0] for place in (0, 1)} == {"5", "GPU-a"}
    assert all(outcomes["where", place].result[1:] == (1, "1") for place in (0, 1))
    assert [outcomes["double", value].result for value in (1, 2)] == [2, 4]
    assert "KeyError" in outcomes["fail", SECRET].problem and SECRET not in outcomes["fail", SECRET].problem
    assert "the worker process died (exit status 7)" in outcomes["die", 7].problem
    assert [outcome.problem for job, outcome in outcomes.items() if job[0] in ("where", "double")] == [None] * 4


def test_there_is_a_worker_for_each_gpu_unless_a_number_is_given(monkeypatch):
    monkeypatch.setattr(workers, "visible_gpus", lambda: ["0", "1"])
    assert Workers().places() == ["0", "1"]
    assert Workers(3).places() == ["0", "1", "0"]
    assert Workers(1).places() == ["0"]
    assert Workers(device="cpu").places() == [None]
    monkeypatch.setattr(workers, "visible_gpus", list)
    assert Workers().places() == [None]
    assert Workers(2).places() == [None, None]


@pytest.mark.parametrize(
    ("named", "count", "expected"),
    [(None, 2, ["0", "1"]), ("3,7", 2, ["3", "7"]), ("", 0, []), ("GPU-a", 1, ["GPU-a"]), (None, 0, [])],
)
def test_gpus_have_the_names_of_the_environment(monkeypatch, named, count, expected):
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == expected


def test_a_worker_ends_with_the_process_that_started_it(tmp_path):
    file = tmp_path / "pid"
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(tests)}
    started = subprocess.Popen([sys.executable, "-m", "reproduction.jobs", str(file)], env=environment)
    try:
        _wait_until(lambda: file.is_file() and file.read_text())
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
    worker = int(file.read_text())
    _wait_until(lambda: not _is_alive(worker))


def _wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that nobody has asked about its end is still in the table, as a zombie.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
