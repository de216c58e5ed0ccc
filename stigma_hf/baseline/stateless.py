"""A scikit-learn transformer that learns nothing."""

from typing import Any, Self

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags


class StatelessTransformer(TransformerMixin, BaseEstimator):
    """Transforms without being fitted before; a base of our own steps."""

    def fit(self, X: Any, y: object = None) -> Self:
        """Nothing to learn."""
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags
