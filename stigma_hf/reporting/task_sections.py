"""The parts of a report that are about one task."""

from collections.abc import Callable, Iterator
from typing import Any

from stigma_hf.reporting.blocks import Plots, Section, Table, Text
from stigma_hf.reporting.wording import FIGURE_NAMES, NONE, count, number, with_interval

LISTED_ERRORS = 100
"""Errors by id that a page lists for a model and task; `report.json` has all."""

_PER_LABEL = ("precision", "recall", "f1", "roc_auc", "average_precision")
_CALIBRATED = ("log_loss", "brier", "calibration_error")
_BY_GROUP = ("macro_f1", "accuracy")

Result = dict[str, Any]


def task_sections(report: dict[str, Any], task: str) -> Iterator[Section]:
    """The parts about one task, an introduction first.

    Args:
        report: What `evaluate_models` gathered.
        task: The task.
    """
    results = {model["name"]: model["tasks"][task] for model in report["models"] if task in model["tasks"]}
    name = report["tasks"][task]["name"]
    if not results:
        return
    yield _introduction(name, results)
    parts: list[tuple[str, Callable[..., Iterator[Text | Table | Plots]]]] = [
        ("labels", _per_label),
        ("confusion matrices", _confusion),
        ("ROC curves", _roc),
        ("calibration", _calibration),
        ("ambiguous anchors", _ambiguous),
        ("errors by anchor", _errors_by_anchor),
        ("groups", _groups),
        ("errors by id", _errors_by_id),
    ]
    for title, blocks in parts:
        yield Section(f"{name}: {title}", 3, list(blocks(report, task, results)))


def _introduction(name: str, results: dict[str, Result]) -> Section:
    section = Section(name)
    scores = [result["scores"] for result in results.values()]
    support = ", ".join(f"{label} {number:,}" for label, number in scores[0]["support"].items())
    section.blocks.append(Text(f"Spans by label: {support}."))
    cautions = dict.fromkeys(caution for of_model in scores for caution in of_model["cautions"])
    section.blocks.extend(Text(caution, is_caution=True) for caution in cautions)
    return section


def _per_label(report: dict[str, Any], task: str, results: dict[str, Result]) -> Iterator[Table]:
    for name, result in results.items():
        scores = result["scores"]
        rows = [
            (
                label,
                count(scores["support"][label]),
                count(scores["n_predicted"][label]),
                *(with_interval(figures[figure]) for figure in _PER_LABEL),
            )
            for label, figures in scores["per_label"].items()
        ]
        columns = ("label", "spans", "predicted", *(FIGURE_NAMES[figure] for figure in _PER_LABEL))
        yield Table(f"{name}: figures of each label", columns, tuple(rows))


def _confusion(report: dict[str, Any], task: str, results: dict[str, Result]) -> Iterator[Table | Plots]:
    yield Plots(tuple(f"confusion/{task}/{name}" for name in results))
    for name, result in results.items():
        labels = result["scores"]["labels"]
        rows = [(label, *map(count, row)) for label, row in zip(labels, result["scores"]["confusion"], strict=True)]
        columns = ("true \\ predicted", *labels)
        yield Table(f"{name}: spans by true (row) and predicted (column) label", columns, tuple(rows), is_folded=True)


def _roc(report: dict[str, Any], task: str, results: dict[str, Result]) -> Iterator[Plots]:
    if any(curve for result in results.values() for curve in result["roc"].values()):
        yield Plots(tuple(f"roc/{task}/{name}" for name in results))


def _calibration(report: dict[str, Any], task: str, results: dict[str, Result]) -> Iterator[Text | Table | Plots]:
    yield Plots(tuple(f"calibration/{task}/{name}" for name in results))
    fitted = [(name, result["calibration"]) for name, result in results.items() if result["calibration"]]
    if fitted:
        yield Text(
            "The temperature was fitted on the validation spans, which flatters the figures there; the predicted "
            "labels are the same before and after. Unsettled: an end of the range does as well, and it should "
            "not be used."
        )
        rows = [_calibration_row(name, found, split) for name, found in fitted for split in found["before"]]
        columns = ("model", "split", "temperature", *(FIGURE_NAMES[figure] for figure in _CALIBRATED))
        yield Table("Before \u2192 after temperature scaling", columns, tuple(rows), "llrrrr")
    sets = [(name, found) for name, result in results.items() if (found := result["label_sets"])]
    if sets:
        columns = ("model", "stated", "measured", "labels in a set", "single label", "least covered label")
        yield Table("Label sets: how often they hold the true label", columns, tuple(_set_row(*each) for each in sets))


def _calibration_row(name: str, found: Result, split: str) -> tuple[str, ...]:
    temperature = number(found["temperature"]) + (", unsettled" if found["is_at_end"] else "")
    before, after = found["before"][split], found["after"][split]
    changes = (f"{number(before[figure])} \u2192 {number(after[figure])}" for figure in _CALIBRATED)
    return name, split, temperature, *changes


