import json
import re

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from stigma_hf.cli.reproduce import app


def run(*arguments):
    result = CliRunner(env={"COLUMNS": "100"}).invoke(app, [*map(str, arguments)])
    result.plain = re.sub(r"\x1b\[[0-9;]*m", "", result.output)
    result.flat = " ".join(result.plain.split())
    return result


def test_table1_is_made_by_several_processes_and_gone_on_with(data, tmp_path):
    arguments = ("table1", "--data", data, "--out", tmp_path, "--device", "cpu", "--workers", 2)
    arguments += ("--only", "majority-overall", "--only", "base-bert", "--encoder", "base=nobody/none")
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    for part in (
        "0 of 15 runs are finished already",
        "15 of 15 runs",
        "SYNTHETIC",
        "Majority Overall",
        "0.17\u00b10.00",
    ):
        assert part in result.flat
    assert "base-bert: not run: nobody/none: no encoder" in result.flat
    assert max(len(line) for line in result.plain.splitlines() if "\u00b1" in line) <= 100
    assert "\u2026" not in result.plain
    assert f"wrote {tmp_path / 'table1.json'}, {tmp_path / 'table1.md'}" in result.plain.replace("\n", " ")
    figures = json.loads((tmp_path / "table1.json").read_text())["rows"]
    result = run(*arguments)
    assert "15 of 15 runs are finished already" in result.flat
    assert json.loads((tmp_path / "table1.json").read_text())["rows"] == figures


def test_learning_curves_are_printed_and_drawn(data, tmp_path, jobs_done):
    result = run("learning-curve", "--data", data, "--out", tmp_path, "--share", 1, "--share", 0.5, "--draws", 1)
    assert result.exit_code == 0, result.output
    for part in ("SYNTHETIC", "training patients", "Majority Per Anchor", "\u00b10.00", "learning-curve.svg"):
        assert part in result.flat


def test_a_folder_that_another_process_writes_to_is_refused(data, tmp_path):
    with FileLock(tmp_path / ".lock"):
        result = run("table1", "--data", data, "--out", tmp_path)
    assert result.exit_code == 1
    assert "another process is writing to this folder" in result.flat


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--encoder", "bert"), "expected --encoder base=FOLDER_OR_ID"),
        (("--only", "bert"), "expected rows among baselines, encoders"),
        (("--size", "tiny", "--encoder", "base=x"), "expected no encoders with the size tiny"),
    ],
)
def test_mistakes_are_one_message(data, tmp_path, arguments, message):
    result = run("table1", "--data", data, "--out", tmp_path / "out", *arguments)
    assert result.exit_code == 1
    assert message in result.flat and "Traceback" not in result.output
    assert not (tmp_path / "out").exists()
