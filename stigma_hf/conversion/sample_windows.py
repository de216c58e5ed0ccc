"""Invented windows to compare two ways of computing the same thing on."""

from random import Random

from stigma_hf.context_window import ContextWindow
from stigma_hf.search import AnchorSearch
from stigma_hf.synthetic.sentences import load_sentences


def sample_windows(task: str, window_words: int, number: int) -> list[ContextWindow]:
    """Windows of the anchors of a task, from the hand-written sentences of this package; always the same.

    Args:
        task: Its id.
        window_words: Words on either side of an anchor.
        number: How many at most.
    """
    rng = Random(0)
    search = AnchorSearch(window_words=window_words, tasks=[task])
    windows: dict[ContextWindow, None] = {}
    for sentence in load_sentences():
        if sentence.cell.task == task:
            note = sentence.render(rng.choice(sentence.anchors), rng.choice(("F", "M")), rng)
            windows |= {ContextWindow(task, match.anchor, match.context): None for match in search.search(note)}
    return rng.sample(list(windows), min(number, len(windows)))
