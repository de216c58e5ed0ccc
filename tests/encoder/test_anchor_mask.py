"""Which tokens are the anchor's, for every kind of tokenizer."""

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from encoder.tiny_encoders import LABELS, TOKENIZERS, config_of, tokenizer
from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.anchor_mask import nearest, runs_of, tokens_of_span
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.tokenization import WindowTokenizer

every_tokenizer = pytest.mark.parametrize("kind", TOKENIZERS)

ANCHORS = {
    "refused": "compliance",
    "adamant": "adamant",
    "drug-seeking": "other",
    "lovely gentleman": "other",
    "non-compliant": "compliance",
}


def window_tokenizer(kind, **config):
    encoder = config_of("modernbert", max_position_embeddings=10_000)
    return WindowTokenizer(tokenizer(kind), AnchorPooledConfig(encoder_config=encoder, labels=LABELS, **config))


def pooled_text(kind, window, **config):
    """The pieces of the context that the pooled tokens stand for, neighbours joined."""
    (row,) = window_tokenizer(kind, **config).encode([window])
    offsets = tokenizer(kind)(window.context, return_offsets_mapping=True)["offset_mapping"]
    pieces = []
    for place in row.anchor_tokens:
        start, end = offsets[place]
        if pieces and pieces[-1][1] == start:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
    return [window.context[start:end] for start, end in pieces]


def anchors_in(kind, context, anchor, place=None, **config):
    window = ContextWindow(ANCHORS.get(anchor, "other"), anchor, context, place)
    return [text.strip(" ") for text in pooled_text(kind, window, **config)]


CONTEXTS = [
    ("refused", "refused labs this morning"),
    ("refused", "patient refused"),
    ("refused", "refused"),
    ("refused", "the patient (refused) labs"),
    ("refused", "labs:refused;meds:taken"),
    ("refused", "she said no , refused, and left"),
    ("refused", '"refused" was written'),
    ("drug-seeking", "concern for drug-seeking behavior"),
    ("drug-seeking", "drug-seeking"),
    ("lovely gentleman", "a lovely gentleman with no complaints"),
    ("lovely gentleman", "lovely gentleman"),
    ("non-compliant", "is non-compliant."),
]


@every_tokenizer
@pytest.mark.parametrize(("anchor", "context"), CONTEXTS)
def test_exactly_the_anchor_is_pooled(kind, anchor, context):
    assert "".join(anchors_in(kind, context, anchor)).replace(" ", "") == anchor.replace(" ", "")


@every_tokenizer
def test_of_two_occurrences_the_recorded_one_is_pooled_or_both(kind):
    context = "refused labs , then refused meds"
    for start in (0, 20):
        window = ContextWindow("compliance", "refused", context, (start, start + 7))
        (row,) = window_tokenizer(kind).encode([window])
        offsets = tokenizer(kind)(context, return_offsets_mapping=True)["offset_mapping"]
        assert all(start - 1 <= offsets[place][0] < offsets[place][1] <= start + 7 for place in row.anchor_tokens)
    assert anchors_in(kind, context, "refused", occurrences="all") == ["refused", "refused"]


@every_tokenizer
def test_without_a_record_the_occurrence_nearest_to_the_middle_word_is_pooled(kind):
    context = "refused a b c d e refused f g h"
    (row,) = window_tokenizer(kind).encode([ContextWindow("compliance", "refused", context)])
    recorded = ContextWindow("compliance", "refused", context, (18, 25))
    assert window_tokenizer(kind).encode([recorded])[0].anchor_tokens == row.anchor_tokens


@every_tokenizer
@pytest.mark.parametrize("occurrences", ["matched", "all"])
def test_an_anchor_inside_a_longer_word_is_not_one(kind, occurrences):
    context = "he insists , insistsing and re-insisted , reinsists"
    assert anchors_in(kind, context, "insists", occurrences=occurrences) == ["insists"]
    window = ContextWindow("adamant", "insists", "reinsists insistsing")
    with pytest.raises(ValueError, match=r"item 0 \(task adamant\): expected the anchor 'insists' in its context"):
        window_tokenizer(kind, occurrences=occurrences).encode([window])


@every_tokenizer
def test_case_does_not_matter(kind):
    assert anchors_in(kind, "Pt REFUSED labs", "refused") == ["REFUSED"]


def test_word_pieces_find_an_anchor_at_the_beginning_of_a_longer_word_too():
    context = "claims pain , claimsman , claims"
    found = {mode: anchors_in("wordpiece", context, "claims", occurrences=mode) for mode in ("all", "all-word-pieces")}
    assert found == {"all": ["claims", "claims"], "all-word-pieces": ["claims", "claims", "claims"]}


def test_middle_word_pieces_are_those_nearest_to_the_middle():
    window = ContextWindow("adamant", "claims", "claims a b c d claims e f g")
    (row,) = window_tokenizer("wordpiece", occurrences="middle-word-pieces").encode([window])
    (both,) = window_tokenizer("wordpiece", occurrences="all-word-pieces").encode([window])
    half = len(both.anchor_tokens) // 2
    assert row.anchor_tokens == both.anchor_tokens[half:]


def test_a_lone_mark_of_a_space_is_not_the_anchors():
    row = tokenizer("unigram")("refused").encodings[0]
    assert (row.tokens[1], row.offsets[1]) == ("\u2581", (0, 1))
    assert 1 not in tokens_of_span(row.offsets, row.tokens, (0, 7))
    assert 2 in tokens_of_span(row.offsets, row.tokens, (0, 7))


def test_runs_may_overlap_and_nothing_has_none():
    assert runs_of([5, 5], [5, 5, 5]) == [range(0, 2), range(1, 3)]
    assert runs_of([], [5, 5]) == []
    assert runs_of([5, 6], [5]) == []


def test_of_two_equally_near_the_first_wins():
    assert nearest([range(1, 2), range(5, 6)], 3) == range(1, 2)


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
GLUE = st.sampled_from(["", " ", "  ", *(mark for mark in string.punctuation if mark != "_")])


@every_tokenizer
@settings(max_examples=60, deadline=None)
@given(
    anchor=st.sampled_from(sorted(ANCHORS)),
    before=st.lists(WORDS, max_size=6),
    left=GLUE,
    right=GLUE,
    after=st.lists(WORDS, max_size=6),
)
@example(anchor="refused", before=[], left="", right="", after=[])
@example(anchor="refused", before=["refused"], left=" ", right=".", after=["refused"])
@example(anchor="refused", before=["é\u0301", "\u2581", "<s>"], left=" ", right=" ", after=["</s>", "\ufdfa"])
def test_whatever_stands_around_it_exactly_the_anchor_is_pooled(kind, anchor, before, left, right, after):
    prefix = " ".join(before) + (" " if before else "") + left
    context = prefix + anchor + right + (" " if after else "") + " ".join(after)
    window = ContextWindow(ANCHORS[anchor], anchor, context, (len(prefix), len(prefix) + len(anchor)))
    (row,) = window_tokenizer(kind).encode([window])
    offsets = tokenizer(kind)(context, return_offsets_mapping=True)["offset_mapping"]
    covered = sorted({at for place in row.anchor_tokens for at in range(*offsets[place])})
    # A token may carry the space before its word.
    if covered and context[covered[0]] == " ":
        covered = covered[1:]
    inner = [at for at in range(len(prefix), len(prefix) + len(anchor)) if context[at] != " "]
    assert [at for at in covered if context[at] != " "] == inner
