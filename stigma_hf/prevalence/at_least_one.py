"""Notes and patients with at least one harmful span: between which shares they lie, and why no closer.

The sample labels single spans. Whether the other spans of the same note are harmful, too, it does not tell, so a note
with several spans cannot be counted, only bounded: at least as many notes have a harmful span as have one in the place
where the model most expects it, and at most as many as there are harmful spans. Both are shares of spans, which the
sample does support; for notes with a single span they agree.
"""

from dataclasses import replace

import numpy as np

from stigma_hf.prevalence.estimators import PredictionPowered
from stigma_hf.prevalence.linear import Linear
from stigma_hf.prevalence.spans import CorpusSpans, FloatArray, IntArray


def most_harmful(spans: CorpusSpans, unit: IntArray, members: FloatArray, harmful: FloatArray) -> FloatArray:
    """1 for the span of each note (or patient) of a group that the model finds most likely harmful, 0 for all others.

    Args:
        spans: The spans of a task.
        unit: Number of the note or patient of each span.
        members: 1 for each span of the group, 0 for all others.
        harmful: 1 for each harmful label, 0 for the others.
    """
    places = np.flatnonzero(members)
    order = places[np.lexsort((-(spans.probabilities[places] @ harmful), unit[places]))]
    chosen = np.zeros(len(spans))
    chosen[order[np.r_[True, np.diff(unit[order]) > 0]]] = 1.0
    return chosen


def at_least_one(
    method: PredictionPowered, patient: IntArray, chosen: FloatArray, members: FloatArray, harmful: FloatArray
) -> tuple[Linear, Linear]:
    """Least and largest share of the notes (or patients) of a group that have a harmful span.

    Args:
        method: The fitted estimator.
        patient: Number of the patient of each span.
        chosen: What `most_harmful` gives for the group.
        members: 1 for each span of the group, 0 for all others.
        harmful: 1 for each harmful label, 0 for the others.
    """
    least = method.mean(chosen).times(harmful[:, None])
    per_span = method.mean(members).times(harmful[:, None])
    n_units = chosen.sum()
    spans_per_unit = members.sum() / n_units
    largest = per_span.times(np.array([spans_per_unit]))
    # How many spans a unit has varies between patients, as well.
    varying = (members - spans_per_unit * chosen) / n_units * per_span.value[0]
    by_patient = np.bincount(patient, varying, len(largest.patients))[:, None]
    return least, replace(largest, patients=largest.patients + by_patient)
