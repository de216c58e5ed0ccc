"""Draw matches for annotation by the published protocol.

The protocol (Harrigian et al. 2023): within a task, texts that repeat (left context, anchor, right context) count
once; of each anchor up to 30 instances are drawn at random, and if that makes fewer than 500, more are drawn from the
rest of the task until there are 500.

Every match gets two random numbers made from the seed and its text. The instances with the smallest first numbers are
those drawn for an anchor, the ones with the smallest second numbers those drawn to fill up. The sample therefore does
not depend on the order of the notes, repeats meet under one number, and memory holds the sample only, however many
matches stream by.
"""

import heapq
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

from stigma_hf.cleaning import clean_note
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks

logger = logging.getLogger(__name__)

_MATCH_COLUMNS = ("note_id", "task", "anchor", "clean_start", "clean_end", "context")


@dataclass(frozen=True, slots=True)
class SampledMatch:
    """A match drawn for annotation.

    Attributes:
        note_id: Note it is in.
        task: Its task.
        anchor: Its anchor.
        clean_start: Where it begins in the cleaned note.
        clean_end: Where it ends there, exclusive.
        context_left: What stands before the anchor in its window.
        context_anchor: The anchor as it stands there.
        context_right: What stands after it.
    """

    note_id: str
    task: str
    anchor: str
    clean_start: int
    clean_end: int
    context_left: str
    context_anchor: str
    context_right: str

    @property
    def id(self) -> str:
        """Name of the instance in labelling tools."""
        return f"{self.note_id}:{self.task}:{self.clean_start}-{self.clean_end}"

    @property
    def place(self) -> tuple[str, int, int]:
        """Where it stands, to choose among repeats."""
        return self.note_id, self.clean_start, self.clean_end


@dataclass(frozen=True)
class Sample:
    """The drawn matches, by task and in random order within it, and what they were drawn from.

    Attributes:
        matches: The instances to label.
        n_seen: Matches seen by (task, anchor), repeats included.
        n_without_anchor: Matches left out because their window does not show the anchor.
    """

    matches: tuple[SampledMatch, ...]
    n_seen: Mapping[tuple[str, str], int]
    n_without_anchor: int


class _Smallest:
    """The matches with the `size` smallest distinct numbers; of repeats the one that stands first."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.matches: dict[int, SampledMatch] = {}
        self._largest_first: list[int] = []

    def add(self, number: int, match: SampledMatch) -> None:
        known = self.matches.get(number)
        if known:
            if match.place < known.place:
                self.matches[number] = match
        elif len(self.matches) < self.size:
            heapq.heappush(self._largest_first, -number)
            self.matches[number] = match
        elif self.size and number < -self._largest_first[0]:
            del self.matches[-heapq.heapreplace(self._largest_first, -number)]
            self.matches[number] = match


def sample_matches(
    matches: Iterable[Mapping[str, Any]],
    per_anchor: int = 30,
    per_task: int = 500,
    seed: int = 0,
    exclude: Iterable[SampledMatch] = (),
    window_words: int = 10,
) -> Sample:
    """Draw matches for annotation as the published protocol does.

    Args:
        matches: Rows with `note_id, task, anchor, clean_start, clean_end, context`, in any order.
        per_anchor: Instances drawn of each anchor, if there are as many.
        per_task: Instances a task is filled up to; 0 adds none.
        seed: Another seed, another sample.
        exclude: Instances of earlier rounds; they and their repeats are not drawn again.
        window_words: Words on either side of the anchor in `context`.

    Raises:
        UsageError: If a number is negative, a row lacks a column or a task is unknown.
    """
    if min(per_anchor, per_task, window_words) < 0:
        raise UsageError(f"expected counts from 0 on, found {per_anchor=}, {per_task=}, {window_words=}")
    of_anchor: defaultdict[tuple[str, str], _Smallest] = defaultdict(lambda: _Smallest(per_anchor))
    of_task = {task: _Smallest(per_task) for task in load_tasks()}
    excluded = {_random_numbers(seed, match) for match in exclude}
    n_seen: Counter[tuple[str, str]] = Counter()
    n_without_anchor = 0
    for index, row in enumerate(matches):
        _check_row(index, row)
        n_seen[row["task"], row["anchor"]] += 1
        parts = split_context(row["context"], row["anchor"], row["clean_start"], window_words)
        if parts is None:
            n_without_anchor += 1
            continue
        place = row["clean_start"], row["clean_end"]
        match = SampledMatch(row["note_id"], row["task"], row["anchor"], *place, *parts)
        numbers = _random_numbers(seed, match)
        if numbers not in excluded:
            of_anchor[match.task, match.anchor].add(numbers[0], match)
            of_task[match.task].add(numbers[1], match)
    drawn = [
        match
        for task in of_task
        for match in _draw([kept for key, kept in of_anchor.items() if key[0] == task], of_task[task], seed)
    ]
    logger.info("%d instances drawn from %d matches of %d anchors", len(drawn), n_seen.total(), len(n_seen))
    if n_without_anchor:
        logger.warning("%d matches left out: their window does not show the anchor", n_without_anchor)
    return Sample(tuple(drawn), dict(n_seen), n_without_anchor)


def _draw(of_anchors: list[_Smallest], of_task: _Smallest, seed: int) -> list[SampledMatch]:
    """The sample of one task in random order: of each anchor what was drawn, then others until there are enough."""
    drawn = {_random_numbers(seed, match)[1]: match for kept in of_anchors for match in kept.matches.values()}
    for number in sorted(of_task.matches):
        if len(drawn) >= of_task.size:
            break
        drawn.setdefault(number, of_task.matches[number])
    return [drawn[number] for number in sorted(drawn)]


def _check_row(index: int, row: Mapping[str, Any]) -> None:
    missing = [name for name in _MATCH_COLUMNS if name not in row]
    if missing:
        raise UsageError(f"match {index}: expected columns {', '.join(_MATCH_COLUMNS)}, missing {', '.join(missing)}")
    if row["task"] not in load_tasks():
        raise UsageError(f"match {index}: expected a task among {', '.join(load_tasks())}, found {row['task']!r}")


def _random_numbers(seed: int, match: SampledMatch) -> tuple[int, int]:
    """Two numbers that are the same for the same text."""
    text = "\0".join((match.task, match.anchor, match.context_left, match.context_anchor, match.context_right))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=str(seed).encode()).digest()
    return int.from_bytes(digest[:8]), int.from_bytes(digest[8:])


def split_context(context: str, anchor: str, clean_start: int, window_words: int = 10) -> tuple[str, str, str] | None:
    """Left context, anchor and right context of a window; None if it does not show the anchor.

    Where the anchor stands more than once in the window, the match is the last one that the note's beginning
    (`clean_start`) and the words kept on the left leave room for.
    """
    places = [match.span() for match in _anchor_pattern(anchor).finditer(context)]
    if not places:
        return None
    possible = [p for p in places if p[0] <= clean_start and context.count(" ", 0, p[0]) <= window_words]
    start, end = (possible or places)[-1]
    return context[:start].rstrip(), context[start:end], context[end:].lstrip()


@cache
def _anchor_pattern(anchor: str) -> re.Pattern[str]:
    """The anchor in cleaned form, as a whole word."""
    return re.compile(rf"\b{re.escape(clean_note(anchor))}\b")
