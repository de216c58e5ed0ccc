"""Recorded outputs of the released toolkit; `parity/` holds the files."""

import json
from pathlib import Path

PARITY = Path(__file__).parent / "parity"


def recorded(name: str) -> list[dict]:
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in (PARITY / name).read_text(encoding="utf-8").split("\n") if line]
