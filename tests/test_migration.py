"""The migration page does what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stigma_hf.released_models import RELEASED_MODELS

PAGE = Path(__file__).parents[1] / "docs" / "migration.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="needs a checkout")


def test_the_page_names_every_released_model_and_its_folder():
    text = PAGE.read_text(encoding="utf-8")
    for model in RELEASED_MODELS:
        assert f"| `{model.name}` | {model.title} | `{model.archive}` |" in text


def test_the_search_snippet_prints_what_is_shown():
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (code,) = [code for language, code in blocks if language == "python" and "AnchorSearch" in code]
    (shown,) = [output for language, output in blocks if language == "text"]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == shown


def test_every_command_on_the_page_is_one():
    from typer.testing import CliRunner

    from stigma_hf.cli import app

    said = CliRunner().invoke(app, ["--help"]).output
    for name in set(re.findall(r"stigma-hf ([a-z-]+)", PAGE.read_text(encoding="utf-8"))):
        assert re.search(rf"\b{name}\b", said), name
