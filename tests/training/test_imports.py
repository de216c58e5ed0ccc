import subprocess
import sys
from pathlib import Path

import stigma_hf

PACKAGE = Path(stigma_hf.__file__).parent
ON_TOP = ("training", "cards", "reproduction", "cli")
"""What trains, what describes how a model was trained, and what calls them."""


def test_nothing_that_only_classifies_imports_training():
    below = [file for file in PACKAGE.rglob("*.py") if file.relative_to(PACKAGE).parts[0] not in ON_TOP]
    assert len(below) > 50
    assert not [file for file in below if "stigma_hf.training" in file.read_text(encoding="utf-8")]


def test_labelling_a_note_loads_nothing_that_trains():
    code = (
        "import sys, stigma_hf\n"
        "from transformers import pipeline\n"
        "assert pipeline('stigma-classification')('She insists.')\n"
        f"print([name for name in sys.modules if name.split('.')[:2] in {[['stigma_hf', top] for top in ON_TOP]}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
