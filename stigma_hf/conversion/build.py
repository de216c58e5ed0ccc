"""From a released model to one of ours, with the answers that it must give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stigma_hf import __version__
from stigma_hf.context_window import ContextWindow
from stigma_hf.conversion.baseline_files import BASELINE_FILES, read_baseline
from stigma_hf.conversion.checkpoints import Checkpoint, read_checkpoint
from stigma_hf.conversion.layout import ENCODERS, FoundModel
from stigma_hf.conversion.preprocessing import PREPROCESSING_FILE, read_preprocessing
from stigma_hf.conversion.sample_windows import sample_windows
from stigma_hf.conversion.verification import Predictor, ReleasedAnswers

WINDOWS_PER_TASK = {"baseline": 100, "encoder": 30}
"""Invented windows on which the answers are computed in two ways; an encoder takes its time for each."""


@dataclass(frozen=True)
class BuiltModel:
    """A model of ours that is not yet written or proven.

    Attributes:
        save: Writes it to a folder, and all it needs.
        load: Gives the predictions of the model in a folder.
        labels: Labels of each task, in its order.
        targets: The same in the order of the release.
        tie_order: The order in which labels win ties, where it is not label order.
        window_words: Words on either side of an anchor.
        answers: What it must answer.
        files: The released files it was made from.
        notes: What else a person should know.
        unproven: Why the answers above are not proof enough; empty if they are.
    """

    save: Callable[[Path], None]
    load: Callable[[Path], Predictor]
    labels: Mapping[str, Sequence[str]]
    targets: Mapping[str, Sequence[str]]
    tie_order: Mapping[str, Sequence[str]]
    window_words: int
    answers: Sequence[ReleasedAnswers]
    files: Sequence[Path]
    notes: Sequence[str]
    unproven: str = ""


def build_baseline(found: FoundModel, provenance: Mapping[str, Any]) -> BuiltModel:
    """Our model of a released baseline.

    Raises:
        UsageError: If a file is missing, refused, or holds what this package has no counterpart of.
    """
    from stigma_hf.baseline.modeling import BaselineClassifier
    from stigma_hf.conversion.baselines import to_model

    preprocessing = read_preprocessing(found.root)
    released = {
        task: read_baseline(folder, task, found.estimator, preprocessing) for task, folder in found.folders.items()
    }
    model = to_model(released, found.estimator, preprocessing, _title(found), provenance)
    config = model.config
    config.training |= {"converted_from": found.name, "stigma_hf_version": __version__}
    if preprocessing.removed_anchors:
        config.training["removed_anchors"] = list(preprocessing.removed_anchors)
    answers = []
    for task, of_task in released.items():
        windows = sample_windows(task, preprocessing.window_words, WINDOWS_PER_TASK[found.kind])
        rows = [dict(zip(of_task.targets, of_task.probabilities(w).tolist(), strict=True)) for w in windows]
        answers.append(ReleasedAnswers(task, "direct", windows, rows, of_task.targets))
    names = [folder / name for folder in found.folders.values() for name in BASELINE_FILES]
    rules = ", ".join(preprocessing.different_rules) if found.estimator.startswith("logistic") else ""
    return BuiltModel(
        save=model.save_pretrained,
        load=lambda folder: _predict_baseline(BaselineClassifier.from_pretrained(folder)),
        labels=config.labels,
        targets={task: of_task.targets for task, of_task in released.items()},
        tie_order=config.tie_order,
        window_words=config.window_words,
        answers=answers,
        files=[found.root / PREPROCESSING_FILE, *names],
        notes=[f"cuts text by other {rules} than the release"] if rules else [],
        unproven=rules
        and f"its tokenizer has other {rules} than this package, which another version of spaCy or "
        "medspaCy had, so texts could be cut into other tokens",
    )


def build_encoder(
    found: FoundModel,
    provenance: Mapping[str, Any],
    encoder: str | None,
    tokenizer: str | None,
    number: int | None,
) -> BuiltModel:
    """Our model of released encoder checkpoints.

    Args:
        found: The released model.
        provenance: Where it comes from.
        encoder: Folder or hub id of configuration and tokenizer; what the release was trained from when None.
        tokenizer: Folder or hub id of the tokenizer, if it is elsewhere.
        number: Number of the checkpoint, where `best_model.json` shall not decide.

    Raises:
        UsageError: If a file is missing, refused, or holds what this package has no counterpart of.
    """
    from stigma_hf.conversion.encoder_source import check_tokenizer, load_source
    from stigma_hf.conversion.encoders import EncoderMerger, direct_probabilities, split_checkpoint
    from stigma_hf.conversion.torch_files import read_weights

    checkpoints = {task: read_checkpoint(folder, task, number) for task, folder in found.folders.items()}
    source = load_source(encoder or _encoder_of(found, checkpoints), tokenizer)
    answers, notes = [], []
    merger: EncoderMerger | None = None
    for task, checkpoint in checkpoints.items():
        # One checkpoint at a time: each takes hundreds of megabytes.
        released = split_checkpoint(checkpoint, read_weights(checkpoint.weights_file), source)
        if merger is None:
            check_tokenizer(source)
            merger = EncoderMerger(checkpoints, source, _title(found), provenance)
        merger.add(released)
        windows = sample_windows(task, merger.model.config.window_words, WINDOWS_PER_TASK[found.kind])
        rows = [
            None if row is None else dict(zip(checkpoint.targets, row, strict=True))
            for row in direct_probabilities(released, source, windows)
        ]
        answers.append(ReleasedAnswers(task, "direct", windows, rows, checkpoint.targets))
        if released.unused:
            notes.append(f"{task}: weights without effect on any answer: {', '.join(released.unused)}")
        if checkpoint.unused:
            notes.append(f"{task}: entries of init.pth that nothing here uses: {', '.join(checkpoint.unused)}")
    assert merger is not None
    model = merger.model
    model.config.training = {
        "converted_from": found.name,
        "stigma_hf_version": __version__,
        "tasks": {task: {"checkpoint": each.folder.name} for task, each in checkpoints.items()},
    }

    def save(folder: Path) -> None:
        model.save_pretrained(folder)
        source.tokenizer.save_pretrained(folder)

    return BuiltModel(
        save=save,
        load=_load_encoder,
        labels=model.config.labels,
        targets={task: each.targets for task, each in checkpoints.items()},
        tie_order={},
        window_words=model.config.window_words,
        answers=answers,
        files=[each.folder / name for each in checkpoints.values() for name in ("init.pth", "model.pth")],
        notes=notes,
    )


def _title(found: FoundModel) -> str:
    return f"{found.title}, converted from the 2023 release"


def _encoder_of(found: FoundModel, checkpoints: Mapping[str, Checkpoint]) -> str:
    """The encoder that a released model was trained from, else the one that its checkpoints name."""
    if found.name in ENCODERS:
        return ENCODERS[found.name][1]
    return next(iter(checkpoints.values())).encoder_name


def _predict_baseline(model: Any) -> Predictor:
    def predict(windows: Sequence[ContextWindow]) -> Sequence[np.ndarray]:
        return model(list(windows))["probabilities"]

    return predict


def _load_encoder(folder: Path) -> Predictor:
    from stigma_hf.encoder.opening import open_classifier

    model, tokenizer = open_classifier(str(folder))

    def predict(windows: Sequence[ContextWindow]) -> Sequence[np.ndarray]:
        return model.predict_proba(windows, tokenizer)

    return predict
