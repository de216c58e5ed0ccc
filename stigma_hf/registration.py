"""Make transformers know our models and our pipeline task."""

from collections import OrderedDict

from transformers import AutoConfig
from transformers.models.auto.auto_factory import _BaseAutoModelClass, _LazyAutoMapping
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.pipelines import PIPELINE_REGISTRY

from stigma_hf.baseline.configuration import BaselineConfig
from stigma_hf.baseline.modeling import BaselineClassifier
from stigma_hf.catalog import EMBEDDED_MODEL
from stigma_hf.pipeline import TASK, StigmaClassificationPipeline


class AutoModelForStigmaClassification(_BaseAutoModelClass):
    """Loads any model of this package from its folder, and refuses others when it loads, not when it runs."""

    _model_mapping = _LazyAutoMapping(CONFIG_MAPPING_NAMES, OrderedDict())


def register() -> None:
    """Register configurations, models and the pipeline with transformers; doing it again changes nothing."""
    if TASK in PIPELINE_REGISTRY.supported_tasks:
        return
    AutoConfig.register(BaselineConfig.model_type, BaselineConfig, exist_ok=True)
    AutoModelForStigmaClassification.register(BaselineConfig, BaselineClassifier, exist_ok=True)
    PIPELINE_REGISTRY.register_pipeline(
        TASK,
        pipeline_class=StigmaClassificationPipeline,
        pt_model=AutoModelForStigmaClassification,
        default={"model": (str(EMBEDDED_MODEL), "main")},
        type="text",
    )
