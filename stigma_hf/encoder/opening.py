"""Open a saved classifier together with its tokenizer."""

from typing import Any

from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.pretrained import load_tokenizer
from stigma_hf.errors import UsageError


def open_classifier(name: str) -> tuple[AnchorPooledClassifier, Any]:
    """A classifier and its tokenizer.

    Args:
        name: Folder or hub id.

    Raises:
        UsageError: If one of them cannot be loaded.
    """
    try:
        model = AnchorPooledClassifier.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise UsageError(f"{name}: cannot be loaded as an anchor-pooled classifier: {error}") from error
    return model, load_tokenizer(name, model.config)
