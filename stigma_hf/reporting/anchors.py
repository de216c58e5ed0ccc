"""What anchors have to do with it: which of them a model errs on, and how it does where the anchor says little."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from stigma_hf.evaluation.figures import HEADLINE
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.resampling import LEVEL, Resamples
from stigma_hf.evaluation.scores import score

AMBIGUOUS_BELOW = 0.9
"""An anchor is ambiguous if its most frequent label has less than this share of its training spans."""

LabelsOfAnchors = Mapping[str, Counter[str]]
"""Anchor to how often each label stands among its training spans."""


def majority(counted: Counter[str] | None) -> tuple[str | None, float | None]:
    """The most frequent label of an anchor, the first in the alphabet of equals, and its share; None if never seen."""
    if not counted:
        return None, None
    label = min(counted, key=lambda name: (-counted[name], name))
    return label, counted[label] / counted.total()


def score_ambiguous(
    predictions: Predictions, training: LabelsOfAnchors, draws: Resamples | None = None, level: float = LEVEL
) -> dict[str, Any]:
    """Headline figures on the spans of ambiguous anchors alone.

    Where an anchor has one label nearly always, its name is the answer; what a model makes of the context shows on the
    others. Anchors without training spans are neither, and are counted apart.

    Args:
        predictions: The predictions.
        training: Labels of the anchors of this task in the training split.
        draws: Draws over these spans; no intervals when None.
        level: Share of resamples inside an interval.

    Raises:
        UsageError: If the data has no anchors.
    """
    anchors = predictions.column("anchor")
    shares = {anchor: majority(training.get(anchor))[1] for anchor in set(anchors.tolist())}
    ambiguous = {anchor for anchor, share in shares.items() if share is not None and share < AMBIGUOUS_BELOW}
    unseen = {anchor for anchor, share in shares.items() if share is None}
    rows = np.flatnonzero([anchor in ambiguous for anchor in anchors.tolist()])
    scores = score(
        predictions.where(rows), 0 if draws is None or not len(rows) else draws.where(rows), 0, level, HEADLINE
    )
    return {
        "majority_share_below": AMBIGUOUS_BELOW,
        "n_anchors": len(ambiguous),
        "n_spans": len(rows),
        "n_unseen_anchors": len(unseen),
        "n_unseen_spans": sum(anchor in unseen for anchor in anchors.tolist()),
        "headline": scores.to_dict()["headline"],
        "support": scores.support,
        "cautions": scores.cautions,
    }


def errors_by_anchor(predictions: Predictions, training: LabelsOfAnchors) -> list[dict[str, Any]]:
    """Anchors with at least one error, those with the most first, and what was taken for what.

    Args:
        predictions: The predictions.
        training: Labels of the anchors of this task in the training split.

    Raises:
        UsageError: If the data has no anchors.
    """
    anchors = predictions.column("anchor").tolist()
    n_spans = Counter(anchors)
    confusions: dict[str, Counter[tuple[str, str]]] = {}
    rows = zip(anchors, predictions.true_labels.tolist(), predictions.predicted_labels.tolist(), strict=True)
    for anchor, true, predicted in rows:
        if true != predicted:
            confusions.setdefault(anchor, Counter())[true, predicted] += 1
    listed = []
    for anchor, counted in sorted(confusions.items(), key=lambda item: (-item[1].total(), item[0])):
        label, share = majority(training.get(anchor))
        listed.append(
            {
                "anchor": anchor,
                "n_spans": n_spans[anchor],
                "n_wrong": counted.total(),
                "training_majority": label,
                "training_majority_share": share,
                "confusions": [
                    {"true": true, "predicted": predicted, "n": n}
                    for (true, predicted), n in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
                ],
            }
        )
    return listed
