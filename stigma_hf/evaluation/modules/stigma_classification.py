"""The figures of one task as a metric of the evaluate library.

Load it by path, `evaluate.load("stigma_hf/evaluation/modules/stigma_classification.py", task="other")`, or make a
`StigmaClassification(task="other")`: the same, and neither opens a connection.
"""

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.figures import HEADLINE, LABELS_ONLY, PER_LABEL
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.resampling import LEVEL
from stigma_hf.evaluation.scores import score
from stigma_hf.tasks import load_tasks

_DESCRIPTION = (
    "Macro F1, accuracy, precision, recall, F1 and support of each label, and the confusion matrix; from "
    "probabilities also ROC AUC and average precision of each label against the rest, Brier score, log loss and "
    "expected calibration error. Intervals come from a bootstrap that draws patients."
)
_INPUTS = """
Args:
    predictions: With the configuration `labels` (the default) predicted labels, as text or as places in the label
        order; with `probabilities` a vector for each span, in label order.
    references: True labels, as text or as places in the label order.
    clusters: The patient of each span, for the intervals. Loaded with `clustered=True` this is an input as the others
        are, as text, and travels with them over batches and processes; otherwise `compute` alone takes it.
    tie_order: The order in which labels win ties between probabilities, as a model's configuration has it; label order
        unless told otherwise.
    resamples: Resamples of the bootstrap; 0, for no intervals, unless told otherwise.
    seed: Seed of the bootstrap.
    level: Share of resamples inside an interval.

Returns:
    A flat dictionary that JSON can hold, None where a figure is not defined: `macro_f1`, `accuracy`, ...,
    `confusion_matrix` (a row for each true label), `per_label`, `labels`, and `intervals` if there are resamples.
"""
_CITATION = "Harrigian et al. 2023, Characterization of Stigmatizing Language in Medical Records, ACL short papers"


class StigmaClassification(evaluate.Metric):
    """Figures of predictions for one task.

    Args:
        config_name: `labels` if predictions are labels, `probabilities` if they are vectors.
        task: The task, `adamant`, `compliance` or `other`, whose labels they are.
        labels: Label order, if it is not a published task's. Without it and without a task the labels are those of all
            tasks, as in the `all` configuration of the data set; then only the labels that occur are told of.
        clustered: Whether the input `clusters` goes with predictions and references.
        **kwargs: What `evaluate.Metric` takes, such as `keep_in_memory`; or, where several processes each add their
            spans, `num_process`, `process_id` and `cache_dir`. Each such evaluation needs an `experiment_id` of its
            own, as a process that is ahead would else take the files of the one before.

    Raises:
        UsageError: If the configuration or the task is unknown.
    """

    def __init__(
        self,
        config_name: str | None = None,
        task: str | None = None,
        labels: Sequence[str] | None = None,
        clustered: bool = False,
        **kwargs: Any,
    ) -> None:
        if config_name not in (None, "labels", "probabilities"):
            raise UsageError(f"expected the configuration labels or probabilities, found {config_name!r}")
        tasks = load_tasks()
        if task is not None and task not in tasks and labels is None:
            raise UsageError(f"expected task among {', '.join(tasks)}, or labels, found {task!r}")
        self._task = task
        self._is_of_one_task = not (task is None and labels is None)
        if labels is None:
            known = [tasks[task]] if task is not None else list(tasks.values())
            labels = sorted({label for each in known for label in each.labels})
        self._labels = list(labels)
        self._clustered = clustered
        super().__init__(config_name or "labels", **kwargs)

    def _info(self) -> evaluate.MetricInfo:
        label = datasets.ClassLabel(names=self._labels)
        of_span = datasets.List(datasets.Value("float64")) if self.config_name == "probabilities" else label
        features = {"predictions": of_span, "references": label}
        if self._clustered:
            features["clusters"] = datasets.Value("string")
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(features),
        )

    def _compute(
        self,
        *,
        predictions: Sequence[Any],
        references: Sequence[int],
        clusters: Sequence[Any] | None = None,
        tie_order: Sequence[str] = (),
        resamples: int = 0,
        seed: int = 0,
        level: float = LEVEL,
    ) -> dict[str, Any]:
        if clusters is not None and len(clusters) != len(references):
            raise UsageError(
                f"expected the cluster of each of {len(references)} spans, found {len(clusters)}; load the metric "
                "with clustered=True to give clusters with every batch, in every process"
            )
        labels, is_probabilities = self._labels, self.config_name == "probabilities"
        probabilities = predictions if is_probabilities else np.eye(len(labels))[np.asarray(predictions, dtype=int)]
        spans = Predictions.of(
            self._task or "all",
            labels,
            [labels[place] for place in references],
            probabilities,
            tie_order,
            columns={} if clusters is None else {"subject_id": clusters},
        )
        names = [*HEADLINE, *PER_LABEL] if is_probabilities else [*LABELS_ONLY]
        if not self._is_of_one_task:
            names.remove("macro_f1_all_labels")
        scores = score(spans, resamples, seed, level, names)
        told = [
            label for label in labels if self._is_of_one_task or scores.support[label] or scores.n_predicted[label]
        ]
        places = [labels.index(label) for label in told]
        result: dict[str, Any] = {name: estimate.value for name, estimate in scores.headline.items()}
        result |= {
            "labels": told,
            "per_label": {
                label: {name: estimate.value for name, estimate in scores.per_label[label].items()}
                | {"support": scores.support[label]}
                for label in told
            },
            "confusion_matrix": [[scores.confusion[row][column] for column in places] for row in places],
            "n_spans": scores.n_spans,
            "cautions": scores.cautions,
        }
        if resamples:
            result["intervals"] = {
                name: None if estimate.low is None else [estimate.low, estimate.high]
                for name, estimate in scores.headline.items()
            }
        return result
