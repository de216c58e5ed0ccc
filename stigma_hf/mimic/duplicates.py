"""Tell which matches repeat a text seen before, as copied notes and templates do."""

from hashlib import blake2b

import pyarrow as pa


class DuplicateMarker:
    """Marks every match whose left context, anchor and right context stood in an earlier one.

    The published pool of matches had such repetitions removed. Only a digest is kept of each text.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def mark(self, matches: pa.Table) -> pa.Table:
        """The matches with a column `is_duplicate`: false the first time that a text is seen, true from then on."""
        columns = ("anchor", "context", "clean_start")
        flags = [self._is_repeated(*row) for row in zip(*(matches[name].to_pylist() for name in columns), strict=True)]
        return matches.append_column("is_duplicate", pa.array(flags, pa.bool_()))

    def _is_repeated(self, anchor: str, context: str, clean_start: int) -> bool:
        # The window does not say which occurrence of its anchor it is around. That matters only at the beginning of a
        # note, where all of the left context is in the window and two windows can hold the same words.
        is_unclear = clean_start < len(context) and context.count(anchor) > 1
        text = f"{anchor}\0{context}\0{clean_start if is_unclear else ''}"
        digest = blake2b(text.encode(), digest_size=16).digest()
        is_repeated = digest in self._seen
        self._seen.add(digest)
        return is_repeated
