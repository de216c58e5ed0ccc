"""Train in several processes: start them, and refuse launches that start one where several were asked for."""

import os
from collections.abc import Callable
from typing import Any

from stigma_hf.errors import UsageError


def check_launch() -> None:
    """Raise if `accelerate launch` was asked for several processes and started a single one, which it does silently.

    It then names a meeting place (`MASTER_ADDR`) and nobody to meet (no `WORLD_SIZE`): with `--cpu --num_processes 2`,
    with a configuration file of `distributed_type: MULTI_CPU`, and with `--num_processes 2` where there is no GPU.

    Raises:
        UsageError: If so.
    """
    launched = "ACCELERATE_MIXED_PRECISION" in os.environ and "MASTER_ADDR" in os.environ
    if launched and "WORLD_SIZE" not in os.environ:
        raise UsageError(
            "accelerate launch was asked for several processes and started one. Without GPUs, several are started by "
            "`accelerate launch --multi_gpu --num_processes 2 --num_machines 1 ...`, by `torchrun --nproc_per_node 2 "
            "...`, and by `stigma-hf train ... --processes 2`"
        )


def run_in_processes(number: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in several processes of this machine, which can train together.

    Args:
        number: How many processes; with GPUs, at most one for each.
        function: What each calls; importable, for the processes are started afresh.
        *arguments: What it is called with; they are pickled.

    Returns:
        What the function gives back in the first process.

    Raises:
        UsageError: If this process is one of several already, a process raised a UsageError, or one ended in failure.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    if "WORLD_SIZE" in os.environ:
        raise UsageError(f"expected no --processes under a launcher, which started {os.environ['WORLD_SIZE']} already")
    settings = {
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // number)),
        "TOKENIZERS_PARALLELISM": "false",
    }
    before = dict(os.environ)
    os.environ.update({name: value for name, value in settings.items() if name not in before})
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=number,
        run_id="stigma-hf",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    try:
        results = elastic_launch(config, _tell)(function, *arguments)
    except ChildFailedError as error:
        raise UsageError(f"one of {number} processes failed; what it said is above") from error
    finally:
        os.environ.clear()
        os.environ.update(before)
    for result in results.values():
        if isinstance(result, UsageError):
            raise result
    return results[0]


def _tell(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives back, or the mistake it complains of: every process has the same complaint."""
    try:
        return function(*arguments)
    except UsageError as error:
        return error
