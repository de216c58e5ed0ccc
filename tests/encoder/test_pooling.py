import pytest
import torch

from stigma_hf.encoder.pooling import masked_mean


def test_the_mean_is_that_of_the_marked_tokens():
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [9.0, 9.0]], [[1.0, 1.0], [2.0, 4.0], [5.0, 7.0]]])
    mask = torch.tensor([[1, 1, 0], [0, 0, 1]])
    assert masked_mean(hidden, mask).tolist() == [[2.0, 4.0], [5.0, 7.0]]


def test_padding_may_hold_anything_finite():
    hidden = torch.tensor([[[2.0], [1e30]]])
    assert masked_mean(hidden, torch.tensor([[1, 0]])).tolist() == [[2.0]]


def test_a_mean_in_half_precision_is_rounded_once():
    hidden = torch.full((1, 3, 4), 1.0078125, dtype=torch.bfloat16)
    pooled = masked_mean(hidden, torch.ones(1, 3, dtype=torch.long))
    assert pooled.dtype == torch.bfloat16
    assert pooled.tolist() == [[1.0078125] * 4]


def test_a_window_without_a_token_to_average_is_named():
    with pytest.raises(ValueError, match="row 1: expected at least one token to average, found an empty mask"):
        masked_mean(torch.zeros(2, 3, 4), torch.tensor([[1, 0, 0], [0, 0, 0]]))


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"expected a mask of shape \(2, 3\), found \(2, 4\)"):
        masked_mean(torch.zeros(2, 3, 4), torch.ones(2, 4))