def _set_row(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    known = {label: share for label, share in found["per_label"].items() if share is not None}
    least = min(known, key=lambda label: known[label], default=None)
    return (
        name,
        number(found["stated"], 2),
        *(number(found[figure]) for figure in ("measured", "mean_size", "single")),
        NONE if least is None else f"{least} {number(known[least])}",
    )


def _ambiguous(report: dict[str, Any], task: str, results: dict[str, Result]) -> Iterator[Text | Table]:
    found = {name: result["ambiguous_anchors"] for name, result in results.items() if result["ambiguous_anchors"]}
    if not found:
        return
    first = next(iter(found.values()))
    yield Text(
        f"The {first['n_spans']:,} spans of the {first['n_anchors']:,} anchors whose most frequent label has less "
        f"than {first['majority_share_below']:.0%} of their training spans: here the anchor alone says little. "
        f"Left out: {first['n_unseen_spans']:,} spans of {first['n_unseen_anchors']:,} anchors without training spans."
    )
    for caution in first["cautions"]:
        yield Text(caution, is_caution=True)
    shown = ("macro_f1", "accuracy")
    rows = [
        (
            name,
            *(with_interval(of_model["headline"][figure]) for figure in shown),
            with_interval(results[name]["scores"]["headline"]["macro_f1"]),
        )
        for name, of_model in found.items()
    ]
    columns = ("model", *(FIGURE_NAMES[figure] for figure in shown), "macro F1 on all anchors")
    yield Table("Figures on ambiguous anchors", columns, tuple(rows))


def _errors_by_anchor(report: dict[str, Any], task: str, results: dict[str, Result]) -> Iterator[Table]:
    columns = ("anchor", "spans", "wrong", "most frequent in training", "true as predicted")
    for name, result in results.items():
        rows = []
        for entry in result["errors_by_anchor"]:
            share = entry["training_majority_share"]
            majority = "never seen" if share is None else f"{entry['training_majority']} {share:.0%}"
            confusions = ", ".join(
                f"{found['true']} as {found['predicted']} {found['n']}" for found in entry["confusions"]
            )
            rows.append((entry["anchor"], count(entry["n_spans"]), count(entry["n_wrong"]), majority, confusions))
        if rows:
            yield Table(f"{name}: errors by anchor", columns, tuple(rows), "lrrll", is_folded=True)


def _groups(report: dict[str, Any], task: str, results: dict[str, Result]) -> Iterator[Text | Table]:
    yield Text(
        "Gaps are a group's figure minus that of the reference, the largest group. Intervals are not widened for the "
        f"number of groups. Groups of fewer than {report['settings']['min_cell']} spans or patients are withheld. "
        "A dagger marks a group in which a label does not occur: its macro F1 is over fewer labels and is not to be "
        "compared. All other figures of the groups are in report.json."
    )
    groupings = next(iter(results.values()))["subgroups"]
    for place, grouping in enumerate(groupings):
        rows = []
        for name, result in results.items():
            of_model = result["subgroups"][place]
            rows += [_group_row(name, group, of_model["reference"]) for group in of_model["groups"]]
        caption = f"By {grouping['by']}: {_withheld(grouping)}"
        if not rows:
            yield Text(caption)
            continue
        columns = ["model", grouping["by"], "spans", "patients"]
        for figure in _BY_GROUP:
            columns += [FIGURE_NAMES[figure], "gap"]
        yield Table(caption, tuple(columns), tuple(rows), "llrrrrrr")


def _group_row(model: str, group: dict[str, Any], reference: str) -> tuple[str, ...]:
    cells = []
    for figure in _BY_GROUP:
        gap = group["gaps"].get(figure)
        cells += [with_interval(group["headline"][figure]), "reference" if gap is None else with_interval(gap, True)]
    mark = "\u2020" if group["absent_labels"] else ""
    return model, group["group"] + mark, count(group["n_spans"]), count(group["n_patients"]), *cells


def _withheld(grouping: dict[str, Any]) -> str:
    n_groups = len(grouping["withheld"])
    if not n_groups:
        return "no group withheld"
    n_spans = grouping["n_withheld_spans"]
    spans = "too few spans to be told" if n_spans is None else f"{n_spans:,} spans together"
    return f"{n_groups:,} group{'s' if n_groups > 1 else ''} withheld, {spans}"


def _errors_by_id(report: dict[str, Any], task: str, results: dict[str, Result]) -> Iterator[Table]:
    columns = ("note_id", "clean_start", "anchor", "true", "predicted", "probability")
    for name, result in results.items():
        errors = result["errors"]
        rows = [
            (
                str(error["note_id"] or NONE),
                NONE if error["clean_start"] is None else str(error["clean_start"]),
                str(error["anchor"]),
                error["true"],
                error["predicted"],
                number(error["probability"]),
            )
            for error in errors[:LISTED_ERRORS]
        ]
        if rows:
            listed = "all" if len(rows) == len(errors) else f"the {len(rows):,} it was surest of, all in report.json,"
            caption = f"{name}: {listed} of {len(errors):,} errors; offsets are into the cleaned note"
            yield Table(caption, columns, tuple(rows), "lrlllr", is_folded=True)
