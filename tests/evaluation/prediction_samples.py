"""Predictions to test with."""

import numpy as np
from hypothesis import strategies as st

from stigma_hf.evaluation.predictions import Predictions

LABELS = ("exclude", "negative", "neutral", "positive")


def random_predictions(seed, n_spans=200, n_patients=80, labels=LABELS, sharpness=2.0):
    """Predictions whose labels are drawn from the probabilities themselves, so a perfectly calibrated model's."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n_spans, len(labels))) * sharpness
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    true = [labels[random.choice(len(labels), p=row)] for row in probabilities]
    columns = {
        "note_id": [f"note {i}" for i in range(n_spans)],
        "subject_id": random.integers(n_patients, size=n_spans),
        "clean_start": list(range(n_spans)),
        "anchor": random.choice(["angry", "pleasant", "refused"], size=n_spans),
        "sex": [None if i % 10 == 0 else "Female" for i in range(n_spans)],
    }
    return Predictions.of("other", labels, true, probabilities, columns=columns)


@st.composite
def odd_predictions(draw, max_spans=25):
    """Few spans, often of one label, with ties and with probabilities of 0 and 1."""
    n_labels = draw(st.integers(2, 4))
    n_spans = draw(st.integers(1, max_spans))
    row = st.lists(st.integers(0, 3), min_size=n_labels, max_size=n_labels).filter(any)
    counts = np.array(draw(st.lists(row, min_size=n_spans, max_size=n_spans)), dtype=float)
    highest = draw(st.integers(0, n_labels - 1))
    places = draw(st.lists(st.integers(0, highest), min_size=n_spans, max_size=n_spans))
    labels = LABELS[:n_labels]
    probabilities = counts / counts.sum(axis=1, keepdims=True)
    patients = draw(st.lists(st.integers(1, 4), min_size=n_spans, max_size=n_spans))
    return Predictions.of(
        "other", labels, [labels[place] for place in places], probabilities, columns={"subject_id": patients}
    )
