"""Compare groups at the same mix of anchors: direct standardisation."""

from typing import NamedTuple

import numpy as np

from stigma_hf.prevalence.design import SampleDesign
from stigma_hf.prevalence.spans import FloatArray, IntArray


class Standardised(NamedTuple):
    """Weights that give two groups the same mix of anchors.

    Attributes:
        above: Weight of each span of the one group, 0 for all others.
        below: The same for the other group.
        share_kept: Share of the corpus whose anchors both groups have; the comparison is about those.
    """

    above: FloatArray
    below: FloatArray
    share_kept: float


def standardise(design: SampleDesign, codes: IntArray, group: int, reference: int) -> Standardised:
    """Weigh the spans of two groups so that both have the corpus's mix of those anchors that both use.

    Args:
        design: The labelled sample and the spans it was drawn from.
        codes: Group of each span.
        group: The one group.
        reference: The other.
    """
    anchor = design.spans.anchor
    members = [codes == number for number in (group, reference)]
    counts = [np.bincount(anchor[is_in], minlength=len(design.n_spans)) for is_in in members]
    common = (counts[0] > 0) & (counts[1] > 0)
    standard = np.where(common, design.n_spans, 0)
    above, below = (
        np.where(is_in, (standard / np.maximum(count, 1))[anchor], 0.0)
        for is_in, count in zip(members, counts, strict=True)
    )
    return Standardised(above, below, float(standard.sum() / design.n_spans.sum()))
