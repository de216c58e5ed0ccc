"""The anchor within its window: with the negation before it, or taken out."""

import re
from functools import lru_cache

_NEGATIONS = r"(?:cannot|not|\w*n't)"
_NEGATED = ("not ", "n't ")


def negated_anchor(anchor: str, context: str) -> str:
    """The anchor as it stands in its window with the negation right before it, or the anchor alone.

    A negation is `cannot`, `not` or what ends in `n't`, with at most one white-space character between.

    Args:
        anchor: The anchor.
        context: Its window.

    Example:
        >>> negated_anchor("compliant", "pt is not compliant with meds")
        'not compliant'
    """
    folded = context.lower()
    if "not" not in folded and "n't" not in folded:
        return anchor
    found = _negated(anchor).search(context)
    return found.group() if found else anchor


def remove_anchor(context: str, anchor: str) -> str:
    """The window without the anchor, wherever it stands in it, and without a negation right before it.

    Case counts, as in the released toolkit: anchors and windows are lower-cased before.

    Example:
        >>> remove_anchor("pt is not compliant with meds", "compliant")
        'pt is  with meds'
    """
    if not anchor:
        return context
    parts = context.split(anchor)
    if len(parts) == 2:
        before, after = parts
        is_word = before[-1:] == " " and after[:1] in " .,;:" and anchor[0].isalnum() and anchor[-1].isalnum()
        if is_word and before[-4:] not in _NEGATED:
            # Nearly always, and quick: a whole word between blanks.
            return before[:-1] + after
    return _remove_each(context, anchor) if len(parts) > 1 else context


def _remove_each(context: str, anchor: str) -> str:
    """The window without the anchor wherever it stands."""
    kept = []
    done = 0
    while (place := context.find(anchor, done)) >= 0:
        # A negation is one word, so nothing before the word before the anchor needs a look.
        begin = max(done, context.rfind(" ", done, max(done, place - 1)) + 1)
        found = _maybe_negated(anchor).search(context, begin)
        if found is None:
            break
        kept.append(context[done : found.start()])
        done = found.end()
    kept.append(context[done:])
    return "".join(kept)


@lru_cache(maxsize=1024)
def _negated(anchor: str) -> re.Pattern[str]:
    return re.compile(rf"{_NEGATIONS}\s?\b{re.escape(anchor)}\b", re.IGNORECASE)


@lru_cache(maxsize=1024)
def _maybe_negated(anchor: str) -> re.Pattern[str]:
    return re.compile(rf"{_NEGATIONS}?\s?\b{re.escape(anchor)}\b")
