"""What a person can choose about an evaluation."""

from dataclasses import dataclass

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.predictions import METADATA
from stigma_hf.evaluation.resampling import LEVEL, RESAMPLES
from stigma_hf.mimic.splits import SPLITS

GROUPINGS = ("anchor", *(name for name in METADATA if name != "age"))
"""Columns whose values can be groups."""

TRAIN, VALIDATION = SPLITS[:2]

DEFAULT_GROUPINGS = ("sex", "race", "insurance", "service", "anchor")

MIN_CELL = 20
"""Spans, or patients, below which nothing is said of a group."""


@dataclass(frozen=True)
class EvaluationSettings:
    """How models are evaluated.

    Attributes:
        split: Split whose spans are predicted.
        tasks: Tasks to evaluate; those of the models and the data if empty.
        resamples: Number of resamples of the patients, 0 for no intervals and no tests.
        seed: Seed of the draw.
        level: Share of resamples inside an interval, above 0 and below 1.
        groupings: Columns to report by, among `GROUPINGS`.
        min_cell: Spans, or patients, below which nothing is said of a group.
        calibrate: Whether to fit a temperature on the validation spans.
        coverage: Share of label sets that should hold the true label, fitted on the validation spans; no label sets
            when None.
        batch_size: Windows per forward pass; what suits the model when None.
        device: Where models run, as `pipeline()` takes it; the best there is when None.

    Raises:
        UsageError: If a setting is none of its choices.
    """

    split: str = "test"
    tasks: tuple[str, ...] = ()
    resamples: int = RESAMPLES
    seed: int = 0
    level: float = LEVEL
    groupings: tuple[str, ...] = DEFAULT_GROUPINGS
    min_cell: int = MIN_CELL
    calibrate: bool = False
    coverage: float | None = None
    batch_size: int | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UsageError(f"expected a split among {', '.join(SPLITS)}, found {self.split!r}")
        if unknown := [name for name in self.groupings if name not in GROUPINGS]:
            raise UsageError(f"expected groups by {', '.join(GROUPINGS)}, found {', '.join(map(repr, unknown))}")
        for name, share in (("level", self.level), ("coverage", self.coverage)):
            if share is not None and not 0 < share < 1:
                raise UsageError(f"expected a {name} between 0 and 1, found {share}")
        for name, number, least in (("resamples", self.resamples, 0), ("min_cell", self.min_cell, 1)):
            if number < least:
                raise UsageError(f"expected {name} to be a whole number from {least} on, found {number}")

    @property
    def needs_validation(self) -> bool:
        """Whether something is fitted on the validation spans."""
        return self.calibrate or self.coverage is not None
