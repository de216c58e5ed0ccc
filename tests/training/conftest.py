import pytest
import torch
from transformers.utils import logging

from stigma_hf.training.train_encoder import train_encoder
from training.small_spans import all_splits, small_recipe


@pytest.fixture(autouse=True, scope="session")
def _quiet_and_small():
    """Tiny models are fastest on one thread; transformers keeps its progress bars to itself."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def splits():
    return all_splits()


@pytest.fixture(scope="session")
def trained(splits, tmp_path_factory):
    """The folder of a model that the small recipe trained in one go."""
    out = tmp_path_factory.mktemp("trained") / "model"
    return train_encoder(small_recipe(), splits, out, provenance={"source": "synthetic"}, device="cpu")
