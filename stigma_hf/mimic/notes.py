"""Stream the discharge notes of a tree."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stigma_hf.errors import UsageError
from stigma_hf.mimic.csv_input import read_batches
from stigma_hf.mimic.files import MimicFiles
from stigma_hf.mimic.tables import AdmissionTable

NOTES = {
    "note_id": pa.string(),
    "subject_id": pa.int64(),
    "hadm_id": pa.int64(),
    "text": pa.large_binary(),
}
_IDS = ["note_id", "subject_id", "hadm_id"]
_MAX_EXAMPLES = 3


class NoteStream:
    """The discharge notes of a tree, a batch at a time, and a count of what is odd about them.

    Args:
        files: Where the tree is.
        admissions: Its admissions, to count the notes that fit none.
        note_ids: Notes to give out; all of them when None. The others are counted all the same.
        on_notes: Called with the number of notes of each batch read, for a progress bar.
        extra_columns: Columns to read beside those of `NOTES`, with their types.

    Attributes:
        counts: How many notes were read, and how many lack text or an admission, once the stream has ended.
    """

    def __init__(
        self,
        files: MimicFiles,
        admissions: AdmissionTable,
        note_ids: pa.Array | None = None,
        on_notes: Callable[[int], Any] | None = None,
        extra_columns: Mapping[str, pa.DataType] | None = None,
    ) -> None:
        self._columns = {**NOTES, **(extra_columns or {})}
        self._path = files.discharge
        self._admissions = admissions
        self._wanted = None if note_ids is None else set(note_ids.to_pylist())
        self._on_notes = on_notes or (lambda notes: None)
        self._seen = pa.table({"note_id": pa.array([], pa.string())})
        self.counts: Counter[str] = Counter()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Batches of notes in the columns of `NOTES` and the extra ones.

        Raises:
            UsageError: If a note id stands twice, once all notes are read.
        """
        seen: list[pa.RecordBatch] = []
        for batch in read_batches(self._path, self._columns):
            lengths = pc.binary_length(batch.column("text"))
            seen.append(batch.select(_IDS).append_column("length", lengths))
            self._on_notes(len(batch))
            if self._wanted is not None:
                # A set is made once; Arrow would make its own of all wanted ids for every batch.
                is_wanted = [note_id in self._wanted for note_id in batch.column("note_id").to_pylist()]
                if not all(is_wanted):  # filtering copies the text
                    batch = batch.filter(pa.array(is_wanted, pa.bool_()))
            if len(batch):
                yield batch
        if seen:
            self._seen = pa.Table.from_batches(seen).combine_chunks()
            self._count()
            self._check_ids()

    def existing(self, note_ids: pa.Array) -> set[str]:
        """Which of some notes the stream has come by."""
        return set(note_ids.filter(pc.is_in(note_ids, value_set=self._seen["note_id"])).to_pylist())

    def _count(self) -> None:
        hadm_ids = self._seen["hadm_id"]
        subject_ids = self._admissions.subjects_of(hadm_ids)
        has_none = subject_ids < 0
        differs = ~has_none & (subject_ids != self._seen["subject_id"].fill_null(-1).to_numpy())
        counts = {
            "notes": len(self._seen),
            "notes without text": pc.sum(pc.equal(self._seen["length"], 0)).as_py(),
            "notes without hadm_id": hadm_ids.null_count,
            "notes of an unknown admission": np.count_nonzero(has_none) - hadm_ids.null_count,
            "notes of another patient than their admission": np.count_nonzero(differs),
        }
        self.counts = Counter({what: int(notes) for what, notes in counts.items() if notes})

    def _check_ids(self) -> None:
        seen = pc.value_counts(self._seen["note_id"])
        repeated = seen.filter(pc.greater(seen.field("counts"), 1)).field("values").to_pylist()
        if repeated:
            examples = ", ".join(repeated[:_MAX_EXAMPLES]) + (", ..." if len(repeated) > _MAX_EXAMPLES else "")
            raise UsageError(
                f"{self._path}: expected each note_id once, found {len(repeated)} more than once ({examples}); "
                "annotations cannot be told apart by them, fetch the file again"
            )
