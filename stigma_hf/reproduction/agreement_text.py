"""Agreement of annotators as Markdown."""

from collections.abc import Iterator
from typing import Any

from stigma_hf.reporting.wording import count, number, problem_text, with_interval
from stigma_hf.reproduction.summary import banner, markdown_table, record_lines
from stigma_hf.tasks import load_tasks


def render_agreement(report: dict[str, Any]) -> str:
    """The text.

    Args:
        report: What `reproduce_agreement` gathered.
    """
    return "\n".join(_lines(report)) + "\n"


def about_agreement(report: dict[str, Any]) -> str:
    """What the figures are, for people."""
    settings = report["settings"]
    intervals = (
        f" In parentheses: {settings['level']:.0%} intervals, percentiles of {settings['resamples']:,} resamples of "
        "the patients."
        if settings["resamples"]
        else ""
    )
    withheld = f"Nothing is said of pairs with fewer than {settings['min_cell']} spans, or patients, in common."
    return (
        "Labels of single annotators, before they resolved differences. Overlap is the share of spans with the same "
        "label, kappa is Cohen's, alpha is Krippendorff's for nominal data, over all annotators. Published: the two "
        f"research assistants on MIMIC (Figure 2). {withheld}{intervals}"
    )


def agreement_rows(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each pair of annotators, with the published figures where there are any."""
    for task, about in report["tasks"].items():
        for pair in about["pairs"]:
            is_published = {pair["first"], pair["second"]} == set(about["published"]["annotators"])
            published = about["published"] if is_published else {}
            yield {
                "task": task,
                "annotators": f"{pair['first']}, {pair['second']}",
                **{name: pair[name] for name in ("n_spans", "n_patients", "overlap", "kappa")},
                **{f"published_{name}": published.get(name) for name in ("overlap", "kappa")},
            }


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield from ("# Agreement of annotators (Figure 2 of Harrigian et al. 2023)", "")
    yield from (f"> **{banner(report['source'])}**", "", about_agreement(report), "")
    columns = ("task", "annotators", "spans", "patients", "overlap", "published", "kappa", "published")
    yield from markdown_table(
        columns,
        (
            (
                load_tasks()[row["task"]].name,
                row["annotators"].replace("_", "\\_"),
                count(row["n_spans"]),
                count(row["n_patients"]),
                with_interval(row["overlap"]),
                number(row["published_overlap"]),
                with_interval(row["kappa"]),
                number(row["published_kappa"]),
            )
            for row in agreement_rows(report)
        ),
    )
    yield from ("## All annotators together", "")
    yield from markdown_table(
        ("task", "annotated spans", "labelled by two or more", "alpha"),
        (
            (load_tasks()[task].name, count(a["n_spans"]), count(a["n_shared"]), with_interval(a["alpha"]))
            for task, a in report["tasks"].items()
        ),
    )
    yield from ("## Published", "", "R1 and R2 are research assistants, C1 is a clinician.", "")
    yield from markdown_table(
        ("task", "data set", "pair", "overlap", "kappa"),
        (
            (load_tasks()[r["task"]].name, r["dataset"], r["pair"], number(r["overlap"]), number(r["cohen_kappa"]))
            for r in report["published"]
        ),
    )
    if report["problems"]:
        yield from ("## Problems", "", *(f"- {problem_text(entry)}" for entry in report["problems"]), "")
    yield from ("## Record", "", *(f"- {line}" for line in record_lines({**report, "made_with": []})))
