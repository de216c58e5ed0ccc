from pathlib import Path

import stigma_hf

PACKAGE = Path(stigma_hf.__file__).parent
ON_TOP = ("training", "cli")


def test_nothing_that_only_classifies_imports_training():
    below = [file for file in PACKAGE.rglob("*.py") if file.relative_to(PACKAGE).parts[0] not in ON_TOP]
    assert len(below) > 50
    assert not [file for file in below if "stigma_hf.training" in file.read_text(encoding="utf-8")]
