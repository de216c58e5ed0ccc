import doctest
from importlib import import_module
from pathlib import Path

import pytest

import stigma_hf

PACKAGE = Path(stigma_hf.__file__).parent
MODULES = sorted(
    ".".join(["stigma_hf", *path.relative_to(PACKAGE).with_suffix("").parts])
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_give_what_they_show(module):
    results = doctest.testmod(import_module(module))
    assert results.attempted > 0
    assert results.failed == 0
