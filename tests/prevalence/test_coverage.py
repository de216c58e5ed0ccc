"""Simulations with known truth, in short; benchmarks/prevalence_coverage.py has them at full length."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from prevalence.simulated_corpus import GROUPS, LABELS, SCENARIOS, Population
from stigma_hf.prevalence.estimate import estimate_prevalence
from stigma_hf.prevalence.spans import Grouping

N_CORPORA = 80
LEAST = 0.95 - 3.5 * np.sqrt(0.95 * 0.05 / N_CORPORA)
"""Coverage that a 95 % interval has less than once in some thousand times by chance alone."""


@cache
def simulated(name):
    """A population, and the reports on corpora drawn from it."""
    population = Population(replace(SCENARIOS[name], n_patients=20_000, n_anchors=16, corpus_patients=1500))
    rng = np.random.default_rng(11)
    corpora = (population.corpus(rng) for _ in range(N_CORPORA))
    return population, [estimate_prevalence([spans], references={"group": "a"}).tasks[0] for spans in corpora]


def coverage(intervals, truth):
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


@pytest.mark.parametrize("name", ["base", "repeated texts"])
@pytest.mark.parametrize("group", ["all", "a", "b", "c"])
def test_intervals_hold_the_true_share_as_often_as_they_promise(name, group):
    population, reports = simulated(name)
    truth = population.share(None if group == "all" else GROUPS.index(group))
    by = "all" if group == "all" else "group"
    for k, label in enumerate(LABELS):
        assert coverage([report.group(by, group).share(label).corrected for report in reports], truth[k]) >= LEAST


@pytest.mark.parametrize("group", ["b", "c"])
def test_intervals_hold_the_true_rate_ratio_as_often_as_they_promise(group):
    population, reports = simulated("base")
    truth = population.ratio(GROUPS.index(group), 0)
    for k, label in enumerate(LABELS):
        given = [ratio for report in reports if (ratio := report.group("group", group).ratio(label).corrected)]
        assert len(given) > 0.9 * N_CORPORA
        assert coverage(given, truth[k]) >= LEAST


def test_counting_is_biased_in_groups_and_correction_is_not():
    population, reports = simulated("base")
    truth = population.share(GROUPS.index("c"))[0]
    shares = [report.group("group", "c").share("negative") for report in reports]
    counted, corrected = (np.array(values) - truth for values in zip(*map(_values, shares), strict=True))
    assert counted.mean() > 10 * counted.std() / np.sqrt(N_CORPORA)
    assert abs(corrected.mean()) < 4 * corrected.std() / np.sqrt(N_CORPORA)


def _values(share):
    return share.counted, share.corrected.value


def test_limits_for_notes_with_a_harmful_span_hold_the_truth():
    population, reports = simulated("base")
    truth = population.harmed_notes()
    bounds = [report.group().notes for report in reports]
    assert np.mean([b.low <= truth <= b.high for b in bounds]) >= LEAST
    assert np.mean([b.least for b in bounds]) < truth < np.mean([b.largest for b in bounds])


def test_a_random_sample_is_hardly_ever_called_suspicious():
    _, reports = simulated("base")
    assert sum("random sample" in remark for report in reports for remark in report.remarks) <= 3


def test_a_sample_of_some_patients_only_is_noticed():
    population = Population(replace(SCENARIOS["sampled in one group only"], n_patients=20_000, corpus_patients=2000))
    report = estimate_prevalence([population.corpus(np.random.default_rng(1))]).tasks[0]
    assert any(remark.startswith("group of the labelled spans differ") for remark in report.remarks)
    assert report.group("group", "b").share("negative").corrected is None


def test_a_group_that_hardly_exists_raises_no_alarm():
    population = Population(replace(SCENARIOS["base"], n_patients=20_000, corpus_patients=1500))
    spans = population.corpus(np.random.default_rng(5))
    labelled = np.flatnonzero(spans.gold >= 0)
    codes = np.zeros(len(spans), dtype=int)
    codes[labelled[:2]] = 1
    spans = replace(spans, groups={"group": Grouping(("many", "two"), codes)})
    assert not any("random sample" in remark for remark in estimate_prevalence([spans]).tasks[0].remarks)
