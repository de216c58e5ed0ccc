"""Jobs that worker processes import."""

import os
import sys
import time
from pathlib import Path

from stigma_hf.reproduction.workers import Workers, share_out


def do(job):
    """Do what a job says."""
    kind, value = job
    if kind == "die":
        os._exit(value)
    if kind == "fail":
        raise KeyError(value)
    if kind == "where":
        import torch

        return os.environ.get("CUDA_VISIBLE_DEVICES"), torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]
    if kind == "sleep":
        Path(value).write_text(str(os.getpid()))
        time.sleep(600)
    return 2 * value


if __name__ == "__main__":
    # For a test that kills the process which shares jobs out.
    list(share_out([("sleep", sys.argv[1])], do, Workers(1, "cpu")))
