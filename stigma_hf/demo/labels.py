"""How each label looks and what it means, for people who see colours, who do not, and who listen.

Hues are those of Okabe and Ito's palette, which people with any colour vision can tell apart, in a shade that shows on
a light page and one that shows on a dark page. Each label has a line of its own, too, and stands beside the word.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from stigma_hf.tasks import RESOURCES


@dataclass(frozen=True)
class Look:
    """How a label looks.

    Attributes:
        light: Colour of its line on a light page.
        dark: The same on a dark page.
        light_tint: What is behind its words on a light page.
        dark_tint: The same on a dark page.
        line: Style of its line, as CSS calls it.
    """

    light: str
    dark: str
    light_tint: str
    dark_tint: str
    line: str


LOOKS = {
    "negative": Look("#d55e00", "#ff9a4d", "#fde3d0", "#5a2c0a", "solid"),
    "difficult": Look("#946000", "#e69f00", "#fbecc8", "#4d3800", "double"),
    "disbelief": Look("#a84a80", "#e8a5cb", "#f7e1ee", "#52203f", "wavy"),
    "positive": Look("#0072b2", "#56b4e9", "#d9ecf8", "#0d3a55", "dashed"),
    "neutral": Look("#5c6570", "#a4adb7", "#e9ecef", "#3a424b", "dotted"),
    "exclude": Look("#5c6570", "#a4adb7", "#f6f8fa", "#1d2228", "dotted"),
}
"""Label to its look; labels of other models' own have that of `exclude`."""

PAGES = {"light": ("#ffffff", "#1b1f24"), "dark": ("#15181c", "#e6e9ec")}
"""Background and text of a light and of a dark page."""


def look_of(label: str) -> str:
    """The name of the look of a label."""
    return label if label in LOOKS else "exclude"


def colours_as_css() -> str:
    """The colours as variables of the page."""
    light = "".join(f"--{name}: {look.light}; --{name}-tint: {look.light_tint}; " for name, look in LOOKS.items())
    dark = "".join(f"--{name}: {look.dark}; --{name}-tint: {look.dark_tint}; " for name, look in LOOKS.items())
    lines = "".join(
        f".look-{name} {{ --line: var(--{name}); --tint: var(--{name}-tint); --style: {look.line}; }}\n"
        for name, look in LOOKS.items()
    )
    (page, text), (dark_page, dark_text) = PAGES["light"], PAGES["dark"]
    return (
        f":root {{ --page: {page}; --text: {text}; {light}}}\n"
        f".dark {{ --page: {dark_page}; --text: {dark_text}; {dark}}}\n{lines}"
    )


@cache
def definitions() -> Mapping[str, Mapping[str, str]]:
    """Task id to its labels, each with a sentence on what it means."""
    return json.loads((RESOURCES / "demo" / "labels.json").read_text(encoding="utf-8"))
