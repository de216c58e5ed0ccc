"""An experiment: some models, each trained and scored on every part of the spans, gone on with wherever it stopped."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from stigma_hf.errors import UsageError
from stigma_hf.mimic.output import private_folder
from stigma_hf.reporting.wording import without_home
from stigma_hf.reproduction.divisions import Divisions
from stigma_hf.reproduction.labelled_data import LabelledData, read_labelled_data
from stigma_hf.reproduction.runs import Run, RunStore
from stigma_hf.reproduction.training import AnyRecipe, RunTraining, be_quiet, identity
from stigma_hf.reproduction.workers import Workers, share_out
from stigma_hf.tasks import load_tasks
from stigma_hf.training.recipes import EncoderRecipe

OnRun = Callable[[Run | None, int, int], Any]
"""Called with the run that has just ended, None before the first, how many have ended, and how many there are."""


@dataclass(frozen=True)
class Experiment:
    """What to train, and where to keep it.

    Attributes:
        data_folder: Folder of `stigma-hf build-dataset`.
        out: Folder to write to.
        recipes: Name of a model to its recipe.
        divisions: How the spans are divided among runs.
        workers: The processes that share the runs.
        keep_models: Whether trained models are kept.
        overwrite: Whether runs that were done with other data, recipes or parts are removed first.
    """

    data_folder: Path
    out: Path
    recipes: Mapping[str, AnyRecipe]
    divisions: Divisions
    workers: Workers = field(default_factory=Workers)
    keep_models: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Results:
    """What came of an experiment.

    Attributes:
        data: The spans.
        records: Each finished run to what it came to.
        problems: What was left out or failed, each with `model`, `task`, `part` (None for all)
            and `problem`.
        n_done_before: How many runs were finished before.
    """

    data: LabelledData
    records: dict[Run, dict[str, Any]]
    problems: list[dict[str, Any]]
    n_done_before: int

    def score(self, run: Run, figure: str = "macro_f1") -> float | None:
        """A figure of a run on the test spans; None if it is not finished."""
        record = self.records.get(run)
        return record["scores"]["test"][figure] if record else None


def carry_out(experiment: Experiment, on_run: OnRun | None = None) -> Results:
    """Do every run that is not finished; one that fails is noted, costs no other, and is tried again the next time.

    Args:
        experiment: What to train.
        on_run: Called as runs end.

    Raises:
        UsageError: If the spans are not as they should be, the folder holds other runs, or another process uses it.
    """
    data = read_labelled_data(experiment.data_folder)
    fingerprints = data.fingerprints
    identities = {
        model: identity(recipe, experiment.divisions, fingerprints) for model, recipe in experiment.recipes.items()
    }
    store = RunStore(experiment.out.expanduser().absolute(), identities)
    work = RunTraining(
        experiment.data_folder.expanduser().absolute(),
        fingerprints,
        experiment.recipes,
        experiment.divisions,
        store,
        experiment.workers.device,
        experiment.keep_models,
    )
    private_folder(experiment.out)
    with _alone(experiment.out):
        if experiment.overwrite:
            store.clear()
        store.check()
        return _finish_runs(data, store, work, experiment.workers, on_run)


def _finish_runs(
    data: LabelledData, store: RunStore, work: RunTraining, workers: Workers, on_run: OnRun | None
) -> Results:
    problems = [
        _problem(None, task, None, "not every split has spans of this task; it was left out")
        for task in load_tasks()
        if task not in data.tasks
    ]
    parts = work.divisions.parts()
    runs = [Run(model, task, part) for model in work.recipes for part in parts for task in data.tasks]
    records = {run: record for run in runs if (record := store.record(run)) is not None}
    n_done_before = len(records)
    unable = _unable(work.recipes, {run.model for run in runs if run not in records})
    problems += [_problem(model, None, None, f"not run: {reason}") for model, reason in unable.items()]
    pending = [run for run in runs if run not in records and run.model not in unable]
    store.open(sorted({run.model for run in pending}))
    if on_run:
        on_run(None, n_done_before, n_done_before + len(pending))
    for number, outcome in enumerate(share_out(pending, work, workers, be_quiet), start=1):
        run = outcome.job
        if outcome.problem is None:
            records[run] = outcome.result
        else:
            problems.append(_problem(run.model, run.task, run.part, outcome.problem))
        if on_run:
            on_run(run, n_done_before + number, n_done_before + len(pending))
    return Results(data, records, problems, n_done_before)


def _problem(model: str | None, task: str | None, part: str | None, problem: str) -> dict[str, Any]:
    return {"model": model, "task": task, "part": part, "problem": without_home(problem)}


def _unable(recipes: Mapping[str, AnyRecipe], models: Iterable[str]) -> dict[str, str]:
    """The models, among some, whose encoder is not to be had, and why: found out once and not in every run.

    This also downloads, in one process, what the others would all download at once.
    """
    from stigma_hf.encoder.pretrained import load_encoder, load_tokenizer

    reasons: dict[tuple[str, bool], str | None] = {}
    unable = {}
    for model in sorted(models):
        recipe = recipes[model]
        if not isinstance(recipe, EncoderRecipe) or not isinstance(recipe.encoder, str):
            continue
        wanted = recipe.encoder, recipe.pooling == "pooler"
        if wanted not in reasons:
            try:
                load_tokenizer(recipe.encoder)
                load_encoder(*wanted)
                reasons[wanted] = None
            except ValueError as error:
                reasons[wanted] = str(error)
        if reason := reasons[wanted]:
            unable[model] = reason
    return unable


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to a folder; the system ends that with this process, however it ends."""
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise UsageError(
            f"{folder}: another process is writing to this folder; wait for it, or choose another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()
