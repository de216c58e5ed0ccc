"""Load a pipeline for a person: the same as `pipeline("stigma-classification")`, with errors that say what to do."""

from typing import Any

from stigma_hf.errors import UsageError


def load_pipeline(model: str | None = None, **settings: Any) -> Any:
    """The pipeline of a model folder, a hub id, or the embedded default.

    Args:
        model: Folder or hub id; the embedded default when None.
        **settings: Parameters of `StigmaClassificationPipeline`, or of `pipeline()` as `device`.

    Raises:
        UsageError: If the model cannot be loaded or a setting is none of its choices.
    """
    from transformers import pipeline
    from transformers.utils import logging

    from stigma_hf.catalog import EMBEDDED_MODEL
    from stigma_hf.pipeline import TASK
    from stigma_hf.publishing.hub_problems import explain

    logging.set_verbosity_error()
    try:
        return pipeline(TASK, model=model or str(EMBEDDED_MODEL), **settings)
    except UsageError:
        raise
    except OSError as error:
        if reason := explain(error, str(model)):
            raise UsageError(reason) from error
        raise UsageError(f"{model}: no model folder here and none to be had from the hub: {_reason(error)}") from error
    except (ValueError, KeyError, RuntimeError, AssertionError) as error:
        raise UsageError(f"{model or 'the embedded default'}: cannot be used: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What happened, without the trace that transformers prints into its messages: their heading and last line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return " ".join(dict.fromkeys((lines[0], lines[-1]))) if lines else type(error).__name__
