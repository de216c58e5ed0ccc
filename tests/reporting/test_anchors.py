from collections import Counter

import pytest

from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.reporting.anchors import errors_by_anchor, majority, score_ambiguous

LABELS = ("negative", "positive")
TRAINING = {
    "angry": Counter(negative=89, positive=11),
    "pleasant": Counter(positive=90, negative=10),
    "calm": Counter(positive=1),
}


def answers(rows):
    """Predictions from anchor, true and predicted label."""
    probabilities = [[0.8, 0.2] if predicted == "negative" else [0.2, 0.8] for _, _, predicted in rows]
    columns = {"anchor": [anchor for anchor, _, _ in rows], "subject_id": range(len(rows))}
    return Predictions.of("other", LABELS, [true for _, true, _ in rows], probabilities, columns=columns)


def test_an_anchor_is_ambiguous_below_nine_of_ten_training_spans():
    rows = [
        ("angry", "negative", "negative"),
        ("angry", "positive", "negative"),
        ("pleasant", "negative", "positive"),
        ("unheard", "negative", "positive"),
    ]
    found = score_ambiguous(answers(rows), TRAINING)
    assert (found["n_anchors"], found["n_spans"]) == (1, 2)
    assert (found["n_unseen_anchors"], found["n_unseen_spans"]) == (1, 1)
    assert found["headline"]["accuracy"]["value"] == 0.5


def test_without_ambiguous_anchors_no_figure_is_defined():
    found = score_ambiguous(answers([("pleasant", "positive", "positive")]), TRAINING)
    assert found["n_spans"] == 0
    assert found["headline"]["macro_f1"]["value"] is None


def test_anchors_with_most_errors_come_first_with_what_was_taken_for_what():
    rows = [
        ("pleasant", "negative", "positive"),
        ("angry", "positive", "negative"),
        ("angry", "positive", "negative"),
        ("angry", "negative", "negative"),
        ("calm", "positive", "positive"),
    ]
    listed = errors_by_anchor(answers(rows), TRAINING)
    assert [(entry["anchor"], entry["n_spans"], entry["n_wrong"]) for entry in listed] == [
        ("angry", 3, 2),
        ("pleasant", 1, 1),
    ]
    assert listed[0]["confusions"] == [{"true": "positive", "predicted": "negative", "n": 2}]
    assert listed[0]["training_majority_share"] == pytest.approx(0.89)


def test_majority_of_an_anchor_never_seen_is_none():
    assert majority(None) == (None, None)
    assert majority(Counter(b=1, a=1)) == ("a", 0.5)
