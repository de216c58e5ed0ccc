"""The models that the page offers, each loaded when it is first asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from stigma_hf.errors import UsageError

EMBEDDED = "embedded default"
"""What the page calls the model that ships in the package."""


@dataclass(frozen=True)
class OpenModel:
    """A model that is ready.

    Attributes:
        name: What the page calls it.
        pipe: Its pipeline.
        lock: Held while the pipeline works: fast tokenizers do not bear two callers at once.
    """

    name: str
    pipe: Any
    lock: Lock = field(default_factory=Lock)

    @property
    def title(self) -> str:
        """What it is."""
        return str(self.pipe.model.config.title)

    @property
    def tasks(self) -> list[str]:
        """The tasks it knows."""
        return list(self.pipe.model.config.labels)

    @property
    def is_synthetic(self) -> bool:
        """Whether it has learned from invented notes only."""
        return (self.pipe.model.config.provenance or {}).get("source") == "synthetic"


class Models:
    """The models of the page by name.

    Args:
        folders: Model folders or hub ids, besides the embedded default.

    Attributes:
        names: What can be chosen, the first of the given ones first; the embedded default if there is none.
    """

    def __init__(self, folders: Sequence[str] = ()) -> None:
        self.names = [*dict.fromkeys(folders), EMBEDDED]
        self._open: dict[str, OpenModel] = {}
        self._loading = Lock()

    def open(self, name: str) -> OpenModel:
        """The model of a name, loaded on the first call.

        Raises:
            UsageError: If it is none of the names, or cannot be loaded.
        """
        from stigma_hf.loading import load_pipeline

        if name not in self.names:
            raise UsageError(f"expected a model among {', '.join(self.names)}, found another")
        if _is_path(name) and not Path(name).is_dir():
            raise UsageError(
                f"{name}: no model folder here; choose another model, or start the page with the right folder"
            )
        with self._loading:
            if name not in self._open:
                pipe = load_pipeline(None if name == EMBEDDED else name, device="cpu")
                self._open[name] = OpenModel(name, pipe)
            return self._open[name]


def _is_path(name: str) -> bool:
    """Whether a name can only mean a folder: ids of the hub have one slash at most, and none at the start."""
    return name.startswith(("/", ".", "~")) or "\\" in name or name.count("/") > 1
