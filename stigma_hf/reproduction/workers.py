"""Share jobs among processes, each with a GPU of its own or a fixed number of threads.

`concurrent.futures` gives all of its jobs up when one process dies. Here a process that dies costs the job it was
doing, and another takes its place.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from stigma_hf.reporting.problems import Problems

J = TypeVar("J")

_SECONDS_TO_END = 10


@dataclass(frozen=True)
class Outcome(Generic[J]):
    """What became of a job.

    Attributes:
        job: The job.
        result: What the work gave; None if it failed.
        problem: Why it failed, without any text of notes; None if it did not.
    """

    job: J
    result: Any
    problem: str | None


@dataclass(frozen=True)
class Workers:
    """Processes that share jobs.

    Attributes:
        number: How many, from 1 on; for each GPU that may be used, else 1, if None.
        device: `auto`, `cpu` or `cuda`; the first uses GPUs if there are any.
        threads: Threads of each process. Sums over threads differ in their last digits, so that numbers are equal for
            any number of workers, but not for any number of threads.
    """

    number: int | None = None
    device: str = "auto"
    threads: int = 1

    def places(self) -> list[str | None]:
        """The GPU of each worker, as `CUDA_VISIBLE_DEVICES` names it; None for a worker without."""
        gpus = [] if self.device == "cpu" else visible_gpus()
        number = self.number or max(1, len(gpus))
        return [gpus[worker % len(gpus)] if gpus else None for worker in range(number)]


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, by the names that its own environment has for them."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = named.split(",") if named else [str(place) for place in range(torch.cuda.device_count())]
    return names[: torch.cuda.device_count()]


def share_out(
    jobs: Sequence[J], work: Callable[[J], Any], workers: Workers, prepare: Callable[[], None] | None = None
) -> Iterator[Outcome[J]]:
    """Do jobs in worker processes, and tell what became of each as soon as it is known.

    Args:
        jobs: What to do, in this order; they are pickled.
        work: Does a job; pickled once for each process.
        workers: The processes.
        prepare: Called in each process before its first job.
    """
    waiting = deque(jobs)
    team = [_Worker(work, prepare, place, workers.threads) for place in workers.places()[: len(jobs)]]
    try:
        for worker in team:
            worker.begin(waiting.popleft())
        while busy := {worker.connection: worker for worker in team if worker.job is not None}:
            for connection in wait(list(busy)):
                worker = busy[connection]
                yield worker.collect()
                if waiting:
                    worker.begin(waiting.popleft())
    finally:
        for worker in team:
            worker.end()


class _Worker:
    """A process that is started when it gets a job and started again after it died."""

    def __init__(self, *settings: Any) -> None:
        self._settings = settings
        self._process: Any = None
        self.connection: Any = None
        self.job: Any = None

    def begin(self, job: Any) -> None:
        """Give it a job."""
        if self._process is None:
            # Spawned, for a process that is forked cannot use CUDA and inherits locks that nobody opens.
            context = multiprocessing.get_context("spawn")
            self.connection, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, *self._settings), daemon=True)
            self._process.start()
            theirs.close()
        self.job = job
        try:
            self.connection.send(job)
        except BrokenPipeError:
            pass  # It died just now; `collect` finds that out.

    def collect(self) -> Outcome[Any]:
        """What became of its job, once its connection has something to say."""
        job, self.job = self.job, None
        try:
            return Outcome(job, *self.connection.recv())
        except (EOFError, ConnectionResetError):
            self._process.join()
            status = self._process.exitcode
            self._process = None
            how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
            return Outcome(job, None, f"the worker process died ({how}); too little memory is the usual reason")

    def end(self) -> None:
        """Stop it, whatever it does."""
        if self._process is not None:
            self._process.terminate()
            self._process.join(_SECONDS_TO_END)
            self._process.kill()


def _serve(
    connection: Connection,
    work: Callable[[Any], Any],
    prepare: Callable[[], None] | None,
    gpu: str | None,
    threads: int,
) -> None:
    """The life of a worker process."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    _use_threads(threads)
    # An interrupt from the keyboard reaches every process; the one that started this one answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # What went wrong is told by the process that started this one.
    logging.getLogger("stigma_hf").setLevel(logging.ERROR)
    if prepare:
        prepare()
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(_attempt(work, job))


def _use_threads(number: int) -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(number)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import torch

    torch.set_num_threads(number)


def _attempt(work: Callable[[Any], Any], job: Any) -> tuple[Any, str | None]:
    """What a job gives, or why it gives nothing."""
    problems = Problems()
    result = problems.attempt_anything("", None, lambda: work(job))
    return result, problems.found[0]["problem"] if problems.found else None


def _end_with_parent() -> None:
    """End this process at once when the one that started it is gone, even in the middle of a job."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
