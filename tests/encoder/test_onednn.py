import numpy as np
import pytest
import torch

from encoder.tiny_encoders import WINDOWS, tiny_classifier, tokenizer_of
from stigma_hf.encoder.onednn import OneDnnLinear

linear = torch.nn.functional.linear


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def tensors(dtype=torch.float32):
    shapes = ((2, 7, 48), (96, 48), (96,))
    return [torch.randn(*shape, dtype=dtype, requires_grad=dtype == torch.float32) for shape in shapes]


def gradients(tensors, compute):
    (compute(*tensors).sin().sum()).backward()
    found = [tensor.grad.clone() for tensor in tensors]
    for tensor in tensors:
        tensor.grad = None
    return found


def test_it_answers_as_pytorch_does_up_to_rounding():
    hidden, weight, bias = tensors()
    for arguments in ((hidden, weight, bias), (hidden, weight), (hidden[:, 0], weight, bias), (hidden, weight, None)):
        with OneDnnLinear():
            answer = linear(*arguments)
        torch.testing.assert_close(answer, linear(*arguments), atol=1e-4, rtol=1e-5)
        with torch.inference_mode(), OneDnnLinear():
            assert torch.equal(linear(*arguments), answer)


def test_its_gradients_are_those_of_pytorch_up_to_rounding():
    inputs = tensors()
    plain = gradients(inputs, linear)
    with OneDnnLinear():
        ours = gradients(inputs, linear)
    for a, b in zip(ours, plain, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-4)


def test_what_needs_no_gradient_gets_none():
    hidden, weight, bias = (tensor.detach() for tensor in tensors())
    weight.requires_grad_()
    with OneDnnLinear():
        answer = linear(hidden, weight, bias)
    answer.sum().backward()
    assert weight.grad is not None
    assert hidden.grad is None
    assert bias.grad is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_it_leaves_other_precisions_alone(dtype):
    hidden, weight, bias = tensors(dtype)
    with OneDnnLinear():
        answer = linear(hidden, weight, bias)
    assert torch.equal(answer, linear(hidden, weight, bias))


def test_where_it_is_not_there_nothing_changes(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    hidden, weight, bias = tensors()
    plain = linear(hidden, weight, bias)
    with OneDnnLinear():
        assert torch.equal(linear(hidden, weight, bias), plain)


@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta-v2"])
def test_a_model_predicts_as_it_does_without(family, monkeypatch):
    model, tokenizer = tiny_classifier(family), tokenizer_of(family)
    answers = model.predict_proba(WINDOWS, tokenizer)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    plain = model.predict_proba(WINDOWS, tokenizer)
    assert max(np.abs(a - b).max() for a, b in zip(answers, plain, strict=True)) < 1e-6
