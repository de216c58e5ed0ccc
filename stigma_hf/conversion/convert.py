"""Convert the released models: find them, build ours, prove the answers equal, and only then keep the folder."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from stigma_hf.cards import render_model_card
from stigma_hf.cards.access import LICENSE
from stigma_hf.conversion.build import BuiltModel, build_baseline, build_encoder
from stigma_hf.conversion.expected import ExpectedPrediction, of_model, read_expected
from stigma_hf.conversion.layout import FoundModel, find_released
from stigma_hf.conversion.report import REPORT_FILE, ConvertedModel, sums_of
from stigma_hf.conversion.verification import TOLERANCE, Proof, ReleasedAnswers, prove
from stigma_hf.errors import UsageError
from stigma_hf.mimic.output import finished_folder, private_folder
from stigma_hf.released_models import remember

PROVENANCE = {
    "source": "MIMIC-IV derived",
    "resource": "Characterization of Stigmatizing Language in Medical Records, PhysioNet, 2023",
    "license": LICENSE,
}
"""Where every converted model comes from; what is made from MIMIC-IV is published under its rules only."""


def convert(
    source: str | Path,
    out: str | Path,
    encoder: str | None = None,
    tokenizer: str | None = None,
    fold: int | None = None,
    checkpoint: int | None = None,
    expected: str | Path | None = None,
    overwrite: bool = False,
    on_model: Callable[[str], Any] | None = None,
) -> list[ConvertedModel]:
    """Convert every released model in a folder, each to a folder of its name with all its tasks.

    A folder gets its name only when the model in it, loaded again, has given the answers of the release.

    Args:
        source: The release, one of its folders, or a folder within one.
        out: Where to put the folders.
        encoder: Folder or hub id of the encoder's configuration and tokenizer; that of the release when None.
        tokenizer: Folder or hub id of the tokenizer, if it is elsewhere.
        fold: Which fold, where there are several.
        checkpoint: Which checkpoint, where `best_model.json` shall not decide.
        expected: File of predictions of the released toolkit, as `read_expected` takes.
        overwrite: Whether to replace folders of an earlier conversion.
        on_model: Called with the name of each model when its turn comes.

    Raises:
        UsageError: If an input is not as it should be, or answers differ. What was finished before is kept.
    """
    models = find_released(source, fold)
    predictions = read_expected(expected) if expected else []
    folder = private_folder(out)
    for found in models:
        _check_free(folder / found.name, overwrite)
    converted = []
    for found in models:
        if on_model:
            on_model(found.name)
        of_this = of_model(predictions, found.name, only_model=len(models) == 1)
        begin = time.monotonic()
        built = (
            build_baseline(found, PROVENANCE)
            if found.kind == "baseline"
            else build_encoder(found, PROVENANCE, encoder, tokenizer, checkpoint)
        )
        converted.append(_write(found, built, of_this, folder / found.name, begin))
        remember(found.name, folder / found.name)
    return converted


def _check_free(folder: Path, overwrite: bool) -> None:
    """Raise if something is there that is not to be replaced."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not overwrite:
            raise UsageError(f"{folder}: expected a new folder, found one that is not empty; --overwrite replaces it")
        if not (folder / REPORT_FILE).is_file():
            raise UsageError(f"{folder}: expected a converted model to replace, found something else; move it away")


def _write(
    found: FoundModel,
    built: BuiltModel,
    predictions: Mapping[str, Sequence[ExpectedPrediction]],
    folder: Path,
    begin: float,
) -> ConvertedModel:
    """Write the model, load it again, prove it, and give the folder its name."""
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with finished_folder(fresh) as partial:
        try:
            built.save(partial)
        except (OSError, SafetensorError) as error:
            raise UsageError(f"{folder}: cannot be written, and nothing of it is left: {error}") from error
        (partial / "README.md").write_text(render_model_card(partial), encoding="utf-8")
        converted = ConvertedModel(
            found.name,
            found.title,
            folder,
            sums_of(built.files, found.root),
            built.targets,
            _prove(found, built, predictions, partial),
            built.notes,
            time.monotonic() - begin,
        )
        converted.save(partial)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return converted


def _prove(
    found: FoundModel, built: BuiltModel, predictions: Mapping[str, Sequence[ExpectedPrediction]], folder: Path
) -> list[Proof]:
    """Every proof that can be made of the model in a folder."""
    if built.unproven and set(predictions) < set(built.labels):
        raise UsageError(
            f"{found.root}: {built.unproven}; it is converted only if predictions of the released toolkit show that "
            "its answers stay the same: give them by --expected"
        )
    answers = list(built.answers)
    for task, of_task in predictions.items():
        if task in built.labels:
            answers.append(_expected_answers(task, of_task, built))
    predict = built.load(folder)
    return [
        prove(predict, built.labels[a.task], a, TOLERANCE[found.kind], built.tie_order.get(a.task, ()))
        for a in answers
    ]


def _expected_answers(task: str, predictions: Sequence[ExpectedPrediction], built: BuiltModel) -> ReleasedAnswers:
    labels = set(built.labels[task])
    for place, prediction in enumerate(predictions):
        if prediction.probabilities is not None and prediction.probabilities.keys() != labels:
            raise UsageError(
                f"expected predictions of {task}, number {place}: expected the labels {', '.join(sorted(labels))}, "
                f"found {len(prediction.probabilities)} others"
            )
    return ReleasedAnswers(
        task,
        "expected",
        [prediction.window for prediction in predictions],
        [prediction.probabilities for prediction in predictions],
        built.targets[task],
    )
