"""A report as one HTML page that loads nothing from anywhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from stigma_hf.reporting.blocks import Plots, Section, Table, Text
from stigma_hf.reporting.plots import Plot
from stigma_hf.reporting.wording import banner
from stigma_hf.tasks import RESOURCES

NO_PLOTS = 'Plots need matplotlib; install it with: pip install "stigma_hf[plots]"'

_TEMPLATES = RESOURCES / "reports"
_KINDS = {Text: "text", Table: "table", Plots: "plots"}


def render_html(report: dict[str, Any], parts: Sequence[Section], plots: Mapping[str, Plot]) -> str:
    """The page.

    Args:
        report: What `evaluate_models` gathered.
        parts: What `sections` made of it.
        plots: Its plots by name; a sentence says how to get them where there are none.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    environment.tests["shown_as"] = lambda block, kind: _KINDS[type(block)] == kind
    template = environment.from_string((_TEMPLATES / "report.html").read_text(encoding="utf-8"))
    return template.render(
        report=report,
        sections=parts,
        plots=plots,
        svg={name: Markup(plot.svg) for name, plot in plots.items()},
        style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
        banner=banner(report["source"]),
        no_plots=NO_PLOTS,
    )
