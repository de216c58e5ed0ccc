"""Predictions with the rows they are for, gathered from the models of many groups or folds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from stigma_hf.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Answered:
    """Answers on some of the rows of a data set; those of several models can be added up.

    Attributes:
        tasks: Task to row numbers, shape (spans,), and the predictions on these rows in that order.
    """

    tasks: Mapping[str, tuple[np.ndarray, Predictions]] = field(default_factory=dict)

    def of_tasks(self, names: Collection[str]) -> "Answered":
        """The answers on some tasks."""
        return Answered({task: answers for task, answers in self.tasks.items() if task in names})

    def __add__(self, other: "Answered") -> "Answered":
        joined = {**self.tasks, **other.tasks}
        for task in self.tasks.keys() & other.tasks.keys():
            (rows, of_rows), (more, of_more) = self.tasks[task], other.tasks[task]
            joined[task] = np.concatenate([rows, more]), _join(of_rows, of_more)
        return Answered(joined)


def _join(first: Predictions, second: Predictions) -> Predictions:
    """The predictions of two models of one label order, one after the other."""
    return replace(
        first,
        true=np.concatenate([first.true, second.true]),
        probabilities=np.concatenate([first.probabilities, second.probabilities]),
        predicted=np.concatenate([first.predicted, second.predicted]),
        columns={name: np.concatenate([values, second.columns[name]]) for name, values in first.columns.items()},
    )
