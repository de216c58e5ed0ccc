"""Find and classify stigmatizing language in clinical notes, the Hugging Face way.

Importing the package is light. It only arranges that `transformers.pipelines` and `evaluate`, whenever they are
imported, learn the task `stigma-classification`; the public names below load what they need when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import wrapt

from stigma_hf.publishing.doors import close_doors

if TYPE_CHECKING:
    from stigma_hf.baseline.configuration import BaselineConfig as BaselineConfig
    from stigma_hf.baseline.modeling import BaselineClassifier as BaselineClassifier
    from stigma_hf.encoder.configuration import AnchorPooledConfig as AnchorPooledConfig
    from stigma_hf.encoder.modeling import AnchorPooledClassifier as AnchorPooledClassifier
    from stigma_hf.lexicon import Lexicon as Lexicon
    from stigma_hf.pipeline import StigmaClassificationPipeline as StigmaClassificationPipeline
    from stigma_hf.search import AnchorMatch as AnchorMatch
    from stigma_hf.search import AnchorSearch as AnchorSearch
    from stigma_hf.spans import load_spans as load_spans

__version__ = "0.1.0"

_HOMES = {
    "AnchorMatch": "stigma_hf.search",
    "AnchorPooledClassifier": "stigma_hf.encoder.modeling",
    "AnchorPooledConfig": "stigma_hf.encoder.configuration",
    "AnchorSearch": "stigma_hf.search",
    "BaselineClassifier": "stigma_hf.baseline.modeling",
    "BaselineConfig": "stigma_hf.baseline.configuration",
    "Lexicon": "stigma_hf.lexicon",
    "StigmaClassificationPipeline": "stigma_hf.pipeline",
    "load_spans": "stigma_hf.spans",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stigma_hf' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


close_doors()


@wrapt.when_imported("transformers.pipelines")
def _register(_: Any) -> None:
    """Register with transformers as soon as its pipelines are imported, which may have happened already."""
    import_module("stigma_hf.registration").register()


@wrapt.when_imported("evaluate")
def _register_evaluator(_: Any) -> None:
    """Register with the evaluate library as soon as it is imported."""
    import_module("stigma_hf.evaluation.evaluator").register_evaluator()
