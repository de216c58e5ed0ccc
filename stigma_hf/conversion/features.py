"""The features of the released baselines: which there are, in which column each stands, and what it weighs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stigma_hf.conversion.fields import Fields
from stigma_hf.conversion.records import name_of
from stigma_hf.errors import UsageError

PREPROCESSOR_FILE = "preprocessor.joblib"


def read_features(preprocessor: Any, source: str, kind: str) -> tuple[list[str], Fields]:
    """The features of a preprocessor in the order of their columns, and its fitted transformers of them."""
    fields = Fields.of(PREPROCESSOR_FILE, preprocessor, "stigma.model.util.FeaturePreprocessor")
    name = source if kind == "binary" else f"{source}_{kind}"
    feature_set = Fields(f"{fields.where}: feature set", fields.take("_feature_set"))
    components = take_list(feature_set, "components")
    if len(components) != 1:
        raise UsageError(f"{feature_set.where}: expected one component, found {len(components)}")
    component = Fields(f"{feature_set.where}: component", components[0])
    component.take_one_of("source", [source])
    component.take_one_of("type", [kind])
    component.take_one_of("name", [name])
    component.finish()
    if take_list(feature_set, "representation") != [name] or take_list(feature_set, "interactions"):
        raise UsageError(f"{feature_set.where}: expected {name} alone to represent a window, found more")
    standardize = Fields(f"{feature_set.where}: standardize", feature_set.take("standardize"))
    for setting in ("center", "scale"):
        standardize.take_one_of(setting, [False])
    feature_set.finish()
    vectorizers = Fields(f"{fields.where}: vectorizers", fields.take("_base_vectorizers"))
    features = _read_vocabulary(vectorizers.take(source))
    vectorizers.finish()
    for field, first in (("_base_features", source), ("_transformers_features", name)):
        _check_pairs(f"{fields.where}: {field}", fields.take(field), first, features)
    transformers = Fields(f"{fields.where}: transformers", fields.take("_transformers"))
    fields.finish()
    if transformers.take("interactions") or transformers.take("postprocessing"):
        raise UsageError(f"{transformers.where}: expected none of interactions and none afterwards, found some")
    components_of = Fields(f"{fields.where}: transformers", transformers.take("components"))
    transformers.finish()
    return features, components_of


def _read_vocabulary(record: Any) -> list[str]:
    """The features of a vectorizer in the order of their columns."""
    fields = Fields.of(PREPROCESSOR_FILE, record, "sklearn.feature_extraction._dict_vectorizer.DictVectorizer")
    features = fields.take_texts("feature_names_")
    columns = fields.take("vocabulary_")
    fields.finish("dtype", "get_feature_names")
    if not isinstance(columns, dict) or len(columns) != len(features):
        raise UsageError(f"{fields.where}: expected a column for each of {len(features)} features, found others")
    for place, feature in enumerate(features):
        # Features are words of the training notes, so their number is told instead.
        if columns.get(feature) != place:
            raise UsageError(f"{fields.where}: expected feature {place} in column {place}, found it elsewhere or not")
    return features


def _check_pairs(where: str, pairs: Any, first: str, features: Sequence[str]) -> None:
    """Raise unless a list names each feature with its source or component, in order."""
    if not isinstance(pairs, list) or len(pairs) != len(features):
        found = len(pairs) if isinstance(pairs, list) else name_of(pairs)
        raise UsageError(f"{where}: expected {len(features)} features, found {found}")
    for place, (pair, feature) in enumerate(zip(pairs, features, strict=True)):
        if pair != (first, feature):
            raise UsageError(
                f"{where}: expected feature {place} to be that of column {place} of {first}, found another"
            )


def read_idf(tfidf: Fields, n_features: int) -> np.ndarray:
    """The inverse document frequencies: a diagonal matrix until scikit-learn 1.4, an array since."""
    if "idf_" in tfidf:
        return tfidf.take_array("idf_", (n_features,))
    matrix = Fields.of(tfidf.where, tfidf.take("_idf_diag"), "scipy.sparse._csr.csr_matrix")
    shape = matrix.take("_shape")
    idf = matrix.take_array("data", (n_features,))
    columns = matrix.take_array("indices", (n_features,), "iu")
    ends = matrix.take_array("indptr", (n_features + 1,), "iu")
    matrix.finish()
    is_diagonal = columns.tolist() == list(range(n_features)) and ends.tolist() == list(range(n_features + 1))
    if shape != (n_features, n_features) or not is_diagonal:
        raise UsageError(f"{matrix.where}: expected one idf for each of {n_features} features, found another matrix")
    return idf


def take_list(fields: Fields, name: str) -> list[Any]:
    """A field that is a list."""
    value = fields.take(name)
    if not isinstance(value, list):
        raise UsageError(f"{fields.where}: expected {name} to be a list, found {name_of(value)}")
    return value
