import logging

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.context_window import ContextWindow
from stigma_hf.training.class_weights import balanced_class_weights
from training.small_spans import some_spans

LABELS = {"adamant": ["difficult", "disbelief", "exclude"], "compliance": ["negative", "neutral", "positive"]}


def test_weights_are_the_balanced_ones_of_scikit_learn_task_by_task():
    spans = some_spans(60)
    weights = balanced_class_weights(spans, LABELS)
    assert list(weights) == ["adamant", "compliance"]
    for task, names in LABELS.items():
        expected = compute_class_weight("balanced", classes=np.array(names), y=spans.of_task(task).labels)
        assert weights[task] == pytest.approx(expected.tolist())


def test_a_label_without_spans_weighs_one_and_is_named(caplog):
    window = ContextWindow("adamant", "claims", "he claims pain")
    spans = LabelledWindows([window] * 4, ["difficult", "exclude", "exclude", "exclude"])
    with caplog.at_level(logging.WARNING):
        weights = balanced_class_weights(spans, {"adamant": LABELS["adamant"]})
    assert weights == {"adamant": [2.0, 1.0, pytest.approx(2 / 3)]}
    assert "no training span of adamant is labelled disbelief" in caplog.text
