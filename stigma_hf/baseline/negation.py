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
    negations = np.flatnonzero(negates.take(documents.codes))
    if not len(negations):
        return documents
    is_kept = np.ones(len(documents.codes), dtype=bool)
    is_kept[negations] = False
    # The last token of all has none after it.
    after = negations[negations < len(is_kept) - 1] + 1
    after = after[is_kept[after] & ~documents.starts()[after]]
    codes = documents.codes.copy()
    tokens = documents.codebook.tokens
    different, places = np.unique(codes[after], return_inverse=True)
    codes[after] = documents.codebook.encode(f"not_{tokens[code]}" for code in different.tolist())[places]
    return TokenLists(documents.codebook, codes, documents.ends).keep(is_kept)
