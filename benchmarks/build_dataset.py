"""Time and memory of building the data set: `python benchmarks/build_dataset.py [--notes N] [--cores 1]`.

Notes come from a synthetic tree of N notes, about 10,000 characters each, or from `--mimic DIR --annotations CSV`. The
reference is a plain program: gzip and csv of the standard library and `tests/reference.py`, from the packed notes to a
CSV of matches, without metadata. It takes about as long as the released toolkit's build, so the ratio is the speed
relative to that. Both sides read the same file on the same cores, in turns, and the best turn counts. Every build runs
in a process of its own, whose peak memory is reported; the time begins when its imports are done.
"""

import argparse
import csv
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
BUILDS = ("matches", "spans", "matches cached")
REFERENCE_NOTES = 300


def main() -> None:
    """Print a table of times, memory and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=5000)
    parser.add_argument("--mimic", type=Path)
    parser.add_argument("--annotations", type=Path)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_child(options)
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with tempfile.TemporaryDirectory() as scratch:
        if options.mimic is None:
            options.mimic, options.annotations = synthesize(Path(scratch) / "tree", options.notes)
        best: dict[str, dict[str, float]] = {}
        for turn in range(options.turns):
            for name in ("reference", *BUILDS):
                found = measure(name, options, Path(scratch) / f"{name} {turn}")
                if name not in best or found["seconds"] < best[name]["seconds"]:
                    best[name] = found
        reference = 1e6 * best["reference"]["seconds"] / best["reference"]["notes"]
        print(f"cores: {options.cores}; reference: {reference:.0f} us/note over {REFERENCE_NOTES} notes")
        print(f"{'build':<16}{'notes':>8}{'rows':>8}{'seconds':>9}{'us/note':>9}{'peak MB':>9}{'ratio':>7}")
        for name in BUILDS:
            found = best[name]
            each = 1e6 * found["seconds"] / found["notes"]
            print(
                f"{name:<16}{found['notes']:>8}{found['rows']:>8}{found['seconds']:>9.2f}{each:>9.1f}"
                f"{found['megabytes']:>9.0f}{reference / each:>7.0f}"
            )


def synthesize(folder: Path, notes: int) -> tuple[Path, Path]:
    """A synthetic tree and its annotations."""
    from stigma_hf.synthetic.tree import synthesize

    tree = synthesize(folder, notes)
    return tree.folder, tree.annotations


def measure(name: str, options: argparse.Namespace, out: Path) -> dict[str, float]:
    """What one build says of itself, in a process of its own."""
    command = [sys.executable, __file__, "--child", name, "--mimic", options.mimic, "--out", out]
    command += ["--annotations", options.annotations, "--cores", options.cores]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def run_child(options: argparse.Namespace) -> None:
    """One build: prints its time, its peak memory, and how many notes and matches there were."""
    if options.child == "reference":
        sys.path.insert(0, str(TESTS))
        import reference

        from stigma_hf import Lexicon
        from stigma_hf.mimic.files import find_files

        search = reference.PlainSearch(Lexicon.default().anchors)
        discharge = find_files(options.mimic).discharge
        began = time.perf_counter()
        notes, rows = plain_build(discharge, options.out, search)
    else:
        from datasets.utils import disable_progress_bars

        from stigma_hf.dataset_folder import build_dataset
        from stigma_hf.stigma_spans import StigmaSpans

        disable_progress_bars()
        began = time.perf_counter()
        if options.child == "matches cached":
            built = StigmaSpans(options.out, config_name="matches", mimic=options.mimic)
            built.download_and_prepare(num_proc=options.cores)
            report = built.report
        else:
            report = build_dataset(
                options.mimic, options.out, options.annotations, config=options.child, num_proc=options.cores
            )
        assert report is not None
        notes, rows = report.counts["notes"], sum(report.labels.values())
    seconds = time.perf_counter() - began
    kilobytes = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": seconds, "megabytes": kilobytes / 1024, "notes": notes, "rows": rows}))


def plain_build(discharge: Path, out: Path, search: object) -> tuple[int, int]:
    """The matches of the first notes, read, cleaned, searched and written plainly."""
    rows, notes = 0, 0
    csv.field_size_limit(2**31 - 1)
    opener = gzip.open if discharge.suffix == ".gz" else open
    with opener(discharge, "rt", encoding="latin-1", newline="") as file, open(out, "w", newline="") as target:
        writer = csv.writer(target)
        for note in islice(csv.DictReader(file), REFERENCE_NOTES):
            notes += 1
            for match in search.cleaned(note["text"]):
                writer.writerow([note["note_id"], note["subject_id"], note["hadm_id"], *match])
                rows += 1
    return notes, rows


if __name__ == "__main__":
    main()
