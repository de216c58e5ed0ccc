"""Recipes: how a baseline is made, in YAML files that people can read, copy and change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

from stigma_hf.baseline.configuration import ESTIMATORS, MAJORITIES
from stigma_hf.errors import UsageError
from stigma_hf.recipe_files import read_recipe
from stigma_hf.tasks import RESOURCES

_FOLDER = RESOURCES / "recipes"
_OUR_STEPS = {
    "ClinicalTokenizer": "stigma_hf.baseline.tokenization",
    "NegatedAnchor": "stigma_hf.baseline.window_text",
    "PhraseLearner": "stigma_hf.baseline.phrases",
    "VocabularyCounter": "stigma_hf.baseline.vocabulary",
    "WindowText": "stigma_hf.baseline.window_text",
}

Ties = Literal["label-order", "rarest-first"]

PUBLISHED = (
    "majority-overall",
    "majority-per-anchor",
    "logistic-regression-context",
    "logistic-regression-context-anchor",
)
"""Recipes of the baselines in Table 1 of Harrigian et al. 2023."""


@dataclass(frozen=True)
class Recipe:
    """How a baseline is made.

    Attributes:
        name: Name of the file, and of the folder of the model.
        title: What people are told the model is.
        estimator: Kind of baseline, as in `BaselineConfig`.
        alpha: Laplace smoothing of a majority per anchor, above 0.
        negated_anchors: Whether it counts an anchor with a negation right before it apart.
        ties: Which of two equally probable labels a span gets: the first in `label-order`, or, `rarest-first`, the one
            with fewer annotated spans, as in the release.
        for_all_tasks: Steps that learn from the training spans of all tasks together, from windows on: each a name
            with its settings, one of our own or a class of scikit-learn with its module.
        for_each_task: Steps that learn from the training spans of one task, the classifier last.
        choose: Settings of the classifier to choose from, by macro F1 on the validation split; the first best wins.
    """

    name: str
    title: str
    estimator: str
    alpha: float = 1.0
    negated_anchors: bool = False
    ties: Ties = "label-order"
    for_all_tasks: list[dict[str, Any]] = field(default_factory=list)
    for_each_task: list[dict[str, Any]] = field(default_factory=list)
    choose: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.estimator not in ESTIMATORS:
            raise UsageError(
                f"recipe {self.name}: expected estimator among {', '.join(ESTIMATORS)}, found {self.estimator!r}"
            )
        if self.ties not in get_args(Ties):
            raise UsageError(
                f"recipe {self.name}: expected ties among {', '.join(get_args(Ties))}, found {self.ties!r}"
            )
        if self.estimator not in MAJORITIES and not (self.for_all_tasks and self.for_each_task):
            raise UsageError(
                f"recipe {self.name}: expected steps under for_all_tasks and for_each_task, found none; copy those of "
                "logistic-regression-context to start from"
            )


def recipe_names() -> list[str]:
    """The recipes that come with the package, the published baselines first."""
    others = sorted(entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))
    return [*PUBLISHED, *(name for name in others if name not in PUBLISHED)]


def load_recipe(name: str | Path) -> Recipe:
    """A recipe that comes with the package, by name, or one of your own, by the path of its YAML file.

    Raises:
        UsageError: If there is no such recipe, or it is not one.
    """
    entries = read_recipe(str(name), _FOLDER, recipe_names())
    known = [entry.name for entry in fields(Recipe) if entry.name != "name"]
    if not {"title", "estimator"} <= entries.keys() <= set(known):
        found = ", ".join(map(str, entries)) or "nothing"
        raise UsageError(f"recipe {name}: expected title, estimator and any of {', '.join(known[2:])}, found {found}")
    return Recipe(Path(name).stem, **entries)


def make_step(recipe: Recipe, entry: Any) -> Any:
    """The scikit-learn object of a step, not fitted.

    Args:
        recipe: The recipe that the step is of.
        entry: `{name: settings}`; the settings may be None.

    Raises:
        UsageError: If the step is neither ours nor scikit-learn's, or does not take its settings.
    """
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise UsageError(f"recipe {recipe.name}: expected a step as `name: {{setting: value}}`, found {entry!r}")
    ((name, settings),) = entry.items()
    module, _, kind = str(name).rpartition(".")
    try:
        if not module:
            module = _OUR_STEPS[kind]
        elif module.split(".")[0] != "sklearn":
            raise KeyError(name)
        made = getattr(import_module(module), kind)()
        known = made.get_params()
    except (KeyError, ImportError, AttributeError, TypeError) as error:
        raise UsageError(
            f"recipe {recipe.name}: expected a step among {', '.join(_OUR_STEPS)}, or a class of scikit-learn with "
            f"its module, as sklearn.linear_model.LogisticRegression, found {str(name)!r}"
        ) from error
    settings = {key: tuple(value) if key.endswith("_range") else value for key, value in (settings or {}).items()}
    if unknown := sorted(settings.keys() - known.keys()):
        raise UsageError(
            f"recipe {recipe.name}: expected settings of {kind} among {', '.join(known)}, found {', '.join(unknown)}"
        )
    return made.set_params(**settings)
