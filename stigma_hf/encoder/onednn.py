"""Linear layers through oneDNN, on the CPU in single precision."""

import platform
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class OneDnnLinear(TorchFunctionMode):
    """Within it, linear layers of single precision on the CPU are computed by oneDNN, forwards and backwards.

    PyTorch gives them to MKL, which takes a slow path on processors that Intel did not make: half the speed on AMD
    Zen 5. The answers differ by rounding only. Where oneDNN is not there it changes nothing.

    Source: `mkldnn::_linear_pointwise` is what torch.compile makes of a linear layer.
    """

    def __init__(self) -> None:
        super().__init__()
        is_x86 = platform.machine() in ("x86_64", "AMD64")
        self._is_there = (
            is_x86 and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        )

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if function is torch.nn.functional.linear and self._is_there and not kwargs:
            hidden, weight, bias = (*args, None)[:3]
            if all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in (hidden, weight)):
                return _Linear.apply(hidden, weight, bias)
        return function(*args, **(kwargs or {}))


class _Linear(torch.autograd.Function):
    """A linear layer and its gradients."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(hidden, weight)
        return _linear(hidden, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        hidden, weight = ctx.saved_tensors
        needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad
        rows, inputs = gradient.reshape(-1, gradient.shape[-1]), hidden.reshape(-1, hidden.shape[-1])
        return (
            _linear(gradient.contiguous(), weight.T) if needs_hidden else None,
            _linear(rows.T, inputs.T) if needs_weight else None,
            rows.sum(dim=0) if needs_bias else None,
        )


def _linear(hidden: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(hidden, weight, bias, "none", [], "")
