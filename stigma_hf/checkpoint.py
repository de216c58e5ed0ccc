"""Remember how far a file of spans has come, so that the same command goes on after it was stopped."""

import json
import time
from pathlib import Path
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.result_files import ResultWriter
from stigma_hf.summary import Summary
from stigma_hf.whole_files import write_whole

_SECONDS_BETWEEN = 1.0


class Checkpoint:
    """The record beside a file of spans that is being written: counts and a length, no text.

    It is written once a second at most and removed when the work is done, so that much is done again after a kill.

    Args:
        out_file: The file of spans.
        work: What decides the rows: a digest of the inputs and the options.

    Attributes:
        path: The record, named like the file with `.progress` added.
        size: Bytes of the file of spans that are known to be whole; None where nothing is resumed.
    """

    def __init__(self, out_file: Path, work: str) -> None:
        self.path = out_file.with_name(f"{out_file.name}.progress")
        self.size: int | None = None
        self._out_file = out_file
        self._work = work
        self._saved_at = 0.0

    def resume(self) -> Summary:
        """What an earlier run of the same work had counted; nothing if it never began.

        Raises:
            UsageError: If there is a file of spans without a record, or the record is of other work.
        """
        if not self._out_file.exists():
            return Summary()
        if self._out_file.suffix.lower() == ".parquet":
            raise UsageError(
                f"{self._out_file}: a Parquet file that was cut short has no end and cannot be resumed; "
                "begin anew with --overwrite, or write .jsonl or .csv"
            )
        try:
            record = json.loads(self.path.read_text(encoding="utf-8"))
            work, size, counts = record["work"], int(record["size"]), record["counts"]
        except FileNotFoundError:
            raise UsageError(
                f"{self._out_file}: expected its record {self.path.name} to resume, found none; it is finished, or "
                "was not written by this command. Begin anew with --overwrite"
            ) from None
        except (OSError, ValueError, KeyError, TypeError):
            raise UsageError(f"{self.path}: expected a record of progress; begin anew with --overwrite") from None
        if work != self._work:
            raise UsageError(
                f"{self._out_file}: was begun with other inputs or options; repeat the command it was begun with, or "
                "begin anew with --overwrite"
            )
        if self._out_file.stat().st_size < size:
            raise UsageError(f"{self._out_file}: is shorter than its record says; begin anew with --overwrite")
        self.size = size
        return Summary.from_dict(counts)

    def keep(self, summary: Summary, writer: ResultWriter, force: bool = False) -> None:
        """Save how far the work has come, unless that was done a moment ago.

        Args:
            summary: Counts of the notes whose spans are all written.
            writer: Where they are written to.
            force: Whether to save in any case.
        """
        now = time.monotonic()
        if not force and now - self._saved_at < _SECONDS_BETWEEN:
            return
        record: dict[str, Any] = {"work": self._work, "size": writer.size(), "counts": summary.to_dict()}
        write_whole(self.path, json.dumps(record))
        self._saved_at = now

    def finish(self) -> None:
        """Remove the record: all is done."""
        self.path.unlink(missing_ok=True)
