import numpy as np
import pytest
import torch

from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks
from stigma_hf.training.data import ShuffledSpans, SpanCollator, encode_spans
from stigma_hf.training.starting_point import encoder_and_tokenizer
from training.small_spans import ENCODER, some_spans

ENCODER_CONFIG, TOKENIZER = encoder_and_tokenizer(ENCODER)
LABELS = {task: list(about.labels) for task, about in load_tasks().items()}
CONFIG = AnchorPooledConfig(encoder_config=ENCODER_CONFIG, labels=LABELS)
WEIGHTS = [[1.0, 2.0, 3.0], [1.0, 4.0, 5.0], [1.0, 6.0, 7.0, 8.0]]


def shuffled(number=61, **settings):
    rows = encode_spans(some_spans(number), TOKENIZER, CONFIG)
    given = {"windows_per_update": 8, "parts": 1, "seed": 0, "group_by_length": True, **settings}
    return rows, ShuffledSpans(rows, WEIGHTS, **given)


def places(rows, shuffled_rows):
    numbers = {id(row.window): place for place, row in enumerate(rows)}
    return [numbers[id(shuffled_rows[i].window)] for i in range(len(shuffled_rows))]


def test_spans_are_lists_of_numbers_with_the_longest_first():
    spans = some_spans(30)
    rows = encode_spans(spans, TOKENIZER, CONFIG)
    assert sorted((row.task_id, row.label) for row in rows) == sorted(
        (list(LABELS).index(window.task), LABELS[window.task].index(label))
        for window, label in zip(spans.windows, spans.labels, strict=True)
    )
    lengths = [len(row.window.input_ids) for row in rows]
    assert lengths == sorted(lengths, reverse=True)
    assert all(isinstance(row.window.input_ids, list) and row.loss_weight is None for row in rows)


def test_a_batch_holds_what_the_model_takes_padded_to_its_longest():
    rows = encode_spans(some_spans(5), TOKENIZER, CONFIG)
    batch = SpanCollator(pad_id=9)(rows)
    assert set(batch) == {
        "input_ids",
        "attention_mask",
        "anchor_mask",
        "special_tokens_mask",
        "task_ids",
        "labels",
    }
    assert batch["input_ids"].shape == (5, len(rows[0].window.input_ids))
    for i, row in enumerate(rows):
        length = len(row.window.input_ids)
        assert batch["input_ids"][i].tolist() == row.window.input_ids + [9] * (batch["input_ids"].shape[1] - length)
        assert batch["anchor_mask"][i].nonzero().flatten().tolist() == row.window.anchor_tokens
        assert batch["attention_mask"][i].sum() == length
    assert batch["task_ids"].tolist() == [row.task_id for row in rows]
    assert batch["labels"].tolist() == [row.label for row in rows]


@pytest.mark.parametrize("group_by_length", [True, False])
def test_every_epoch_has_each_span_once_in_another_order(group_by_length):
    rows, epochs = shuffled(group_by_length=group_by_length)
    orders = []
    for epoch in range(3):
        epochs.set_epoch(epoch)
        order = places(rows, epochs)
        assert len(order) == 64
        assert sorted(order[:61]) == list(range(61))
        orders.append(order)
    assert orders[0] != orders[1] != orders[2]
    epochs.set_epoch(1)
    assert places(rows, epochs) == orders[1]


def test_the_order_is_the_same_however_an_update_is_divided():
    rows, whole = shuffled()
    _, halves = shuffled(parts=2)
    assert [row.window.input_ids for row in whole] == [row.window.input_ids for row in halves]


def test_another_seed_is_another_order():
    rows, first = shuffled()
    second = ShuffledSpans(rows, WEIGHTS, windows_per_update=8, parts=1, seed=1, group_by_length=True)
    assert places(rows, first) != places(rows, second)


def test_windows_of_like_length_share_an_update():
    def padding(shuffled_rows):
        lengths = np.array([len(row.window.input_ids) for row in shuffled_rows]).reshape(-1, 8)
        return (lengths.max(axis=1, keepdims=True) - lengths).sum()

    assert padding(shuffled(240)[1]) < 0.5 * padding(shuffled(240, group_by_length=False)[1])


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_loss_weights_are_class_weights_as_shares_of_an_update(parts):
    _, epoch = shuffled(parts=parts)
    weights = np.array([row.loss_weight for row in epoch]).reshape(-1, 8)
    np.testing.assert_allclose(weights.sum(axis=1), parts, rtol=1e-6)
    classes = np.array([WEIGHTS[row.task_id][row.label] for row in epoch]).reshape(-1, 8)
    np.testing.assert_allclose(weights[0], parts * classes[0] / classes[0].sum(), rtol=1e-6)


def test_the_last_update_of_an_epoch_is_filled_up_with_windows_that_count_nothing():
    _, epoch = shuffled(61)
    assert [row.loss_weight for row in epoch][61:] == [0, 0, 0]
    assert all(epoch[i].loss_weight > 0 for i in range(61))


def test_fewer_spans_than_an_update_fill_one_update():
    _, epoch = shuffled(3)
    assert len(epoch) == 8
    assert sum(row.loss_weight > 0 for row in epoch) == 3
    batch = SpanCollator(0)([epoch[i] for i in range(8)])
    assert batch["loss_weights"].dtype == torch.float32
    assert batch["loss_weights"].sum() == pytest.approx(1)


WINDOW = ContextWindow("adamant", "claims", "he claims pain")


@pytest.mark.parametrize(
    ("window", "label", "message"),
    [
        (
            WINDOW,
            "neutral",
            "item 1: expected a label of adamant among difficult, disbelief, exclude, found 'neutral'",
        ),
        (ContextWindow("mood", "sad", "so sad"), "sad", "item 1: expected a task among adamant, .*, found 'mood'"),
        (ContextWindow("adamant", "claims", "he is well"), "exclude", "item 1 .*expected the anchor .*in its context"),
    ],
)
def test_spans_that_the_model_cannot_learn_from_are_refused_with_their_place(window, label, message):
    spans = LabelledWindows([WINDOW, window], ["exclude", label])
    with pytest.raises(UsageError, match=message):
        encode_spans(spans, TOKENIZER, CONFIG)


def test_a_window_longer_than_the_encoder_is_cut_around_its_anchor():
    long = ContextWindow("adamant", "claims", f"{'pain ' * 80} he claims {'pain ' * 80}")
    (row,) = encode_spans(LabelledWindows([long], ["exclude"]), TOKENIZER, CONFIG)
    assert len(row.window.input_ids) <= ENCODER["max_position_embeddings"]
    claims = TOKENIZER.convert_tokens_to_ids("claims")
    assert [row.window.input_ids[place] for place in row.window.anchor_tokens] == [claims]
