"""Take the fields of a record one by one, and find out whether any is left over."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from stigma_hf.conversion.arrays import to_array, to_number, to_texts
from stigma_hf.conversion.pickles import shown
from stigma_hf.conversion.records import is_plain, is_record_of, name_of
from stigma_hf.errors import UsageError


class Fields:
    """The attributes of an object of the release, each to be accounted for.

    Args:
        where: What the object is and where it stands, for messages.
        fields: Attribute to value.

    Raises:
        UsageError: By every method, if something is not what the release has there; field and place are named.
    """

    def __init__(self, where: str, fields: Any) -> None:
        if not isinstance(fields, dict) or not all(isinstance(name, str) for name in fields):
            raise UsageError(f"{where}: expected named fields, found {name_of(fields)}")
        self.where = where
        self._fields: Mapping[str, Any] = fields
        self._left = set(fields)

    @classmethod
    def of(cls, where: str, value: Any, full_name: str) -> "Fields":
        """The attributes of the record of an object of one class."""
        if not is_record_of(value, full_name):
            raise UsageError(f"{where}: expected {full_name}, found {name_of(value)}")
        return cls(f"{where}: {full_name.rpartition('.')[2]}", value.state)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def take(self, name: str) -> Any:
        """A field as it is."""
        if name not in self._fields:
            raise UsageError(f"{self.where}: expected the field {name!r}, found {self._names(self._fields)}")
        self._left.discard(name)
        return self._fields[name]

    def take_one_of(self, name: str, choices: Iterable[Any]) -> Any:
        """A field that can have few values."""
        value, choices = self.take(name), list(choices)
        # Truth values are numbers to Python: True is no 1 here.
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise UsageError(f"{self.where}: expected {name} among {choices}, found {_shown_value(value)}")
        return value

    def take_array(self, name: str, shape: tuple[int, ...], kinds: str = "f") -> np.ndarray:
        """A field of numbers of a shape: real numbers (`f`), all finite, or whole ones (`iu`)."""
        with_place = f"{self.where}: {name}"
        try:
            array = to_array(self.take(name))
        except UsageError as error:
            raise UsageError(f"{with_place}: {error}") from None
        if array.shape != shape or array.dtype.kind not in kinds:
            raise UsageError(
                f"{with_place}: expected numbers of shape {shape}, found {array.shape} of type {array.dtype}"
            )
        if not np.isfinite(array).all():
            raise UsageError(f"{with_place}: expected finite numbers, found {int((~np.isfinite(array)).sum())} others")
        return array

    def take_number(self, name: str) -> float:
        """A field that is one number."""
        try:
            return to_number(self.take(name))
        except UsageError as error:
            raise UsageError(f"{self.where}: {name}: {error}") from None

    def take_texts(self, name: str) -> list[str]:
        """A field of texts, each of which may be there once."""
        try:
            texts = to_texts(self.take(name))
        except UsageError as error:
            raise UsageError(f"{self.where}: {name}: {error}") from None
        if len(set(texts)) < len(texts):
            raise UsageError(f"{self.where}: expected {name} to be different texts, found {len(texts)} with repeats")
        return texts

    def finish(self, *harmless: str) -> None:
        """Account for what is left: settings, which are plain values, and fields known to change no answer."""
        left = {name for name in self._left - set(harmless) if name.endswith("_") or not is_plain(self._fields[name])}
        if left:
            raise UsageError(
                f"{self.where}: found {self._names(left)}, which nothing in this package stands for; it is not "
                "converted, because its answers could change"
            )

    def _names(self, names: Iterable[str]) -> str:
        return ", ".join(shown(name) for name in sorted(names)) or "no fields"


def _shown_value(value: Any) -> str:
    return shown(str(value)) if isinstance(value, str | bool | int | float) else name_of(value)
