"""The README does what it says: every snippet is run, and prints what stands below it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
PYTHON = [(code, BLOCKS[i + 1][1]) for i, (language, code) in enumerate(BLOCKS) if language == "python"]
COMMANDS = [
    line
    for language, code in BLOCKS
    if language == "bash"
    for line in code.splitlines()
    if line.startswith("stigma-hf ")
]


def test_readme_opens_with_the_two_commands_that_continuous_integration_runs():
    (first, main), (second, tests) = BLOCKS[:2]
    assert first == second == "bash"
    assert main.strip().endswith("stigma-hf quickstart")
    assert tests.strip().endswith("pytest")
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize(("code", "output"), PYTHON, ids=range(len(PYTHON)))
def test_python_snippets_print_what_the_readme_shows(code, output):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == output


def test_command_line_snippets_run_as_printed(tmp_path):
    assert len(COMMANDS) >= 4
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("She refused.")
    (tmp_path / "notes.csv").write_text("note_id,text\n1,She refused.\n")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in COMMANDS:
        done = subprocess.run(command.split(), cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
    assert {"matches.jsonl", "spans.parquet"} <= {path.name for path in tmp_path.iterdir()}
