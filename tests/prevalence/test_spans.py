import numpy as np
import pytest

from stigma_hf.errors import UsageError
from stigma_hf.prevalence.spans import UNKNOWN, CorpusSpans

COLUMNS = {
    "anchors": ["refused", "declined", "refused"],
    "patients": ["p2", "p1", "p2"],
    "predicted": ["negative", "neutral", "neutral"],
    "gold": [None, "neutral", "negative"],
}


def spans(**changes):
    return CorpusSpans.from_columns("compliance", ["negative", "neutral"], **(COLUMNS | changes))


def test_columns_become_numbers_with_their_names():
    made = spans(groups={"sex": ["F", None, "F"]})
    assert made.anchors == ("refused", "declined")
    assert made.anchor.tolist() == [0, 1, 0]
    assert made.patient.tolist() == made.note.tolist() == [0, 1, 0]
    assert made.gold.tolist() == [UNKNOWN, 1, 0]
    assert made.probabilities.tolist() == [[1, 0], [0, 1], [0, 1]]
    assert made.groups["sex"].names == ("F",)
    assert made.groups["sex"].codes.tolist() == [0, UNKNOWN, 0]


def test_a_label_counts_for_every_repeat_of_its_text():
    texts = ["he refused", "she declined", "he refused"]
    assert spans(texts=texts).gold.tolist() == [0, 1, 0]
    # The same words around another anchor are another text.
    assert spans(texts=["same"] * 3).gold.tolist() == [0, 1, 0]
    assert spans(texts=["same"] * 3, gold=[None, "neutral", None]).gold.tolist() == [UNKNOWN, 1, UNKNOWN]


def test_repeats_with_two_labels_keep_their_own_and_give_them_to_no_other():
    columns = {name: column + column[:2] for name, column in COLUMNS.items()}
    columns["gold"] = ["negative", None, "neutral", None, None]
    texts = ["a", "b", "a", "a", "b"]
    assert spans(**columns, texts=texts).gold.tolist() == [0, UNKNOWN, 1, UNKNOWN, UNKNOWN]


def test_some_of_the_spans_keep_anchors_and_number_patients_anew():
    some = spans(groups={"sex": ["F", "M", "M"]}).restricted(np.array([False, True, True]))
    assert some.anchor.tolist() == [1, 0]
    assert some.patient.tolist() == [1, 0]
    assert some.text.tolist() == [0, 1]
    assert some.groups["sex"].codes.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gold": [None, "agrees", None]}, "expected gold labels among negative, neutral, found 'agrees'"),
        ({"predicted": ["negative", "exclude", "neutral"]}, "expected predicted labels among .* found 'exclude'"),
        ({"predicted": ["negative", None, "neutral"]}, "expected a predicted label for every span"),
        ({"patients": ["p", None, "p"]}, "expected a value for every span in patients, 1 are missing"),
        ({"anchors": ["refused"]}, "expected columns of one length, found .*'anchors': 1"),
        ({"probabilities": [[1.0, 0.0]] * 3 + [[0, 1]]}, "columns of one length"),
        ({"probabilities": [[1.0]] * 3}, r"expected probabilities of 2 labels, found shape \(3, 1\)"),
        ({"probabilities": [[0.5, 0.5], [0.9, 0.2], [float("nan"), 1]]}, "add up to 1, 2 of 3 spans have others"),
    ],
)
def test_columns_that_cannot_be_are_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        spans(**changes)
