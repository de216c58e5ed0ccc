"""What the processes of a test do: `python several.py` starts two of them."""

import os
import sys

from stigma_hf.errors import UsageError
from stigma_hf.training.processes import run_in_processes


def rank(threads_wanted):
    """The number of the process, if it has as many threads as wanted."""
    if os.environ["OMP_NUM_THREADS"] != threads_wanted:
        raise UsageError(f"expected {threads_wanted} threads, found {os.environ['OMP_NUM_THREADS']}")
    return f"{os.environ['RANK']} of {os.environ['WORLD_SIZE']}"


if __name__ == "__main__":
    try:
        sys.stdout.write(f"answered {run_in_processes(2, rank, sys.argv[1])}, left {os.environ.get('WORLD_SIZE')}\n")
    except UsageError as error:
        sys.stdout.write(f"complained: {error}\n")
