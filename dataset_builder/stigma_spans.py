"""Loading entry of the data set: a door to the builder in `stigma_hf`, which does the work.

With datasets below 4, which runs loading scripts, in this folder:

    load_dataset("stigma_spans.py", "all", mimic="path/to/mimic", annotations="path/to/annotations.csv",
                 cache_dir="path/to/cache", trust_remote_code=True)

With any version:

    from stigma_hf import load_spans
    load_spans("path/to/mimic", "path/to/annotations.csv", task="all", cache_dir="path/to/cache")
"""

from stigma_hf.stigma_spans import StigmaSpans

__all__ = ["StigmaSpans"]
