"""The README does what it says: every snippet is run in its order, in one folder, and prints what stands below it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
SNIPPETS = [
    (language, code, output if shown == "text" else None)
    for (language, code), (shown, output) in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True)
    if language in ("bash", "python")
]
SET_UP = 2


def test_readme_opens_with_the_two_commands_that_continuous_integration_runs():
    (first, main, _), (second, tests, _) = SNIPPETS[:SET_UP]
    assert first == second == "bash"
    assert main.strip().endswith("stigma-hf quickstart")
    assert tests.strip().endswith("pytest")
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files that the snippets take for granted."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "notes").mkdir()
    (folder / "notes" / "a.txt").write_text("She refused.")
    (folder / "notes.csv").write_text("note_id,text\n1,She refused.\n")
    return folder


@pytest.mark.parametrize(("language", "code", "output"), SNIPPETS[SET_UP:], ids=range(len(SNIPPETS) - SET_UP))
def test_snippets_run_as_printed_and_print_what_is_shown(folder, language, code, output):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-euc", code] if language == "bash" else [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if output is not None:
        assert done.stdout == output
