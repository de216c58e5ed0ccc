"""All that a report says of one model on one task."""

from dataclasses import asdict
from functools import partial
from typing import Any

from stigma_hf.evaluation.calibration import CalibrationBin, calibration_curve
from stigma_hf.evaluation.label_sets import fit_label_sets, measure_coverage
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.resampling import Resamples
from stigma_hf.evaluation.scores import score
from stigma_hf.evaluation.temperature import Calibration, calibrate, scaled
from stigma_hf.reporting.anchors import LabelsOfAnchors, errors_by_anchor, score_ambiguous
from stigma_hf.reporting.error_listing import list_errors
from stigma_hf.reporting.problems import Problems
from stigma_hf.reporting.settings import EvaluationSettings
from stigma_hf.reporting.subgroups import compare_groups


def task_result(
    predictions: Predictions,
    draws: Resamples | None,
    training: LabelsOfAnchors,
    settings: EvaluationSettings,
    calibration: Calibration | None = None,
    validation: Predictions | None = None,
) -> dict[str, Any]:
    """Every part of the report on one model and task, as JSON holds it; None for a part that cannot be computed.

    Args:
        predictions: Its predictions on the split.
        draws: Draws over these spans, shared with other models; no intervals when None.
        training: Labels of the anchors of this task in the training split; empty if there is none.
        settings: What a person chose.
        calibration: Its fitted temperature, if one was asked for.
        validation: Its predictions on the validation split, for label sets.
    """
    return {
        "scores": score(predictions, 0 if draws is None else draws, settings.seed, settings.level).to_dict(),
        "roc": roc_curves(predictions),
        "calibration_curve": _curve(calibration_curve(predictions)),
        "calibration": None if calibration is None else _calibration(predictions, calibration),
        "label_sets": _label_sets(predictions, validation, settings.coverage),
        "ambiguous_anchors": score_ambiguous(predictions, training, draws, settings.level) if training else None,
        "errors_by_anchor": errors_by_anchor(predictions, training),
        "subgroups": [
            compare_groups(predictions, by, draws, settings.min_cell, settings.level).to_dict()
            for by in settings.groupings
        ],
        "errors": list_errors(predictions),
    }


def fit_calibration(
    model: str, predictions: Predictions, validation: Predictions | None, split: str, problems: Problems
) -> Calibration | None:
    """A temperature fitted on validation predictions and measured on the evaluated split as well.

    Args:
        model: Name of the model.
        predictions: Its predictions on the evaluated split.
        validation: Those on the validation split; None if there are none.
        split: Name of the evaluated split.
        problems: Where to note why there is no calibration.
    """
    if validation is None:
        problems.add(model, predictions.task, f"{predictions.task}: no validation spans to fit a temperature on")
        return None
    others = {} if split == "validation" else {split: predictions}
    return problems.attempt(model, predictions.task, partial(calibrate, validation, **others))


def roc_curves(predictions: Predictions) -> dict[str, dict[str, list[float]] | None]:
    """Label to the corners of its one-versus-rest ROC curve; None for one that all or no spans have."""
    from sklearn.metrics import roc_curve

    curves: dict[str, dict[str, list[float]] | None] = {}
    for place, label in enumerate(predictions.labels):
        has_label = predictions.true == place
        curves[label] = None
        if has_label.any() and not has_label.all():
            false_alarms, found, _ = roc_curve(has_label, predictions.probabilities[:, place])
            curves[label] = {"false_positive_rate": false_alarms.tolist(), "true_positive_rate": found.tolist()}
    return curves


def _curve(curve: list[CalibrationBin]) -> list[dict[str, Any]]:
    return [asdict(of_bin) for of_bin in curve]


def _calibration(predictions: Predictions, calibration: Calibration) -> dict[str, Any]:
    after = scaled(predictions, calibration.temperature)
    return {**asdict(calibration), "curve_after": _curve(calibration_curve(after))}


def _label_sets(
    predictions: Predictions, validation: Predictions | None, coverage: float | None
) -> dict[str, Any] | None:
    if coverage is None or validation is None:
        return None
    rule = fit_label_sets(validation, coverage)
    return {
        "threshold": rule.threshold,
        "n_validation_spans": rule.n_spans,
        **asdict(measure_coverage(rule, predictions)),
    }
