"""Figures that follow from a confusion matrix, for one or for thousands at once."""

import numpy as np


def confusion_matrix(
    true: np.ndarray, predicted: np.ndarray, n_labels: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """How often each true label was predicted as each label.

    Args:
        true: Place of the true label, shape (spans,).
        predicted: Place of the predicted label, shape (spans,).
        n_labels: Number of labels.
        weights: How often each span counts, shape (..., spans); once when None.

    Returns:
        Shape (..., labels, labels): a row for each true label, a column for each predicted one; without weights, of
        shape (labels, labels). float64, exact for whole weights.
    """
    cells = np.zeros((len(true), n_labels**2))
    cells[np.arange(len(true)), true * n_labels + predicted] = 1
    counts = cells.sum(axis=0) if weights is None else weights @ cells
    return counts.reshape(*counts.shape[:-1], n_labels, n_labels)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of spans with the right label, shape (...); NaN without spans."""
    return _ratio(_diagonal(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)), np.nan)


def precision(confusion: np.ndarray) -> np.ndarray:
    """Of the spans given each label, the share that has it, shape (..., labels); 0 for a label never given."""
    return _ratio(_diagonal(confusion), confusion.sum(axis=-2), 0)


def recall(confusion: np.ndarray) -> np.ndarray:
    """Of the spans that have each label, the share that is given it, shape (..., labels); 0 for one that none has."""
    return _ratio(_diagonal(confusion), confusion.sum(axis=-1), 0)


def f1(confusion: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall, shape (..., labels); 0 for a label neither true nor predicted."""
    return _ratio(2 * _diagonal(confusion), confusion.sum(axis=-1) + confusion.sum(axis=-2), 0)


def macro_f1(confusion: np.ndarray, all_labels: bool = False) -> np.ndarray:
    """Unweighted mean of the F1 of the labels.

    The mean is over the labels that occur among the true or the predicted ones, as in the released toolkit and as
    scikit-learn does when it is told no labels. A label that is absent from a small split then costs nothing. Over all
    labels it would count as 0.

    Args:
        confusion: Shape (..., labels, labels).
        all_labels: Whether absent labels count, as 0.

    Returns:
        Shape (...); NaN where no label occurs.

    Example:
        >>> right_but_one = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
        >>> round(float(macro_f1(right_but_one)), 3), round(float(macro_f1(right_but_one, all_labels=True)), 3)
        (0.873, 0.582)
    """
    occurs = (confusion.sum(axis=-1) + confusion.sum(axis=-2)) > 0
    n_occurring = occurs.sum(axis=-1)
    n_labels = np.where(n_occurring > 0, confusion.shape[-1], 0) if all_labels else n_occurring
    return _ratio(f1(confusion).sum(axis=-1), n_labels, np.nan)


def _diagonal(confusion: np.ndarray) -> np.ndarray:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _ratio(numerator: np.ndarray, denominator: np.ndarray, otherwise: float) -> np.ndarray:
    """The quotient, and another value where the denominator is 0."""
    quotient = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), otherwise, dtype=np.float64)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
