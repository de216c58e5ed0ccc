"""Which sentences the patients of each split may use: every sentence belongs to one, so that a test is a test."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from random import Random
from typing import Literal, get_args

from stigma_hf.synthetic.published import Cell
from stigma_hf.synthetic.sentences import Sentence, by_anchor

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

_TEST, _VALIDATION = 0.2, 0.4
"""A sentence whose hash, as a fraction of one, lies below these belongs to test, to validation; else to train."""


def assign_shares(sentences: Sequence[Sentence]) -> dict[Sentence, Split]:
    """The split of every sentence, at least one of each split for every anchor and label.

    The share follows from the text of the sentence. Where that leaves an anchor and label without a sentence in some
    split, one of its sentences moves there, chosen so that nothing else runs dry. New sentences leave the others where
    they are, but for such moves.

    Raises:
        ValueError: If an anchor and label has too few sentences for three splits; it is named.
    """
    position = {sentence: _fraction(sentence.text) for sentence in sentences}
    ordered = sorted(sentences, key=position.__getitem__)
    split_of = {sentence: _split_of(position[sentence]) for sentence in ordered}
    cells = by_anchor(ordered)
    counts = {cell: Counter(split_of[s] for s in members) for cell, members in cells.items()}
    for cell in sorted(cells, key=lambda cell: (len(cells[cell]), cell)):
        for split in SPLITS:
            if counts[cell][split]:
                continue
            sentence = _spare(cells[cell], split_of, counts)
            if sentence is None:
                raise ValueError(
                    f"{'.'.join(cell[0])}: expected sentences of {cell[1]!r} for {', '.join(SPLITS)}, found none to "
                    f"spare for {split}; write another sentence for this anchor alone"
                )
            for anchor in sentence.anchors:
                counts[sentence.cell, anchor][split_of[sentence]] -= 1
                counts[sentence.cell, anchor][split] += 1
            split_of[sentence] = split
    return split_of


def _spare(
    members: list[Sentence], split_of: dict[Sentence, Split], counts: dict[tuple[Cell, str], Counter[Split]]
) -> Sentence | None:
    """A sentence that every one of its anchors can do without where it is."""
    for sentence in members:
        if all(counts[sentence.cell, anchor][split_of[sentence]] > 1 for anchor in sentence.anchors):
            return sentence
    return None


def _split_of(fraction: float) -> Split:
    return "test" if fraction < _TEST else "validation" if fraction < _VALIDATION else "train"


def _fraction(text: str) -> float:
    """A number from 0 to 1 that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


_EARLY = 8
"""Words before an anchor up to which it counts as near the beginning; a window has ten."""


class SentenceDeck:
    """Deals sentences: every sentence of an anchor, label and split comes up before any comes up again.

    Args:
        sentences: The sentences to deal.
        rng: Source of the order.
    """

    def __init__(self, sentences: Sequence[Sentence], rng: Random) -> None:
        self._rng = rng
        self._piles: dict[tuple[Split, Cell, str], list[Sentence]] = defaultdict(list)
        self._early: dict[Split, list[Sentence]] = {split: [] for split in SPLITS}
        for sentence, split in assign_shares(sentences).items():
            if sentence.max_words_before <= _EARLY:
                self._early[split].append(sentence)
            for anchor in sentence.anchors:
                self._piles[split, sentence.cell, anchor].append(sentence)
        self._left: dict[tuple[Split, Cell, str], list[Sentence]] = {}

    def deal(self, split: Split, cell: Cell, anchor: str) -> Sentence:
        """The next sentence for an annotated span."""
        key = (split, cell, anchor)
        if not self._left.get(key):
            self._left[key] = self._rng.sample(self._piles[key], len(self._piles[key]))
        return self._left[key].pop()

    def any_early(self, split: Split, rng: Random) -> Sentence:
        """Any sentence of a split with its anchor near the beginning, so that a window shows what comes before it."""
        return self._early[split][int(rng.random() * len(self._early[split]))]
