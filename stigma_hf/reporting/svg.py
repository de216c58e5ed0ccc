"""Turn matplotlib's SVG files into elements that can stand beside each other in one page."""

import re

INK = "#010203"
"""Colour of text and axes in a plot; becomes the text colour of the page, be it light or dark."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Of Okabe and Ito's palette, which people with any colour vision can tell apart, those that show on white.

A page may set other shades of them as `--plot-1` and so on.
"""

DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
"""Tell lines apart without any colour."""

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "stigma_hf",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#808080",
    "grid.alpha": 0.3,
    "legend.frameon": False,
}
"""Settings of matplotlib that all pictures share; text stays text, and the same figures give the same file."""

_PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_NAMESPACE = re.compile(r'\s+xmlns(?::\w+)?="[^"]*"')
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def inline_svg(file: str, key: str) -> str:
    """The `<svg>` element of a file, without a word about where its format comes from.

    Args:
        file: What matplotlib wrote.
        key: Different for each plot of a page; keeps their ids apart.
    """
    svg = _PROLOGUE.sub("", file, count=1)
    for unwanted in (_METADATA, _COMMENT, _NAMESPACE):
        svg = unwanted.sub("", svg)
    prefix = re.sub(r"\W+", "-", key)
    svg = re.sub(r'(\sid=")', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}-", svg)
    svg = re.sub(r'(?:xlink:)?href="#', f'href="#{prefix}-', svg)
    svg = svg.replace(INK, "currentColor")
    for place, colour in enumerate(COLOURS, start=1):
        svg = re.sub(colour, f"var(--plot-{place}, {colour})", svg, flags=re.IGNORECASE)
    return re.sub(r"^<svg", '<svg aria-hidden="true" focusable="false"', svg.strip())
