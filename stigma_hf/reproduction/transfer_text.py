"""Transfer between sets of spans, and shift within one, as Markdown."""

from collections.abc import Iterator
from typing import Any

from stigma_hf.reporting.wording import count, number, problem_text
from stigma_hf.reproduction.summary import banner, markdown_table, record_lines, spread
from stigma_hf.reproduction.transfer_shift import ALL_GROUPS
from stigma_hf.tasks import load_tasks

_PUBLISHED = "published: Bert (Clinical)"


def render_table3(report: dict[str, Any]) -> str:
    """The text.

    Args:
        report: What `reproduce_table3` gathered.
    """
    return "\n".join(_lines(report)) + "\n"


def about_transfer(report: dict[str, Any]) -> list[str]:
    """What the figures of the transfer are, for people, a sentence or two each."""
    here, there = report["sets"]
    told = [
        f"Macro F1 on the test spans: mean\u00b1sd over {report['settings']['folds']} folds of the training and "
        f"validation spans. Here is {here}, there is {there}; a model that was given is as it is. Published: clinical "
        "BERT on MIMIC (here) and on Johns Hopkins' notes (there), then the other way round."
    ]
    for name, about in report["sets"].items():
        for other, shared in about["n_test_spans_in_training_of"].items():
            if shared:
                told.append(
                    f"{shared:,} of the {about['n_spans']['test']:,} test spans of {name} are training or validation "
                    f"spans of {other}: transfer to {name} looks easier than it is."
                )
    return told


def about_shift(report: dict[str, Any]) -> str:
    """What the figures of the shift tests are, for people."""
    invented = (
        " Invented sentences stand with patients of several folds, so figures in distribution flatter."
        if report["source"] == "synthetic"
        else ""
    )
    shift = report["settings"]["shift"]
    return (
        "Held out: trained without the group and its patients, on as large a share of the others as in distribution. "
        f"In distribution: trained on other patients of all groups, {shift['folds']} folds; these figures stand "
        "first. Both are asked about the same spans of the group. Difference: held out minus in distribution, with "
        f"{shift['level']:.0%} intervals of {shift['resamples']:,} resamples of the patients. "
        "Macro F1 is over the labels that occur among true and "
        f"predicted ones. Groups of fewer than {shift['min_cell']} spans or patients are withheld.{invented}"
    )


def transfer_rows(report: dict[str, Any], task: str) -> Iterator[list[str]]:
    """A row for each model: here on here, here on there, there on there, there on here; then two published ones."""
    here, there = report["sets"]
    found = {(s["model"], s["source"], s["target"]): s for s in report["transfer"] if s["task"] == task}
    ways = ((here, here), (here, there), (there, there), (there, here))
    for model in dict.fromkeys(model for model, _, _ in found):
        cells = []
        for source, target in ways:
            score = found.get((model, source, target)) or (
                found.get((model, None, target)) if source == here else None
            )
            cells.append(_spread(score["figures"]["macro_f1"], report) if score else "")
        yield [report["models"].get(model, model), *cells]
    published = {(p["source"], p["target"]): p for p in report["published"] if p["task"] == task}
    for first, second in (("mimic", "jhm"), ("jhm", "mimic")):
        order = ((first, first), (first, second), (second, second), (second, first))
        cells = [spread(published[way]["mean"], published[way]["sd"]) for way in order]
        yield [f"{_PUBLISHED}, {first} here", *cells]


def _spread(figure: dict[str, Any], report: dict[str, Any]) -> str:
    """Mean and deviation; one value alone has none, and the number of folds is said where some are missing."""
    done = len(figure["folds"])
    if done == 1:
        return number(figure["mean"])
    text = spread(figure["mean"], figure["sd"], 3)
    return text if done == report["settings"]["folds"] else f"{text} ({done})"


def shift_rows(report: dict[str, Any], by: str, task: str, group: str | None = None) -> Iterator[list[str]]:
    """A row for each group and model of a task, of one group alone if it is named.

    Args:
        report: What `reproduce_table3` gathered.
        by: The column.
        task: The task.
        group: The group.
    """
    scores = [s for s in report["shift"][by]["scores"] if s["task"] == task and group in (None, s["group"])]
    groups = sorted({s["group"] for s in scores}, key=lambda name: (name != ALL_GROUPS, name))
    for name in groups:
        for score in (s for s in scores if s["group"] == name):
            f1, accuracy = score["figures"]["macro_f1"], score["figures"]["accuracy"]
            yield [
                name,
                report["models"][score["model"]],
                count(score["n_spans"]),
                count(score["n_patients"]),
                number(f1["second"]),
                number(f1["first"]),
                signed_interval(f1),
                number(accuracy["second"]),
                number(accuracy["first"]),
                signed_interval(accuracy),
            ]


def signed_interval(figure: dict[str, Any]) -> str:
    """A difference with its interval, if there is one."""
    value = number(figure["difference"], sign=True)
    if figure["low"] is None:
        return value
    return f"{value} ({number(figure['low'], sign=True)} to {number(figure['high'], sign=True)})"


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield from ("# Transfer and shift (Table 3 of Harrigian et al. 2023)", "")
    yield from (f"> **{banner(report['source'])}**", "")
    if report["transfer"] and len(report["sets"]) > 1:
        yield from ("## Train here, test there", "")
        for told in about_transfer(report):
            yield from (told, "")
        for task in _tasks(report["transfer"]):
            yield from (f"### {load_tasks()[task].name}", "")
            columns = ("model", "here, here", "here, there", "there, there", "there, here")
            yield from markdown_table(columns, transfer_rows(report, task))
    for by, of_groups in report["shift"].items():
        yield from (f"## Held out: {by}", "", about_shift(report), "")
        for task in _tasks(of_groups["scores"]):
            yield from (f"### {load_tasks()[task].name}, by {by}", "")
            sides = ("held out", "difference")
            heads = (by, "model", "spans", "patients", "macro F1", *sides, "accuracy", *sides)
            yield from markdown_table(heads, shift_rows(report, by, task))
            if withheld := of_groups["withheld"].get(task):
                yield from (f"Withheld: {', '.join(withheld)}.", "")
    if report["problems"]:
        yield from ("## Problems", "", *(f"- {problem_text(entry)}" for entry in report["problems"]), "")
    yield from ("## Record", "", *(f"- {line}" for line in record_lines({**report, "made_with": []})))


def _tasks(scores: list[dict[str, Any]]) -> list[str]:
    """The tasks that some scores are of, in the usual order."""
    return [task for task in load_tasks() if any(score["task"] == task for score in scores)]
