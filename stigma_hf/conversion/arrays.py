"""Numbers and texts from the records of arrays."""

import io
import math
import re
from typing import Any

import numpy as np

from stigma_hf.conversion.records import Record, is_record_of, name_of
from stigma_hf.errors import UsageError

_WRAPPER = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
_OBJECTS = "O8"


def stored_dtype(wrapper: Record) -> np.dtype | None:
    """The type of the numbers of an array that joblib stored; None for one of Python objects.

    Raises:
        UsageError: If the record is not that of an array of numbers or objects.
    """
    state = wrapper.state
    if not isinstance(state, dict) or not {"subclass", "shape", "order", "dtype"} <= state.keys() <= _WRAPPER:
        raise UsageError(f"expected the shape and type of an array, found {name_of(state)} with other fields")
    subclass = state["subclass"]
    if not isinstance(subclass, type) or getattr(subclass, "stands_for", "") != "numpy.ndarray":
        raise UsageError(f"expected a numpy.ndarray, found {name_of(subclass)}")
    return read_dtype(state["dtype"])


def read_dtype(record: Any) -> np.dtype | None:
    """The type of numbers that a record names; None for Python objects.

    Raises:
        UsageError: If it is neither; structures, texts and dates are refused.
    """
    code = record.args[0] if is_record_of(record, "numpy.dtype") and record.args else None
    state = record.state if isinstance(code, str) else None
    if code == _OBJECTS:
        return None
    if not isinstance(code, str) or not re.fullmatch(r"b1|[iuf][1248]", code):
        raise UsageError(f"expected numbers, found a type of numpy that is none: {ascii(code)[:40]}")
    if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|"):
        raise UsageError("expected the byte order of numbers, found none")
    return np.dtype(state[1] + code)


def read_stored_array(wrapper: Record, file: io.BytesIO) -> np.ndarray:
    """The numbers of an array that joblib stored, from where a file stands.

    Raises:
        UsageError: If the shape is none, or the file ends too soon.
    """
    dtype, state = stored_dtype(wrapper), wrapper.state
    shape, order = state["shape"], state["order"]
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise UsageError("expected the shape of an array, found something else")
    if dtype is None or order not in ("C", "F"):
        raise UsageError("expected an array of numbers in order C or F, found another")
    if state.get("numpy_array_alignment_bytes") is not None:
        # One byte says how many more stand before the numbers.
        file.read(int.from_bytes(file.read(1), "little"))
    wanted = math.prod(shape) * dtype.itemsize
    content = file.read(wanted)
    if len(content) < wanted:
        raise UsageError(
            f"expected {wanted:,} bytes of numbers, found {len(content):,}: incomplete; download it again"
        )
    return np.frombuffer(content, dtype).reshape(shape, order=order).astype(dtype.newbyteorder("="))


def to_array(value: Any) -> np.ndarray:
    """The numbers that a record holds, as an array.

    Raises:
        UsageError: If it is no record of an array of numbers.
    """
    if is_record_of(value, "joblib.numpy_pickle.NumpyArrayWrapper") and isinstance(value.array, np.ndarray):
        return value.array
    raise UsageError(f"expected an array of numbers, found {name_of(value)}")


def to_texts(value: Any) -> list[str]:
    """The texts of a list, or of an array of texts.

    Raises:
        UsageError: If it is neither, or holds something else than texts.
    """
    if is_record_of(value, "joblib.numpy_pickle.NumpyArrayWrapper"):
        value = value.array
        is_array = is_record_of(value, "numpy.core.multiarray._reconstruct") and isinstance(value.state, tuple)
        value = value.state[4] if is_array and len(value.state) == 5 else None
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UsageError(f"expected texts, found {name_of(value)}")
    return value


def to_number(value: Any) -> float:
    """A number, also from the record of a numpy scalar.

    Raises:
        UsageError: If it is none.
    """
    if is_record_of(value, "numpy.core.multiarray.scalar") and len(value.args) == 2:
        dtype, content = read_dtype(value.args[0]), value.args[1]
        if dtype is not None and isinstance(content, bytes) and len(content) == dtype.itemsize:
            return np.frombuffer(content, dtype)[0].item()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise UsageError(f"expected a number, found {name_of(value)}")
