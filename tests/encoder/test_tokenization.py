import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from encoder.tiny_encoders import LABELS, TOKENIZERS, WINDOWS, config_of, tokenizer
from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.tokenization import EncodedWindow, WindowTokenizer, max_length_tokens, pad

every_tokenizer = pytest.mark.parametrize("kind", TOKENIZERS)


def make_config(family="modernbert", positions=10_000, **config):
    encoder = config_of(family, max_position_embeddings=positions)
    return AnchorPooledConfig(encoder_config=encoder, labels=LABELS, **config)


def encode(windows, kind="wordpiece", **config):
    return WindowTokenizer(tokenizer(kind), make_config(**config)).encode(windows)


@every_tokenizer
def test_windows_are_encoded_in_order_with_their_special_tokens(kind):
    rows = encode(WINDOWS, kind)
    for window, row in zip(WINDOWS, rows, strict=True):
        assert row.input_ids == tokenizer(kind)(window.context)["input_ids"]
        assert row.special_tokens == [0, len(row.input_ids) - 1]


def test_no_windows_are_no_rows():
    assert encode([]) == []


def test_other_poolings_mark_no_anchor_and_need_none():
    window = ContextWindow("adamant", "claims", "the anchor is not here")
    for pooling in ("cls", "mean", "pooler"):
        (row,) = encode([window], pooling=pooling)
        assert row.anchor_tokens == []


@pytest.mark.parametrize("occurrences", ["matched", "all", "all-word-pieces", "middle-word-pieces"])
@pytest.mark.parametrize("context", ["the anchor is not here", ""])
def test_a_window_without_its_anchor_is_named_by_its_place(occurrences, context):
    windows = [*WINDOWS[:2], ContextWindow("adamant", "claims", context)]
    with pytest.raises(ValueError, match=r"item 2 \(task adamant\): expected the anchor 'claims' in its context"):
        encode(windows, occurrences=occurrences)


@pytest.mark.parametrize(("kind", "context"), [("wordpiece", "  "), *((kind, "") for kind in TOKENIZERS)])
def test_a_mean_of_no_words_is_refused_by_its_place(kind, context):
    windows = [WINDOWS[0], ContextWindow("other", "lovely", context)]
    with pytest.raises(ValueError, match=r"item 1 \(task other\): expected a context with words to pool, found an em"):
        encode(windows, kind, pooling="mean")


def test_an_empty_context_has_a_first_token_all_the_same():
    (row,) = encode([ContextWindow("other", "lovely", "")], pooling="cls")
    assert len(row.input_ids) == 2


def test_items_can_be_called_by_other_places():
    windows = WindowTokenizer(tokenizer("wordpiece"), make_config())
    with pytest.raises(ValueError, match="item 41 "):
        windows.encode([WINDOWS[0], ContextWindow("adamant", "claims", "not here")], places=[7, 41])


def test_errors_hold_no_text_of_the_context():
    with pytest.raises(ValueError) as caught:
        encode([ContextWindow("adamant", "claims", "john doe lives in springfield")])
    assert "john" not in str(caught.value)


@every_tokenizer
@settings(max_examples=60, deadline=None)
@given(
    before=st.integers(0, 60),
    after=st.integers(0, 60),
    room=st.integers(0, 12),
    anchor=st.sampled_from(["refused", "lovely gentleman", "non-compliant"]),
    twice=st.booleans(),
    occurrences=st.sampled_from(["matched", "all"]),
)
def test_cutting_never_takes_the_anchor(kind, before, after, room, anchor, twice, occurrences):
    prefix = "wife and pain " * before
    context = prefix + anchor + " was seen ," * after + (f" {anchor} again" if twice else "")
    window = ContextWindow("other", anchor, context, (len(prefix), len(prefix) + len(anchor)))
    (whole,) = encode([window], kind)
    smallest = whole.anchor_tokens[-1] + 1 - whole.anchor_tokens[0] + 2
    (row,) = encode([window], kind, max_length_tokens=smallest + room, occurrences=occurrences)
    assert len(row.input_ids) == min(len(whole.input_ids), smallest + room)
    assert row.special_tokens == [0, len(row.input_ids) - 1]
    anchor_ids = [whole.input_ids[place] for place in whole.anchor_tokens]
    kept_ids = [row.input_ids[place] for place in row.anchor_tokens]
    if occurrences == "matched":
        assert kept_ids == anchor_ids
    else:
        assert any(kept_ids[i : i + len(anchor_ids)] == anchor_ids for i in range(len(kept_ids)))
    # What is kept is one piece of the whole.
    words = row.input_ids[1:-1]
    assert any(whole.input_ids[i : i + len(words)] == words for i in range(1, len(whole.input_ids)))


@every_tokenizer
def test_a_window_is_cut_evenly_around_its_anchor(kind):
    context = "pain " * 50 + "refused" + " pain" * 50
    (row,) = encode([ContextWindow("compliance", "refused", context)], kind, max_length_tokens=24)
    left, right = row.anchor_tokens[0] - 1, len(row.input_ids) - 2 - row.anchor_tokens[-1]
    assert abs(left - right) <= 1


