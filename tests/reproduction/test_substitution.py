import csv

import pytest

from stigma_hf.context_window import ContextWindow
from stigma_hf.lexicon import Lexicon
from stigma_hf.reproduction.substitution import neutral_text, neutral_window
from stigma_hf.tasks import RESOURCES


def table8():
    lines = (RESOURCES / "published" / "substitutions.csv").read_text(encoding="utf-8").splitlines()
    return [(row["original"], row["replacement"]) for row in csv.DictReader(lines)]


@pytest.mark.parametrize(("original", "replacement"), table8())
def test_every_pair_of_the_table_is_replaced_in_any_case(original, replacement):
    for blank in ("___", "Smith", "o'brien"):
        written = original.replace("XX", blank)
        assert neutral_text(f"x {written} y") == f"x {replacement} y"
        assert neutral_text(f"x {written.lower()} y") == f"x {replacement.lower()} y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sheila shed her heron; theme, human", "sheila shed them heron; theme, human"),
        ('"he"/she, (his)', '"they"/they, (their)'),
        ("she's her own man.", "they's them own person."),
        ("HIS WIFE said He", "THEIR PARTNER said They"),
        ("ms contin; they miss that, mr", "ms contin; they miss that, mr"),
        ("mr ___ and ms. ___'s son", "patient and patient's son"),
        ("", ""),
    ],
)
def test_whole_words_alone_are_replaced(text, expected):
    assert neutral_text(text) == expected


def test_replacing_twice_changes_nothing_more():
    text = "mr. ___ says he and his wife saw her"
    assert neutral_text(neutral_text(text)) == neutral_text(text)


def test_anchor_stays_and_is_found_where_it_was():
    window = ContextWindow("adamant", "claims", "he claims she claims that her husband claims him too")
    neutral = neutral_window(window)
    start, end = neutral.place
    assert neutral.context == "they claims they claims that them partner claims them too"
    assert neutral.context[start:end] == "claims"
    assert neutral.context[:start].count("claims") == window.context[: window.matched()[0]].count("claims") == 1


def test_an_anchor_after_a_title_is_no_surname():
    assert neutral_window(ContextWindow("adamant", "insists", "mr. insists on it")).context == "mr. insists on it"


def test_no_anchor_of_the_lexicon_is_a_word_of_the_table():
    for anchors in Lexicon.default().anchors.values():
        assert all(neutral_text(anchor) == anchor for anchor in anchors)


def test_window_without_its_anchor_is_replaced_as_a_whole():
    assert neutral_window(ContextWindow("other", "angry", "she is calm")) == ContextWindow(
        "other", "angry", "they is calm"
    )
