"""What could not be computed, and why: kept beside the figures, so that one failure does not cost the others."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeVar

from stigma_hf.errors import UsageError
from stigma_hf.reporting.wording import problem_text, without_home

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass
class Problems:
    """The problems of an evaluation.

    Attributes:
        found: Each with `model`, `task` (None for all) and `problem`, a sentence.
    """

    found: list[dict[str, Any]] = field(default_factory=list)

    def add(self, model: str | None, task: str | None, problem: str, is_logged: bool = False) -> None:
        """Note a problem, once, and log it unless that was done already."""
        entry = {"model": model, "task": task, "problem": without_home(problem)}
        if entry not in self.found:
            self.found.append(entry)
            if not is_logged:
                logger.warning("%s", problem_text(entry))

    def attempt(self, model: str | None, task: str | None, work: Callable[..., T], *given: Any) -> T | None:
        """What some work gives, or None if what it is given is not as it should be, which is then noted."""
        try:
            return work(*given)
        except UsageError as error:
            self.add(model, task, str(error))
            return None

    def attempt_anything(self, model: str, task: str | None, work: Callable[[], T]) -> T | None:
        """The same for work that may fail in any way, as other people's models do."""
        try:
            return self.attempt(model, task, work)
        except Exception as error:
            # The message of an unknown error may hold text of a note; where it arose cannot.
            place = extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}, line {place.lineno}"
            self.add(model, task, f"the model failed with {type(error).__name__} at {where}; it was left out")
            return None
