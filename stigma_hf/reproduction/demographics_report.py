"""Table 7 of the paper on any spans: all its figures with their record, and as Markdown."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.experiment import record_experiment
from stigma_hf.mimic.splits import SPLITS
from stigma_hf.reporting.models import describe_model
from stigma_hf.reporting.problems import Problems
from stigma_hf.reporting.settings import MIN_CELL
from stigma_hf.reporting.wording import NONE, problem_text, without_home
from stigma_hf.reproduction.demographics import (
    ATTRIBUTES,
    FEATURES,
    measure_demographics,
    read_published_demographics,
)
from stigma_hf.reproduction.labelled_data import read_labelled_data
from stigma_hf.reproduction.probe_embeddings import Embedder
from stigma_hf.reproduction.summary import banner, markdown_table, record_lines, spread
from stigma_hf.tasks import load_tasks

SCHEMA_VERSION = 1
"""Grows when a name in the report changes its meaning or goes away."""

NAMES = {"anchor": "anchor", "label": "label", "service": "speciality", "sex": "sex", "race": "race"}
"""Attributes as Table 7 calls them."""


def reproduce_table7(
    data_folder: str | Path,
    model: str | None = None,
    folds: int = 5,
    seed: int = 0,
    splits: Sequence[str] = SPLITS,
    min_cell: int = MIN_CELL,
    batch_size: int | None = None,
    device: str | None = None,
    on_step: Callable[[str], Any] | None = None,
) -> dict[str, Any]:
    """What can be told from anchors, labels, services and embeddings, as JSON holds it.

    Args:
        data_folder: Folder of `stigma-hf build-dataset`.
        model: What gives anchors their embeddings, as `Embedder.open` takes it; the rows without embeddings alone
            when None.
        folds: Folds of the patients, from 2 on.
        seed: Seed of the folds, and of an encoder of fresh weights.
        splits: The splits whose spans are used.
        min_cell: Spans, or patients, below which nothing is said of an attribute.
        batch_size: Windows per forward pass; what suits the model when None.
        device: Where the model runs; the CPU when None.
        on_step: Called with what is done next.

    Raises:
        UsageError: If the spans or the model are not as they should be.
    """
    started, problems = datetime.now(UTC), Problems()
    if unknown := [split for split in splits if split not in SPLITS]:
        raise UsageError(f"expected splits among {', '.join(SPLITS)}, found {', '.join(map(repr, unknown))}")
    data = read_labelled_data(data_folder)
    embedder = None if model is None else Embedder.open(model, seed, device)
    table = measure_demographics(data, embedder, problems, folds, seed, splits, min_cell, batch_size, on_step)
    published = read_published_demographics()
    cells = []
    for cell in table.cells:
        mean, sd = published.get((cell.task, cell.features, cell.attribute), (None, None))
        cells.append(asdict(cell) | {"published_mean": mean, "published_sd": sd})
    used = {split: data.rows.splits[split] for split in splits}
    return {
        "schema_version": SCHEMA_VERSION,
        "source": data.rows.source,
        "settings": {"folds": folds, "seed": seed, "splits": list(splits), "min_cell": min_cell},
        "model": None if model is None or embedder is None else _about(model, embedder),
        "n_windows": table.n_windows,
        "n_windows_with_gendered_words": table.n_changed,
        "attributes": [asdict(attribute) for attribute in table.attributes],
        "cells": cells,
        "problems": problems.found,
        "record": record_experiment(seed, used, data.rows.provenance, started=started).to_dict(),
    }


def _about(name: str, embedder: Embedder) -> dict[str, Any]:
    about = describe_model(name, embedder.config)
    return {"path": without_home(name), "is_trained_on_labels": embedder.is_trained, **about}


def render_table7(report: dict[str, Any]) -> str:
    """The text.

    Args:
        report: What `reproduce_table7` gathered.
    """
    return "\n".join(_lines(report)) + "\n"


def about_table7(report: dict[str, Any]) -> list[str]:
    """What the figures are, for people, a sentence or two each."""
    folds, splits = report["settings"]["folds"], ", ".join(report["settings"]["splits"])
    told = [
        f"Macro F1 on patients that a logistic regression was not fitted on: mean\u00b1sd over {folds} folds of the "
        f"patients ({splits} spans together). Embeddings are standardised; categories are one-hot, alone and in every "
        "combination. Races are black, white and other, as in the paper; unknown ones are left out. Below each row "
        "stands what Table 7 prints for MIMIC, where the embedding is that of clinical BERT."
    ]
    if report["model"] and report["model"]["is_trained_on_labels"] and "train" in report["settings"]["splits"]:
        told.append(
            "The model may have been trained on some of these spans; what its embedding tells of the label is then "
            "better than on others."
        )
    if report["source"] == "synthetic":
        told.append("Invented sentences repeat: words around an anchor give it away more often than in notes.")
    return told


def table7_rows(report: dict[str, Any], task: str) -> Iterator[list[str]]:
    """Two rows for each kind of features that was measured: here, and as published."""
    cells = {(cell["features"], cell["attribute"]): cell for cell in report["cells"] if cell["task"] == task}
    for features in FEATURES:
        of_features = [cells.get((features, attribute)) for attribute in ATTRIBUTES]
        if any(of_features):
            here = [_written(cell) for cell in of_features]
            published = [spread(cell["published_mean"], cell["published_sd"]) if cell else "" for cell in of_features]
            yield [features, "here", *here]
            yield ["", "published", *published]


def _written(cell: dict[str, Any] | None) -> str:
    """A measured cell; the number of folds stands behind it where some could not be fitted."""
    if cell is None:
        return ""
    score = cell["score"]
    done = sum(fold is not None for fold in score["folds"])
    text = spread(score["mean"], score["sd"])
    return text if done in (0, len(score["folds"])) else f"{text} ({done})"


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield from ("# What embeddings tell (Table 7 of Harrigian et al. 2023)", "")
    yield from (f"> **{banner(report['source'])}**", "")
    for told in about_table7(report):
        yield from (told, "")
    yield from (f"Model: {_model_text(report)}", "")
    for task in report["n_windows"]:
        yield from (f"## {load_tasks()[task].name}", "")
        yield from markdown_table(["features", "", *NAMES.values()], table7_rows(report, task))
        rows = [a for a in report["attributes"] if a["task"] == task]
        yield from markdown_table(
            ["known values", *(NAMES[a["attribute"]] for a in rows)],
            [
                [title, *(f"{attribute[key]:,}" for attribute in rows)]
                for title, key in (("spans", "n_spans"), ("patients", "n_patients"), ("classes", "n_classes"))
            ],
        )
        if task in report["n_windows_with_gendered_words"]:
            n_changed, n_windows = report["n_windows_with_gendered_words"][task], report["n_windows"][task]
            yield from (f"Gender-neutral words change {n_changed:,} of {n_windows:,} windows.", "")
    if report["problems"]:
        yield from ("## Problems", "", *(f"- {problem_text(entry)}" for entry in report["problems"]), "")
    yield from ("## Record", "", *(f"- {line}" for line in record_lines({**report, "made_with": []})))


def _model_text(report: dict[str, Any]) -> str:
    model = report["model"]
    if model is None:
        return f"{NONE} (no embeddings were asked for)"
    trained = "trained on labelled spans" if model["is_trained_on_labels"] else "an encoder as it is, not trained here"
    return f"{model['path']}, {trained}, digest {model['digest'] or NONE}"
