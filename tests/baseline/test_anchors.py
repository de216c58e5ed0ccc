import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import recorded

from stigma_hf.baseline.anchors import _maybe_negated, negated_anchor, remove_anchor
from stigma_hf.baseline.window_text import NegatedAnchor, WindowText
from stigma_hf.context_window import ContextWindow


def test_negated_anchors_are_those_of_the_released_toolkit():
    rows = recorded("negated.jsonl")
    assert [negated_anchor(row["keyword"], row["text"]) for row in rows] == [row["keyword_negated"] for row in rows]
    assert len(rows) == 416


@pytest.mark.parametrize(
    ("context", "left"),
    [
        ("", ""),
        ("claims", ""),
        ("he claims that he claims", "he that he"),
        ("reclaims claimsx", "reclaims claimsx"),
        ("he cannot claims it", "he  it"),
        ("knot claims", "k"),
        ("isn't claims, not  claims", ", not "),
        ("she claims. He", "she. He"),
        ("she claims", "she"),
        ("she (claims) it", "she () it"),
        ("she claims-like", "she-like"),
        ("she does not claims it", "she does  it"),
        ("Claims", "Claims"),
    ],
)
def test_the_anchor_is_taken_out_with_its_negation(context, left):
    assert remove_anchor(context, "claims") == left


@given(
    st.sampled_from(["claims", "non compliant", "a", "not", "(x", "x)", "x_"]),
    st.lists(st.sampled_from(["#", "#", " # ", "not", "cannot", "isn't", "n't", " ", " ", "\t", ",", ".", "x", "_"])),
)
def test_taking_out_is_one_substitution(anchor, pieces):
    context = "".join(pieces).replace("#", anchor)
    assert remove_anchor(context, anchor) == _maybe_negated(anchor).sub("", context)


def test_an_empty_anchor_takes_nothing_out():
    assert remove_anchor("he claims", "") == "he claims"


def test_an_anchor_is_text_and_no_pattern():
    assert remove_anchor("was c.p here, cap", "c.p") == "was here, cap"
    assert negated_anchor("c.p", "not cap") == "c.p"


def test_windows_become_texts_and_categories():
    windows = [ContextWindow("compliance", "compliant", "was not compliant today")]
    assert WindowText().fit_transform(windows) == ["was not compliant today"]
    assert WindowText(keep_anchor=False).fit_transform(windows) == ["was  today"]
    assert NegatedAnchor().fit_transform(windows) == [["not compliant"]]
