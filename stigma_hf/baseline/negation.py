"""Join negations to the token after them."""

from collections.abc import Sequence

import numpy as np

from stigma_hf.baseline.token_lists import TokenLists


def is_negation(token: str) -> bool:
    """Whether a token negates the one after it."""
    return token == "not" or token.endswith("n't")


def join_negations(tokens: Sequence[str]) -> list[str]:
    """Drop each negation and write `not_` before the token after it; one at the end is just dropped.

    Example:
        >>> join_negations(["is", "not", "compliant"])
        ['is', 'not_compliant']
    """
    joined = []
    is_negated = False
    for token in tokens:
        if is_negation(token):
            is_negated = True
        else:
            joined.append(f"not_{token}" if is_negated else token)
            is_negated = False
    return joined


def join_all_negations(documents: TokenLists, negates: np.ndarray) -> TokenLists:
    """The same for many token lists at once.

    Args:
        documents: The token lists.
        negates: Whether each token of their codebook is a negation, shape (size of the codebook,).
    """
    is_negation = negates[documents.codes]
    if not is_negation.any():
        return documents
    is_negated = np.zeros(len(is_negation), dtype=bool)
    is_negated[1:] = is_negation[:-1] & ~is_negation[1:] & ~documents.starts()[1:]
    codes = documents.codes.copy()
    tokens = documents.codebook.tokens
    codes[is_negated] = documents.codebook.encode(f"not_{tokens[code]}" for code in codes[is_negated].tolist())
    return TokenLists(documents.codebook, codes, documents.ends).keep(~is_negation)
