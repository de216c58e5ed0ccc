"""Masks and probabilities of the released toolkit, as recorded for a small BERT that its own script trained."""

import json
import tarfile
from functools import cache

import numpy as np
import pytest
import torch
from recordings import PARITY, recorded
from transformers import AutoConfig

from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.pretrained import load_tokenizer
from stigma_hf.encoder.tokenization import WindowTokenizer

BERT = PARITY / "bert"
TASKS = ("adamant", "compliance", "other")

# What the toolkit calls its variants, and what they are here.
VARIANTS = {
    "keyword_all": {"pooling": "anchor", "occurrences": "all-word-pieces"},
    "keyword": {"pooling": "anchor", "occurrences": "middle-word-pieces"},
    "cls": {"pooling": "cls"},
    "all_no_special": {"pooling": "mean"},
    "pooler": {"pooling": "pooler"},
}

# The recorded numbers are themselves rounded: in double precision the same weights are up to 1e-6 away from them.
TOLERANCE = 5e-6


@cache
def expected(name, task):
    return json.loads((BERT / name).read_text(encoding="utf-8"))[task]


def windows_of(spans, task, ids):
    rows = {row["id"]: row for row in recorded(f"baseline/{spans}") if row["task"] == task}
    return [ContextWindow(task, rows[i]["keyword"], rows[i]["text"]) for i in ids]


@cache
def tokenizer():
    return load_tokenizer(str(BERT / "encoder"))


def configuration(task, variant):
    encoder = AutoConfig.from_pretrained(BERT / "encoder")
    return AnchorPooledConfig(
        encoder_config=encoder, labels={task: expected("expected.json", task)["labels"]}, **VARIANTS[variant]
    )


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    with tarfile.open(BERT / "checkpoints.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    files = {task: next(folder.glob(f"*/{task}_fold-0/*/model.pth")) for task in TASKS}
    return {task: torch.load(file, weights_only=True) for task, file in files.items()}


def model_of(weights, task, variant):
    """The released weights under our names; the label order is the alphabetical one."""
    record = expected("expected.json", task)
    model = AnchorPooledClassifier(configuration(task, variant)).eval()
    rows = [record["head_order"].index(label) for label in record["labels"]]
    named = {}
    for name, weight in weights[task].items():
        if name.startswith("_classifier"):
            named[f"heads.{task}.{name.rpartition('.')[2]}"] = weight[rows]
        elif not name.endswith("position_ids") and ("pooler" not in name or variant == "pooler"):
            named[name.replace("_bert._bert", "encoders.shared", 1)] = weight
    model.load_state_dict(named, strict=True)
    return model


def recorded_probabilities(record, variant):
    return np.array(
        (record if variant == "keyword_all" else record["variants"][variant])["probabilities"], dtype=float
    )


@pytest.mark.parametrize("task", TASKS)
def test_token_ids_are_the_released_ones(task):
    record = expected("expected.json", task)
    rows = WindowTokenizer(tokenizer(), configuration(task, "keyword_all")).encode(
        windows_of("unseen.jsonl", task, record["ids"])
    )
    assert len(rows) > 100
    # The recorded ones are padded.
    for row, ids in zip(rows, record["input_ids"], strict=True):
        assert row.input_ids == ids[: len(row.input_ids)]
        assert not any(ids[len(row.input_ids) :])


@pytest.mark.parametrize("variant", ["keyword_all", "keyword"])
@pytest.mark.parametrize("task", TASKS)
def test_anchor_masks_are_the_released_ones(task, variant):
    record = expected("expected.json", task)
    masks = record["mask"] if variant == "keyword_all" else record["variants"][variant]["mask"]
    rows = WindowTokenizer(tokenizer(), configuration(task, variant)).encode(
        windows_of("unseen.jsonl", task, record["ids"])
    )
    for row, mask in zip(rows, masks, strict=True):
        assert row.anchor_tokens == [place for place, is_anchor in enumerate(mask) if is_anchor]


def test_the_recordings_hold_anchors_inside_longer_words():
    """Without these the released search could not be told from a search for whole words."""
    differing = 0
    for task in TASKS:
        windows = windows_of("unseen.jsonl", task, expected("expected.json", task)["ids"])
        pieces = WindowTokenizer(tokenizer(), configuration(task, "keyword_all")).encode(windows)
        whole_words = configuration(task, "keyword_all")
        whole_words.occurrences = "all"
        for window, row in zip(windows, pieces, strict=True):
            try:
                (other,) = WindowTokenizer(tokenizer(), whole_words).encode([window])
            except ValueError:
                differing += 1
            else:
                differing += row.anchor_tokens != other.anchor_tokens
    assert differing >= 3


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("task", TASKS)
def test_probabilities_are_the_released_ones(weights, task, variant):
    record = expected("expected.json", task)
    windows = windows_of("unseen.jsonl", task, record["ids"])
    answers = np.stack(model_of(weights, task, variant).predict_proba(windows, tokenizer(), batch_size=16))
    assert np.abs(answers - recorded_probabilities(record, variant)).max() < TOLERANCE


@pytest.mark.parametrize("task", TASKS)
def test_odd_windows_are_as_released_and_where_it_had_no_number_an_error(weights, task):
    record = expected("expected_odd.json", task)
    model = model_of(weights, task, "keyword_all")
    n_errors = 0
    for window, row in zip(
        windows_of("unseen_odd.jsonl", task, record["ids"]), recorded_probabilities(record, "keyword_all"), strict=True
    ):
        if np.isnan(row).any():
            n_errors += 1
            with pytest.raises(ValueError, match=rf"item 0 \(task {task}\): expected the anchor .* in its context"):
                model.predict_proba([window], tokenizer())
        else:
            (answer,) = model.predict_proba([window], tokenizer())
            assert np.abs(answer - row).max() < TOLERANCE
    assert 0 < n_errors < len(record["ids"])
