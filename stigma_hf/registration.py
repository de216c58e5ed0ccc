"""Make transformers know our models and our pipeline task."""

import inspect
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import transformers
import wrapt
from transformers import AutoConfig, pipelines
from transformers.models.auto.auto_factory import _BaseAutoModelClass, _LazyAutoMapping
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.pipelines import PIPELINE_REGISTRY

from stigma_hf.baseline.configuration import BaselineConfig
from stigma_hf.baseline.modeling import BaselineClassifier
from stigma_hf.catalog import EMBEDDED_MODEL
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.pipeline import TASK, StigmaClassificationPipeline
from stigma_hf.publishing.downloads import check_downloads, hub_errors_explained
from stigma_hf.released_models import locate


class AutoModelForStigmaClassification(_BaseAutoModelClass):
    """Loads any model of this package from its folder, and refuses others when it loads, not when it runs."""

    _model_mapping = _LazyAutoMapping(CONFIG_MAPPING_NAMES, OrderedDict())


def register() -> None:
    """Register configurations, models and the pipeline with transformers; doing it again changes nothing."""
    if TASK in PIPELINE_REGISTRY.supported_tasks:
        return
    for config, model in ((BaselineConfig, BaselineClassifier), (AnchorPooledConfig, AnchorPooledClassifier)):
        AutoConfig.register(config.model_type, config, exist_ok=True)
        AutoModelForStigmaClassification.register(config, model, exist_ok=True)
    PIPELINE_REGISTRY.register_pipeline(
        TASK,
        pipeline_class=StigmaClassificationPipeline,
        pt_model=AutoModelForStigmaClassification,
        default={"model": (str(EMBEDDED_MODEL), "main")},
        type="text",
    )
    wrapt.wrap_function_wrapper(pipelines, "pipeline", _with_our_ways)
    if "pipeline" in vars(transformers):
        transformers.pipeline = pipelines.pipeline


def _with_our_ways(pipeline: Callable[..., Any], _: None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`pipeline()`, but for our task a released model's name means the folder it was converted to.

    transformers has no place to say so: it asks the hub for every name that is no folder. What comes from a hub is
    checked, and when nothing comes, the error says what to do.

    Raises:
        OSError: If a hub does not give the model.
        UsageError: If what it gave is not what it announced.
        FileNotFoundError: If the model is not converted on this machine; the message says how to get it.
    """
    given = inspect.signature(pipeline).bind(*args, **kwargs)
    if given.arguments.get("task") == TASK and isinstance(given.arguments.get("model"), str):
        name = given.arguments["model"] = locate(given.arguments["model"])
        try:
            with hub_errors_explained(name):
                return pipeline(*given.args, **given.kwargs)
        finally:
            # The tokenizer comes after the model was checked, and what a model says transformers hides in a trace.
            check_downloads(name, given.arguments.get("revision"))
    return pipeline(*given.args, **given.kwargs)
