"""The card of a converted model: what it is and whence it comes; no figure that was not measured."""

from collections.abc import Sequence

from stigma_hf import __version__
from stigma_hf.released_models import RELEASED_MODELS
from stigma_hf.tasks import RESOURCES, load_tasks

HOMEPAGE = "https://physionet.org/content/stigmatizing-language/"
LICENSE = "PhysioNet Credentialed Health Data License 1.5.0"

_WHAT = {
    "majority-overall": "It gives every window the share of each label among the training spans.",
    "majority-per-anchor": "It gives every window the share of each label among the training spans of its anchor.",
    "logistic-regression-context": "Logistic regression on TF-IDF of the words around the anchor.",
    "logistic-regression-context-anchor": "Logistic regression on TF-IDF of the anchor and the words around it.",
    "encoder": "An encoder and a linear head for each task; `pooling` in `config.json` tells what the head sees.",
}


def render_card(name: str, title: str, kind: str, tasks: Sequence[str], window_words: int) -> str:
    """The card of a converted model.

    Args:
        name: Its released name.
        title: What it is.
        kind: The kind of baseline, or `encoder`.
        tasks: Its tasks.
        window_words: Words on either side of an anchor.
    """
    is_released = any(model.name == name for model in RELEASED_MODELS)
    origin = (
        f"The model `{name}` of the 2023 release of Harrigian et al."
        if is_released
        else f"The model `{name}`, trained with the toolkit that Harrigian et al. released in 2023"
    )
    labels = "; ".join(
        f"{load_tasks()[task].name}: {', '.join(f'`{label}`' for label in load_tasks()[task].labels)}"
        for task in tasks
    )
    template = (RESOURCES / "cards" / "converted-model.md").read_text(encoding="utf-8")
    return template.format(
        title=title,
        license=LICENSE,
        homepage=HOMEPAGE,
        origin=origin,
        version=__version__,
        what=_WHAT[kind],
        labels=f"{labels}.",
        window_words=window_words,
    )
