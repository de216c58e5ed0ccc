"""Pieces of the page from templates; everything that is put in is escaped."""

import re
from functools import cache
from typing import Any

from markupsafe import Markup

from stigma_hf.tasks import RESOURCES

_FOLDER = RESOURCES / "demo"
_UNSHOWABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@cache
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    def load(name: str) -> str:
        return (_FOLDER / name).read_text(encoding="utf-8")

    return Environment(
        loader=FunctionLoader(load), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )


def render(name: str, **values: Any) -> Markup:
    """A template of the page, filled in."""
    return Markup(_environment().get_template(name).render(**values))


def resource(name: str) -> str:
    """A style sheet or script of the page."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def showable(text: str) -> str:
    """A text of the same length in which characters that a page cannot show are dots."""
    return _UNSHOWABLE.sub("\u00b7", text)
