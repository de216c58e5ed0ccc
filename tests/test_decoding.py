import pytest

from stigma_hf.decoding import rank_labels, rarest_first, ties_of


def test_the_most_probable_label_comes_first():
    assert rank_labels({"negative": 0.2, "neutral": 0.5, "positive": 0.3}) == ["neutral", "positive", "negative"]


@pytest.mark.parametrize(
    ("order", "ranked"),
    [
        ((), ["negative", "positive", "neutral"]),
        (("positive", "neutral", "negative"), ["positive", "negative", "neutral"]),
        (("neutral", "negative", "positive"), ["negative", "positive", "neutral"]),
    ],
)
def test_ties_go_by_the_order_given_else_by_label_order(order, ranked):
    assert rank_labels({"negative": 0.4, "neutral": 0.2, "positive": 0.4}, order) == ranked


def test_a_configuration_without_a_tie_order_has_none():
    class Config:
        labels = {"other": ["negative", "positive"]}

    assert ties_of(Config(), "other") == ()
    Config.tie_order = {"other": ["positive", "negative"]}
    assert ties_of(Config(), "other") == ["positive", "negative"]
    assert ties_of(Config(), "compliance") == ()


def test_the_rarest_label_wins_ties_and_one_that_nobody_gave_never_does():
    assert rarest_first(["a", "b", "c", "d"], {"a": 5, "b": 0, "c": 2, "d": 2}) == ["c", "d", "a", "b"]
