"""Search batches of notes in several processes at once.

Notes travel through shared memory: sending them through a pipe costs as much as searching them. The parent has no
threads that would have to wait for its own searching.
"""

import signal
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory

import pyarrow as pa

from stigma_hf.mimic.matches import Places, search_notes
from stigma_hf.search import AnchorSearch

_BLOCKS_PER_WORKER = 8
_BLOCK_BYTES = 3 * 2**20
_HEADER_BYTES = 2**16


def search_batches(
    notes: Iterable[pa.RecordBatch], num_proc: int = 1, places: Places | None = None
) -> Iterator[pa.Table]:
    """The matches of each batch of notes, in the order of the batches.

    Args:
        notes: Batches of notes.
        num_proc: Number of processes, this one included: it reads, and searches what the others have no time for.
        places: Where to look in each note; everywhere when None.

    Raises:
        RuntimeError: If a process ends before its work is done.
    """
    if num_proc < 2:
        for batch in notes:
            yield _search(batch, places)
        return
    with ExitStack() as stack:
        workers = [_Worker(stack, places) for _ in range(num_proc - 1)]
        waiting: deque[pa.Table | _Worker] = deque()
        for batch in notes:
            while waiting and _is_ready(waiting[0]):
                yield _result(waiting.popleft())
            worker = max(workers, key=lambda worker: worker.free_blocks)
            waiting.append(worker if worker.take(batch) else _search(batch, places))
        while waiting:
            yield _result(waiting.popleft())


class _Worker:
    """A process that searches the batches it takes, in order."""

    def __init__(self, stack: ExitStack, places: Places | None) -> None:
        self._connection, theirs = Pipe()
        self._free = deque(_new_block(stack) for _ in range(_BLOCKS_PER_WORKER))
        self._busy: deque[SharedMemory] = deque()
        process = Process(target=_serve, args=(theirs, places), daemon=True)
        process.start()
        theirs.close()
        stack.callback(self._connection.close)
        stack.callback(process.join)
        stack.callback(process.terminate)

    @property
    def free_blocks(self) -> int:
        """How many batches it can still take."""
        return len(self._free)

    def take(self, batch: pa.RecordBatch) -> bool:
        """Take a batch, unless there is no memory for it."""
        if not self._free or pa.ipc.get_record_batch_size(batch) + _HEADER_BYTES > _BLOCK_BYTES:
            return False
        block = self._free.popleft()
        with pa.ipc.new_stream(pa.FixedSizeBufferWriter(pa.py_buffer(block.buf)), batch.schema) as writer:
            writer.write_batch(batch)
        self._busy.append(block)
        self._connection.send(block.name)
        return True

    def has_result(self) -> bool:
        """Whether its oldest batch is done."""
        return self._connection.poll()

    def result(self) -> pa.Table:
        """The matches in its oldest batch."""
        try:
            found = self._connection.recv()
        except (EOFError, OSError) as error:
            raise RuntimeError("a search process ended early, out of memory perhaps; try num_proc=1") from error
        if isinstance(found, Exception):
            raise found
        self._free.append(self._busy.popleft())
        return found


def _is_ready(job: "pa.Table | _Worker") -> bool:
    return job.has_result() if isinstance(job, _Worker) else True


def _result(job: "pa.Table | _Worker") -> pa.Table:
    return job.result() if isinstance(job, _Worker) else job


def _new_block(stack: ExitStack) -> SharedMemory:
    block = SharedMemory(create=True, size=_BLOCK_BYTES)
    stack.callback(block.unlink)
    stack.callback(block.close)
    return block


def _serve(connection: Connection, places: Places | None) -> None:
    """Search the blocks that are named, until this process is ended or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what interrupts the parent ends this process too
    while True:
        try:
            block = _open_block(connection.recv())
            batch = pa.ipc.open_stream(pa.py_buffer(block.buf)).read_next_batch()
            connection.send(_search(batch, places))
        except (EOFError, OSError):
            return
        except Exception as error:
            connection.send(error)


@cache
def _open_block(name: str) -> SharedMemory:
    return SharedMemory(name)


@cache
def _anchor_search() -> AnchorSearch:
    return AnchorSearch()


def _search(batch: pa.RecordBatch, places: Places | None) -> pa.Table:
    return search_notes(batch, _anchor_search(), places)
