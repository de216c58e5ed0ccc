"""Whether one model is better than another: on the same spans, or over folds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.figures import HEADLINE, figures
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.resampling import LEVEL, RESAMPLES, Resamples, percentile_interval, resampled_figures
from stigma_hf.evaluation.scores import draw_patients

_SAME = 1e-12
"""Differences that are apart by no more than this differ by rounding."""


@dataclass(frozen=True)
class Difference:
    """A figure of two models on the same spans.

    Attributes:
        first: The figure of the first model; None where it is not defined.
        second: That of the second.
        difference: First minus second.
        low: Lower end of the difference's interval.
        high: Upper end.
        p_value: Two-sided, for no difference; None if there is no interval.
        n_undefined: Resamples on which the figure is not defined.
    """

    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    n_undefined: int


def paired_bootstrap(
    first: Predictions,
    second: Predictions,
    names: Collection[str] = ("macro_f1", "accuracy"),
    resamples: Resamples | int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Difference]:
    """How far apart two models are on one split, by a bootstrap that draws the same patients for both.

    The p-value is twice the share of resamples in which the difference is 0 or has the other sign, those drawn counted
    with one more, so that it is never 0.

    Args:
        first: Predictions of one model.
        second: Those of another on the same spans in the same order.
        names: Which figures, among `HEADLINE`.
        resamples: Number of resamples, from 1 on, or draws to share.
        seed: Seed of the draw, if resamples is a number.
        level: Share of resamples inside an interval.

    Raises:
        UsageError: If the predictions are of different spans or label sets, or a figure is none of `HEADLINE`.

    Source: Koehn 2004 (EMNLP), Statistical Significance Tests for Machine Translation Evaluation; Davison and Hinkley
    1997, section 4.4, for the p-value.
    """
    check_same_spans(first, second)
    if unknown := sorted(set(names) - set(HEADLINE)):
        raise UsageError(f"expected figures among {', '.join(HEADLINE)}, found {', '.join(unknown)}")
    of_first, of_second = figures(first, names), figures(second, names)
    drawn = resamples if isinstance(resamples, Resamples) else draw_patients(first, resamples, seed)
    resampled: dict[str, np.ndarray] = {}
    if drawn.n_clusters > 1:
        again = resampled_figures(second, drawn, names)
        resampled = {name: values - again[name] for name, values in resampled_figures(first, drawn, names).items()}
    return {
        name: _difference(float(of_first[name][0]), float(of_second[name][0]), resampled.get(name), level)
        for name in names
    }


def check_same_spans(first: Predictions, second: Predictions) -> None:
    """Raise if two predictions are not of the same spans in the same order.

    Raises:
        UsageError: If so; what differs is in the message.
    """
    if (first.task, first.labels) != (second.task, second.labels):
        raise UsageError(
            f"expected predictions of one task and label order, found {first.task} ({', '.join(first.labels)}) and "
            f"{second.task} ({', '.join(second.labels)})"
        )
    same = np.array_equal(first.true, second.true) and all(
        np.array_equal(first.columns[name], second.columns[name])
        for name in ("note_id", "clean_start", "subject_id")
        if name in first.columns and name in second.columns
    )
    if not same:
        raise UsageError(
            f"{first.task}: expected both models on the same spans in the same order, found {len(first)} and "
            f"{len(second)} spans that differ; predict one split with both"
        )


def _difference(first: float, second: float, resampled: np.ndarray | None, level: float) -> Difference:
    """The difference of a figure, with what its resampled values say if there are any."""
    if resampled is None or np.isnan(first - second):
        return Difference(_known(first), _known(second), _known(first - second), None, None, None, 0)
    defined = resampled[~np.isnan(resampled)]
    p_value = None
    if len(defined):
        rarer = min((defined <= 0).sum(), (defined >= 0).sum())
        p_value = min(1.0, 2 * float(rarer + 1) / (len(defined) + 1))
    low, high = percentile_interval(defined, level)
    return Difference(first, second, first - second, low, high, p_value, len(resampled) - len(defined))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


@dataclass(frozen=True)
class FoldTest:
    """A paired t-test over folds.

    Attributes:
        n_folds: Folds that both models have a score on.
        n_left_out: Folds that one of them failed on.
        mean_difference: First minus second; None without folds.
        low: Lower end of its interval; None where there is none.
        high: Upper end.
        t: The statistic; None with fewer than two folds, or if every fold has the same difference.
        p_value: Two-sided; None likewise.
    """

    n_folds: int
    n_left_out: int
    mean_difference: float | None
    low: float | None
    high: float | None
    t: float | None
    p_value: float | None


def paired_t_test(first: Sequence[float | None], second: Sequence[float | None], level: float = LEVEL) -> FoldTest:
    """Compare the scores of two models fold by fold, as Harrigian et al. 2023 do.

    Folds share most of their training spans and here all of the test spans, so they are less independent than the
    test assumes and its p-values are too small; `paired_bootstrap` looks at the test spans instead.

    Args:
        first: Scores of one model, one per fold; None for a fold that failed.
        second: Those of the other on the same folds.
        level: Confidence level of the interval.

    Raises:
        UsageError: If there are not equally many folds.

    Source: Harrigian et al. 2023 (ACL short papers), section 4; on what the test neglects, Nadeau and Bengio 2003
    (Machine Learning 52), Inference for the Generalization Error.
    """
    from scipy.stats import ttest_rel

    if len(first) != len(second):
        raise UsageError(f"expected scores of the same folds, found {len(first)} and {len(second)}")
    pairs = np.array([(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None])
    n_left_out = len(first) - len(pairs)
    if not len(pairs):
        return FoldTest(0, n_left_out, None, None, None, None, None)
    differences = pairs[:, 0] - pairs[:, 1]
    mean = float(differences.mean())
    if len(pairs) < 2 or np.ptp(differences) < _SAME:
        return FoldTest(len(pairs), n_left_out, mean, None, None, None, None)
    result = ttest_rel(pairs[:, 0], pairs[:, 1])
    interval = result.confidence_interval(level)
    return FoldTest(
        len(pairs),
        n_left_out,
        mean,
        float(interval.low),
        float(interval.high),
        float(result.statistic),
        float(result.pvalue),
    )
