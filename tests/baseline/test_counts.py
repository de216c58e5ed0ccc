import numpy as np
import pytest

from stigma_hf.baseline.counts import AnchorCounts


def test_counts_are_smoothed_with_alpha():
    counts = AnchorCounts(["a", "b"], {"claims": [3, 0]}, alpha=0.5)
    np.testing.assert_allclose(counts.predict_proba(["claims", "Claims"]), [[3.5 / 4, 0.5 / 4]] * 2)


def test_unknown_anchor_is_uniform():
    counts = AnchorCounts(["a", "b", "c"], {"claims": [3, 0, 0]})
    np.testing.assert_allclose(counts.predict_proba(["refused"]), [[1 / 3] * 3])
    assert counts.predict_proba([]).shape == (0, 3)


@pytest.mark.parametrize("row", [[1], [1, 2, 3], [1, -1]])
def test_counts_that_do_not_fit_the_labels_are_refused(row):
    with pytest.raises(ValueError, match="expected 2 counts from 0 on for 'claims'"):
        AnchorCounts(["a", "b"], {"claims": row})


def test_alpha_of_zero_is_refused():
    with pytest.raises(ValueError, match="alpha above 0, found 0"):
        AnchorCounts(["a", "b"], {}, alpha=0)