@every_tokenizer
def test_of_several_occurrences_the_recorded_one_stays(kind):
    prefix = "refused " + "pain " * 50
    context = prefix + "refused" + " pain" * 50 + " refused"
    window = ContextWindow("compliance", "refused", context, (len(prefix), len(prefix) + 7))
    (row,) = encode([window], kind, max_length_tokens=24, occurrences="all")
    left, right = row.anchor_tokens[0] - 1, len(row.input_ids) - 2 - row.anchor_tokens[-1]
    assert abs(left - right) <= 1


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_other_poolings_keep_what_is_around_the_anchor_too(pooling):
    context = "pain " * 50 + "refused" + " pain" * 50
    windows = [ContextWindow("compliance", "refused", context), ContextWindow("compliance", "absent", context)]
    around, beginning = encode(windows, pooling=pooling, max_length_tokens=12)
    wanted = tokenizer("wordpiece")("refused", add_special_tokens=False)["input_ids"]
    assert set(wanted) <= set(around.input_ids)
    assert beginning.input_ids[:-1] == tokenizer("wordpiece")(context)["input_ids"][:11]


@pytest.mark.parametrize("occurrences", ["all-word-pieces", "middle-word-pieces"])
def test_word_pieces_inside_a_longer_word_survive_cutting(occurrences):
    context = "pain " * 50 + "claimsman" + " pain" * 20
    (row,) = encode([ContextWindow("adamant", "claims", context)], occurrences=occurrences, max_length_tokens=10)
    pieces = tokenizer("wordpiece").convert_ids_to_tokens([row.input_ids[i] for i in row.anchor_tokens])
    assert "".join(pieces).replace("##", "") == "claims"


def test_an_anchor_that_does_not_fit_is_named():
    with pytest.raises(
        ValueError, match="item 1 .* an anchor that fits in 3 tokens, found .* raise max_length_tokens"
    ):
        encode([ContextWindow("other", "a", "a"), WINDOWS[4]], max_length_tokens=3)


def test_a_length_for_special_tokens_alone_is_refused():
    for pooling in ("anchor", "mean", "cls"):
        with pytest.raises(ValueError, match="item 0 .* 2 special ones; raise max_length_tokens"):
            encode([WINDOWS[0]], pooling=pooling, max_length_tokens=2)


def test_windows_that_were_cut_are_counted(caplog):
    with caplog.at_level(logging.WARNING, "stigma_hf"):
        encode(WINDOWS, max_length_tokens=20)
    assert caplog.messages == ["4 of 6 windows were longer than 20 tokens and were cut on both sides of the anchor"]
    caplog.clear()
    encode(WINDOWS)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("family", "asked", "allowed"),
    [
        ("bert", None, 100),
        ("bert", 30, 30),
        ("bert", 3000, 100),
        ("roberta", None, 98),
        ("mpnet", None, 98),
        ("modernbert", None, 100),
    ],
)
def test_configuration_tokenizer_and_encoder_each_limit_the_length(family, asked, allowed):
    config = make_config(family, positions=100, max_length_tokens=asked)
    assert max_length_tokens(tokenizer("wordpiece"), config) == allowed
    short = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer("wordpiece").backend_tokenizer, pad_token="<pad>", model_max_length=25
    )
    assert max_length_tokens(short, config) == 25


def test_nothing_is_cut_where_nothing_is_limited():
    config = make_config()
    config.encoder_config.max_position_embeddings = -1
    unlimited = PreTrainedTokenizerFast(tokenizer_object=tokenizer("wordpiece").backend_tokenizer, pad_token="<pad>")
    (row,) = WindowTokenizer(unlimited, config).encode([ContextWindow("other", "a", "a " * 5000)])
    assert len(row.input_ids) == 5002


class SlowTokenizer:
    is_fast = False


def test_a_tokenizer_that_cannot_serve_is_refused():
    config = make_config()
    with pytest.raises(ValueError, match="expected the tokenizer of the model, found none; save it"):
        WindowTokenizer(None, config)
    with pytest.raises(ValueError, match="expected a fast tokenizer, .* found SlowTokenizer"):
        WindowTokenizer(SlowTokenizer(), config)
    unpadded = PreTrainedTokenizerFast(tokenizer_object=tokenizer("wordpiece").backend_tokenizer)
    with pytest.raises(ValueError, match="expected a tokenizer with a padding token"):
        WindowTokenizer(unpadded, config)
    config.encoder_config.vocab_size = 100
    with pytest.raises(ValueError, match="the encoder, which knows 100 tokens, found one of [0-9]+; load both from"):
        WindowTokenizer(tokenizer("wordpiece"), config)


def test_a_tokenizer_whose_files_are_missing_is_refused():
    from transformers import BertTokenizer

    with pytest.raises(ValueError, match="expected a tokenizer with a vocabulary, found one of 5 tokens"):
        WindowTokenizer(BertTokenizer(), make_config())


def test_batches_are_padded_on_the_right():
    rows = [EncodedWindow([5, 6, 7, 8], [1, 2], [0, 3]), EncodedWindow([5, 9], [1], [0])]
    batch = pad(rows, pad_id=1)
    assert {name: array.tolist() for name, array in batch.items()} == {
        "input_ids": [[5, 6, 7, 8], [5, 9, 1, 1]],
        "attention_mask": [[1, 1, 1, 1], [1, 1, 0, 0]],
        "anchor_mask": [[0, 1, 1, 0], [0, 1, 0, 0]],
        "special_tokens_mask": [[1, 0, 0, 1], [1, 0, 0, 0]],
    }
    assert all(array.dtype == np.int64 for array in batch.values())
