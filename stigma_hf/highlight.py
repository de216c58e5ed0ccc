"""Notes with their spans in colour, for the terminal."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

# Colours of Okabe and Ito's palette, which people with any colour vision can tell apart; labels also show as text.
STYLES = {
    "negative": "black on #e69f00",
    "difficult": "black on #e69f00",
    "disbelief": "black on #cc79a7",
    "positive": "black on #56b4e9",
    "neutral": "black on #bbbbbb",
    "exclude": "black on #dddddd",
    "adamant": "black on #cc79a7",
    "compliance": "black on #e69f00",
    "other": "black on #56b4e9",
}
"""Style of each label, and of each task where there are no labels yet."""


def highlight(note: str, spans: Sequence[Mapping[str, Any]]) -> Text:
    """A note with every span in colour, followed by its label and score, or by its task if it has no label.

    Args:
        note: The original note.
        spans: Mappings with `start`, `end`, `task`, and `label` and `score` where there are any.
    """
    # A note must not be able to steer the terminal.
    shown = re.sub(r"[^\S\n\t]", " ", re.sub(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "\u00b7", note))
    text = Text()
    copied = 0
    for span in sorted(spans, key=lambda span: span["start"]):
        begin = max(copied, span["start"])
        text.append(shown[copied:begin])
        name = span.get("label") or span["task"]
        text.append(shown[begin : span["end"]], STYLES[name])
        text.append(f" {name} {span['score']:.2f} " if "score" in span else f" {name} ", "dim italic")
        copied = max(copied, span["end"])
    text.append(shown[copied:])
    return text
