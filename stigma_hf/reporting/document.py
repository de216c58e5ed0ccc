"""From the figures of a report to what people read, part by part."""

from collections.abc import Iterator
from typing import Any

from stigma_hf.reporting.blocks import Plots, Section, Table, Text
from stigma_hf.reporting.task_sections import task_sections
from stigma_hf.reporting.wording import FIGURE_NAMES, NONE, count, number, p_value, problem_text, with_interval

HEADLINE = ("macro_f1", "accuracy", "macro_roc_auc", "macro_average_precision", "brier", "calibration_error")
"""Figures of the headline table."""


def sections(report: dict[str, Any]) -> list[Section]:
    """The whole of a report, headline first and record last.

    Args:
        report: What `evaluate_models` gathered.
    """
    parts = [_headline(report), _folds(report), _comparisons(report)]
    for task in report["tasks"]:
        parts += task_sections(report, task)
    parts += [_problems(report), _record(report)]
    return [part for part in parts if part.blocks]


def headline_rows(report: dict[str, Any], task: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each single model that was evaluated on a task, with its headline figures."""
    for model in report["models"]:
        if task in model["tasks"]:
            yield model["name"], model["tasks"][task]["scores"]["headline"]


def _headline(report: dict[str, Any]) -> Section:
    section = Section("Headline")
    settings = report["settings"]
    if settings["resamples"]:
        section.blocks.append(
            Text(
                f"In parentheses: {settings['level']:.0%} intervals, percentiles of {settings['resamples']:,} "
                "resamples that draw patients with all their spans. More is better but for the Brier score and the "
                "calibration error. Macro figures are over the labels that occur."
            )
        )
    section.blocks.append(Plots(("headline",)))
    for task, about in report["tasks"].items():
        rows = [
            (name, *(with_interval(figures[figure]) for figure in HEADLINE))
            for name, figures in headline_rows(report, task)
        ]
        if rows:
            caption = f"{about['name']}: {report['split']} split, {_numbers(about)}"
            section.blocks.append(Table(caption, ("model", *(FIGURE_NAMES[name] for name in HEADLINE)), tuple(rows)))
    return section


def _numbers(about: dict[str, Any]) -> str:
    patients = "" if about["n_patients"] is None else f" of {about['n_patients']:,} patients"
    return f"{about['n_spans']:,} spans{patients}"


def _folds(report: dict[str, Any]) -> Section:
    section = Section("Cross-validations")
    for task, about in report["tasks"].items():
        rows = []
        for model in report["models"]:
            for figure in ("macro_f1", "accuracy"):
                if found := ((model["folds"] or {}).get(task) or {}).get(figure):
                    spread = f"{number(found['mean'])} \u00b1 {number(found['sd'])}"
                    of_folds = ", ".join(map(number, found["folds"]))
                    rows.append((model["name"], FIGURE_NAMES[figure], spread, of_folds))
        if rows:
            caption = f"{about['name']}: mean and standard deviation over folds, all scored on the same spans"
            section.blocks.append(Table(caption, ("model", "figure", "mean \u00b1 sd", "folds"), tuple(rows), "llrl"))
    return section


def _comparisons(report: dict[str, Any]) -> Section:
    return Section("Comparisons", 2, [*_over_patients(report), *_over_folds(report)])


def _over_patients(report: dict[str, Any]) -> Iterator[Text | Table]:
    tests = report["comparisons"]["paired_bootstrap"]
    if tests:
        yield Text(
            "Paired bootstrap: both models on the same draws of patients. Differences are first minus second. The "
            f"{len(tests)} p-values are two-sided and not adjusted for their number; divide the level that you would "
            f"ask of one test by {len(tests)} to be safe (Bonferroni)."
        )
    for task, about in report["tasks"].items():
        rows = [
            _test_row(test, with_interval({**test, "value": test["difference"]}, sign=True))
            for test in tests
            if test["task"] == task
        ]
        if rows:
            columns = ("first model", "second model", "figure", "of first", "of second", "difference", "p")
            yield Table(f"{about['name']}: paired bootstrap", columns, tuple(rows), "lllrrrr")


def _over_folds(report: dict[str, Any]) -> Iterator[Text | Table]:
    tests = report["comparisons"]["paired_t_test_over_folds"]
    if tests:
        yield Text(
            "Folds share most of their training spans and all evaluated spans, so the p-values of the t-test, made as "
            "published, are too small."
        )
    for task, about in report["tasks"].items():
        rows = [_fold_row(test) for test in tests if test["task"] == task]
        if rows:
            columns = ("first model", "second model", "figure", "folds", "left out", "difference", "t", "p")
            yield Table(f"{about['name']}: paired t-test over folds", columns, tuple(rows), "lllrrrrr")


def _test_row(test: dict[str, Any], difference: str) -> tuple[str, ...]:
    values = (number(test["first_value"]), number(test["second_value"]))
    return test["first"], test["second"], FIGURE_NAMES[test["figure"]], *values, difference, p_value(test["p_value"])


def _fold_row(test: dict[str, Any]) -> tuple[str, ...]:
    difference = with_interval({**test, "value": test["mean_difference"]}, sign=True)
    numbers = (count(test["n_folds"]), count(test["n_left_out"]), difference, number(test["t"], 2))
    return test["first"], test["second"], FIGURE_NAMES[test["figure"]], *numbers, p_value(test["p_value"])


def _problems(report: dict[str, Any]) -> Section:
    return Section("Problems", 2, [Text(problem_text(entry), is_caution=True) for entry in report["problems"]])


def _record(report: dict[str, Any]) -> Section:
    """What it takes to make every number again."""
    section, record = Section("Record"), report["record"]
    commit = record["git_commit"] or NONE
    if record["has_uncommitted_changes"]:
        commit += " with uncommitted changes"
    rows = [
        ("command", record["command"]),
        ("seed", str(record["seed"])),
        *(
            (f"{split} spans", f"{data['n_spans']:,}, fingerprint {data['fingerprint']}")
            for split, data in record["data"].items()
        ),
        ("source", ", ".join(f"{name} {value}" for name, value in (record["provenance"] or {}).items()) or "unknown"),
        ("started", f"{record['started']}, took {number(record['seconds'], 1)} s"),
        ("stigma_hf", f"{record['stigma_hf_version']}, commit {commit}"),
        ("Python", record["python_version"]),
        ("packages", ", ".join(f"{name} {version}" for name, version in record["package_versions"].items())),
        ("machine", record["machine"]),
    ]
    section.blocks.append(Table("How these figures came about", ("what", "value"), tuple(rows), "ll"))
    section.blocks.append(
        Table("Models", ("model", "title", "path", "source", "digest"), tuple(_models(report)), "lllll")
    )
    return section


def _models(report: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for model in report["models"]:
        for fold, about in enumerate(model["about"]):
            name = f"{model['name']}, fold {fold}" if model["is_cross_validation"] else model["name"]
            known = about or {}
            yield (
                name,
                known.get("title") or NONE,
                model["path"],
                known.get("source") or "failed",
                known.get("digest") or known.get("revision") or NONE,
            )
