import logging

import numpy as np
import pytest
import torch

from encoder.tiny_encoders import LABELS, WINDOWS, tiny_classifier, tokenizer_of
from stigma_hf.context_window import ContextWindow

TOKENIZER = tokenizer_of("bert")


@pytest.fixture
def model():
    return tiny_classifier()


@pytest.fixture
def passes(model, monkeypatch):
    """Shape of the token ids and the padding of each forward pass."""
    seen = []
    forward = model.forward

    def watched(**batch):
        seen.append((*batch["input_ids"].shape, int((batch["attention_mask"] == 0).sum())))
        return forward(**batch)

    monkeypatch.setattr(model, "forward", watched)
    return seen


def of_length(words):
    return ContextWindow("compliance", "refused", "refused" + " a" * words)


def test_answers_come_in_the_order_of_the_windows(model):
    answers = model.predict_proba(WINDOWS, TOKENIZER)
    backwards = model.predict_proba(WINDOWS[::-1], TOKENIZER)
    for window, answer, other in zip(WINDOWS, answers, backwards[::-1], strict=True):
        assert answer.shape == (len(LABELS[window.task]),)
        assert answer.dtype == np.float32
        assert np.abs(answer - other).max() < 1e-6


def test_no_windows_have_no_answers(model):
    assert model.predict_proba([], TOKENIZER) == []


def test_identical_windows_are_encoded_once(model, passes):
    repeated = [WINDOWS[0], WINDOWS[1], WINDOWS[0], WINDOWS[0], WINDOWS[1]]
    answers = model.predict_proba(repeated, TOKENIZER)
    assert sum(rows for rows, *_ in passes) == 2
    assert np.array_equal(answers[0], answers[2])
    assert not np.array_equal(answers[0], answers[1])


def test_the_same_words_about_another_anchor_are_another_window(model, passes):
    context = "refused , later refused"
    windows = [ContextWindow("compliance", "refused", context, place) for place in ((0, 7), (16, 23))]
    first, second = model.predict_proba(windows, TOKENIZER)
    assert sum(rows for rows, *_ in passes) == 2
    assert not np.array_equal(first, second)


def test_windows_of_like_length_share_a_batch(model, passes):
    model.predict_proba([of_length(words) for words in (3, 9, 3, 9)][:2] + [of_length(4), of_length(10)], TOKENIZER, 2)
    assert sum(padding for *_, padding in passes) == 2
    assert len(passes) == 2


def test_dropout_is_off_while_it_runs_and_as_it_was_afterwards(model):
    expected = model.predict_proba(WINDOWS, TOKENIZER)
    model.train()
    answers = model.predict_proba(WINDOWS, TOKENIZER)
    assert model.training
    assert model.encoders["shared"].training
    assert all(np.array_equal(a, b) for a, b in zip(answers, expected, strict=True))


def test_a_task_the_model_does_not_know_is_named(model):
    windows = [WINDOWS[0], ContextWindow("pain", "hurts", "it hurts")]
    with pytest.raises(ValueError, match="item 1: this model knows the tasks adamant, compliance, other, not 'pain'"):
        model.predict_proba(windows, TOKENIZER)


def test_an_item_is_named_by_its_place_among_all_windows(model):
    bad = ContextWindow("adamant", "claims", "not here")
    windows = [WINDOWS[0], WINDOWS[0], WINDOWS[0], bad, WINDOWS[1], bad]
    with pytest.raises(ValueError, match="item 3 "):
        model.predict_proba(windows, TOKENIZER)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to"),
    ],
)
def test_batches_are_halved_when_memory_runs_out(model, monkeypatch, caplog, error):
    forward = model.forward
    sizes = []

    def hungry(**batch):
        sizes.append(len(batch["input_ids"]))
        if sizes[-1] > 2:
            raise error
        return forward(**batch)

    expected = model.predict_proba(WINDOWS, TOKENIZER, batch_size=2)
    monkeypatch.setattr(model, "forward", hungry)
    with caplog.at_level(logging.WARNING, "stigma_hf.encoder.inference"):
        answers = model.predict_proba(WINDOWS, TOKENIZER, batch_size=6)
    assert sizes == [6, 3, 1, 1, 1, 1, 1, 1]
    assert "out of memory: going on with 1 windows per forward pass" in caplog.messages
    assert max(np.abs(a - b).max() for a, b in zip(answers, expected, strict=True)) < 1e-6


def test_memory_that_does_not_suffice_for_one_window_is_an_error(model, monkeypatch):
    def hungry(**batch):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(model, "forward", hungry)
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        model.predict_proba(WINDOWS, TOKENIZER)


def test_other_errors_of_the_device_are_not_taken_for_a_lack_of_memory(model, monkeypatch):
    passes = []

    def broken(**batch):
        passes.append(batch)
        raise RuntimeError("device-side assert triggered")

    monkeypatch.setattr(model, "forward", broken)
    with pytest.raises(RuntimeError, match="device-side assert"):
        model.predict_proba(WINDOWS, TOKENIZER)
    assert len(passes) == 1


@pytest.mark.parametrize("shared_encoder", [True, False])
def test_tasks_together_and_apart_get_the_same_answers(shared_encoder):
    model = tiny_classifier(shared_encoder=shared_encoder)
    together = model.predict_proba(WINDOWS, TOKENIZER)
    apart = [model.predict_proba([window], TOKENIZER)[0] for window in WINDOWS]
    assert max(np.abs(a - b).max() for a, b in zip(together, apart, strict=True)) < 1e-6


def test_a_batch_needs_one_encoder_only():
    model = tiny_classifier(shared_encoder=False)
    used = []
    for name, encoder in model.encoders.items():
        encoder.register_forward_hook(lambda *_, name=name: used.append(name))
    anchors = {"other": "lovely", "compliance": "refused", "adamant": "insists"}
    windows = [ContextWindow(task, word, word + " a" * words) for words in (1, 9) for task, word in anchors.items()]
    model.predict_proba(windows, TOKENIZER, batch_size=2)
    assert used == ["adamant", "compliance", "other"]
