"""What the tests share. They open no connection: pytest-socket blocks sockets, and the hub libraries are told so."""

import json
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
from transformers import pipeline

import stigma_hf
from stigma_hf.lexicon import Lexicon
from stigma_hf.search import AnchorSearch

PARITY = Path(__file__).parent / "parity"


def recorded(name: str) -> list[dict]:
    """The rows of a file of recorded outputs of the released toolkit."""
    return [json.loads(line) for line in (PARITY / name).read_text(encoding="utf-8").split("\n") if line]


@pytest.fixture(scope="session")
def search() -> AnchorSearch:
    return stigma_hf.AnchorSearch()


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon.default()


@pytest.fixture(scope="session")
def pipe():
    return pipeline("stigma-classification")
