"""How often the intervals of `stigma-hf prevalence` hold the truth: `python benchmarks/prevalence_coverage.py`.

Corpora are drawn from made-up populations whose shares are known (tests/prevalence/simulated_corpus.py). For the
corpus and for each group are printed, by method: the bias of the share of each label, the root mean square error, the
coverage of 95 % intervals over the labels (and of the worst and the best label), and their mean width. Rate ratios
follow (errors on the log scale, width as upper over lower limit, median), and the bounds for notes.

With 500 corpora, chance alone moves the coverage of one label by one percent point (one standard error).
"""

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from prevalence.simulated_corpus import GROUPS, LABELS, SCENARIOS, Population

from stigma_hf.prevalence.estimate import estimate_prevalence


def simulate(scenario, n_corpora, seed):
    """Truth, estimate, low and high by (method, group, label), those of notes, alarms, and seconds a corpus takes."""
    population = Population(scenario)
    rng = np.random.default_rng(seed)
    seen, notes, alarms, seconds = defaultdict(list), [], 0, 0.0
    truths = {"all": population.share()} | {name: population.share(g) for g, name in enumerate(GROUPS)}
    ratios = {name: population.ratio(g, 0) for g, name in enumerate(GROUPS) if g}
    harmed = population.harmed_notes()
    for _ in range(n_corpora):
        spans = population.corpus(rng)
        begin = time.perf_counter()
        report = estimate_prevalence([spans], references={"group": GROUPS[0]}).tasks[0]
        seconds += time.perf_counter() - begin
        alarms += any("random sample" in remark for remark in report.remarks)
        for group in report.groups:
            for k, share in enumerate(group.shares):
                key, truth = (group.group, LABELS[k]), truths[group.group][k]
                seen["counted", *key].append((truth, share.counted, np.nan, np.nan))
                for method in ("adjusted", "corrected"):
                    if interval := getattr(share, method):
                        seen[method, *key].append((truth, interval.value, interval.low, interval.high))
            for k, ratio in enumerate(group.ratios):
                if ratio.corrected and ratio.corrected.value:
                    values = ratios[group.group][k], *vars(ratio.corrected).values()
                    seen["rate ratio", group.group, LABELS[k]].append(np.log(values))
        if bounds := report.group().notes:
            notes.append((harmed, bounds.least, bounds.low, bounds.high, bounds.largest))
    return seen, np.array(notes), alarms, seconds / n_corpora


def line(rows):
    """Bias by label, error, coverage and width of one method in one group."""
    biases, errors, hits, widths, is_ratio = [], [], [], [], rows[0][0] == "rate ratio"
    for _, values in rows[1]:
        truth, estimate, low, high = np.transpose(values)
        biases.append(np.mean(estimate - truth))
        errors.append(np.mean(np.square(estimate - truth)))
        hits.append(np.mean((low <= truth) & (truth <= high)))
        widths.append(np.median(np.exp(high - low)) if is_ratio else np.mean(high - low))
    shown = f"bias {' '.join(f'{bias:+.3f}' for bias in biases):<20}  rmse {np.sqrt(np.mean(errors)):.3f}"
    if not np.isnan(widths).any():
        shown += f"  coverage {np.mean(hits):.3f} ({min(hits):.3f} to {max(hits):.3f})  width {np.mean(widths):.3f}"
    return shown


def main() -> None:
    """Print a table for each scenario."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenarios", nargs="*", default=list(SCENARIOS))
    options = parser.parse_args()
    for name in options.scenarios:
        seen, notes, alarms, seconds = simulate(SCENARIOS[name], options.corpora, options.seed)
        print(f"\n{name}: {options.corpora} corpora, {1000 * seconds:.0f} ms each; sample called suspicious: {alarms}")
        for method in ("counted", "adjusted", "corrected", "rate ratio"):
            for group in ("all", *GROUPS):
                rows = [(key[2], values) for key, values in seen.items() if key[:2] == (method, group)]
                if rows:
                    fewest = min(len(values) for _, values in rows)
                    given = "" if fewest == options.corpora else f"  given {fewest / options.corpora:.0%}"
                    print(f"  {method:<10} {group:<4} {line((method, rows))}{given}", flush=True)
        if len(notes):
            truth, least, low, high, largest = notes.T
            inside = np.mean((low <= truth) & (truth <= high))
            print(f"  notes: truth {truth[0]:.3f}, bounds {least.mean():.3f} to {largest.mean():.3f}, ", end="")
            print(f"truth within their limits {inside:.3f}")


if __name__ == "__main__":
    main()
