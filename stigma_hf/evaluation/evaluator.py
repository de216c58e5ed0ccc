"""`evaluate.evaluator("stigma-classification")`: a pipeline on labelled spans, task by task."""

import os
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Literal

import numpy as np
from evaluate.evaluator import SUPPORTED_EVALUATOR_TASKS
from evaluate.evaluator.base import Evaluator
from transformers import PreTrainedModel, pipeline

from stigma_hf.decoding import ties_of
from stigma_hf.evaluation.modules import stigma_classification
from stigma_hf.evaluation.predicting import PredictedSplit, predict_spans
from stigma_hf.evaluation.predictions import Predictions
from stigma_hf.evaluation.resampling import LEVEL, RESAMPLES
from stigma_hf.pipeline import TASK


class StigmaClassificationEvaluator(Evaluator):
    """Evaluates `pipeline("stigma-classification")` on a split of the spans data set.

    Args:
        task: Name of the pipeline's task.
        default_metric_name: Not used: the metric is `StigmaClassification`, one for each task.
    """

    def __init__(self, task: str = TASK, default_metric_name: str | None = None) -> None:
        super().__init__(task, default_metric_name)

    def compute(
        self,
        model_or_pipeline: Any = None,
        data: Any = None,
        subset: str | None = None,
        split: str | None = None,
        metric: Any = None,
        tokenizer: Any = None,
        strategy: Literal["simple", "bootstrap"] = "simple",
        confidence_level: float = LEVEL,
        n_resamples: int = RESAMPLES,
        device: int | None = None,
        random_state: int | None = 0,
        tasks: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """The figures of each task, the tasks without any, and how long it took.

        Args:
            model_or_pipeline: A pipeline, a model, its folder or hub id; the embedded default when None.
            data: A split of the spans data set, or the folder or name of one that `datasets.load_dataset` takes.
            subset: Configuration of the data set, if it is given by name.
            split: Its split, likewise; the test split unless told otherwise.
            metric: A metric of the evaluate library that takes labels as their places in the label order of a task;
                all figures of `StigmaClassification` when None.
            tokenizer: Tokenizer of a model given without one.
            strategy: `bootstrap` for intervals, which draw patients; with a metric of one's own they are those of the
                library, which draw spans.
            confidence_level: Share of resamples inside an interval.
            n_resamples: Number of resamples.
            device: Where a pipeline made here runs; the first accelerator, if there is one, when None.
            random_state: Seed of the bootstrap.
            tasks: Tasks to evaluate; those of the model and the data when None.

        Returns:
            Task to its figures; `problems`, task to why it has none; `total_time_in_seconds`, `samples_per_second` and
            `latency_in_seconds`.

        Raises:
            UsageError: If the rows are no labelled spans.
        """
        self.check_for_mismatch_in_device_setup(device, model_or_pipeline)
        data = self.load_data(data, subset, split)
        pipe = self.prepare_pipeline(model_or_pipeline, tokenizer, device=device)
        predicted, performance = self.call_pipeline(pipe, data, tasks)
        is_bootstrap = strategy == "bootstrap"
        results: dict[str, Any] = {}
        for task, predictions in predicted.tasks.items():
            inputs = self.predictions_processor(predictions)
            if metric is None:
                results[task] = stigma_classification.StigmaClassification(
                    "probabilities", task, predictions.labels, keep_in_memory=True
                ).compute(
                    predictions=predictions.probabilities,
                    references=inputs["references"],
                    clusters=predictions.clusters,
                    tie_order=ties_of(pipe.model.config, task),
                    resamples=n_resamples if is_bootstrap else 0,
                    seed=random_state or 0,
                    level=confidence_level,
                )
            else:
                results[task] = self.compute_metric(
                    self.prepare_metric(metric), inputs, strategy, confidence_level, n_resamples, random_state
                )
        return results | {"problems": predicted.problems} | performance

    def prepare_pipeline(
        self, model_or_pipeline: Any = None, tokenizer: Any = None, feature_extractor: None = None, device: Any = None
    ) -> Any:
        """The pipeline itself, or one made of a model, its folder or hub id."""
        # The library's own method names a class that transformers 5 no longer has.
        if model_or_pipeline is None or isinstance(model_or_pipeline, str | os.PathLike | PreTrainedModel):
            device = self._infer_device() if device is None else device
            return pipeline(self.task, model=model_or_pipeline, tokenizer=tokenizer, device=device)
        return model_or_pipeline

    def call_pipeline(
        self, pipe: Any, data: Any, tasks: Sequence[str] | None = None
    ) -> tuple[PredictedSplit, dict[str, float]]:
        """Predictions on labelled spans, and how long they took."""
        start = perf_counter()
        predicted = predict_spans(pipe, data, tasks)
        return predicted, self._compute_time_perf(start, perf_counter(), max(1, len(data)))

    def predictions_processor(self, predictions: Predictions) -> dict[str, np.ndarray]:
        """Predicted and true labels of a task, as places in its label order."""
        return {"predictions": predictions.predicted, "references": predictions.true}


def register_evaluator() -> None:
    """Make `evaluate.evaluator("stigma-classification")` work; doing it again changes nothing."""
    SUPPORTED_EVALUATOR_TASKS[TASK] = {"implementation": StigmaClassificationEvaluator, "default_metric_name": None}
