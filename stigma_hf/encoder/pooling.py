"""From the hidden states of a window's tokens to one vector."""

from torch import Tensor


def masked_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean of the hidden states of some tokens of each window.

    Args:
        hidden: Encoder output, shape (batch, tokens, hidden size).
        mask: 1 on the tokens to average and 0 elsewhere, padding included; shape (batch, tokens).

    Returns:
        One vector per window, shape (batch, hidden size).

    Raises:
        ValueError: If the shapes do not fit, or a window has no token to average; its row is in the message.

    Source: Harrigian et al. 2023 (ACL short papers), section on models.
    """
    if mask.shape != hidden.shape[:2]:
        raise ValueError(f"expected a mask of shape {tuple(hidden.shape[:2])}, found {tuple(mask.shape)}")
    counts = mask.sum(dim=1, keepdim=True)
    if not bool(counts.all()):
        row = int((counts == 0).flatten().nonzero()[0])
        raise ValueError(f"row {row}: expected at least one token to average, found an empty mask")
    # Zeros and ones are exact in half precision, their shares of a mean are not.
    return (mask.to(hidden.dtype).unsqueeze(1) @ hidden).squeeze(1) / counts
