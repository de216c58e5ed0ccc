"""What the tests share. They open no connection: pytest-socket blocks sockets, and the hub libraries are told so."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
from transformers import pipeline

import stigma_hf
from stigma_hf.lexicon import Lexicon
from stigma_hf.search import AnchorSearch


@pytest.fixture(scope="session")
def search() -> AnchorSearch:
    return stigma_hf.AnchorSearch()


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon.default()


@pytest.fixture(scope="session")
def pipe():
    return pipeline("stigma-classification")
