"""Time search and windows against the plain reference: `python benchmarks/search.py [--notes N]`.

The reference is `tests/reference.py`: one case-insensitive alternation per task in which every anchor has its own word
boundaries, three scans, full cleaning, windows by splitting. It runs as fast as the released toolkit, so the ratio is
the speed relative to that. Notes are the invented ones of the package, shuffled line by line to 10,000 characters, six
in ten with anchors. Both sides answer the same notes in one process, in turns, and the best turn counts.
"""

import argparse
import random
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import reference

from stigma_hf import AnchorSearch, Lexicon
from stigma_hf.tasks import RESOURCES

LENGTH = 10_000


def invent_notes(number: int, rewritten: float, seed: int = 0) -> list[str]:
    """Notes of 10,000 characters; a share `rewritten` of them has characters that cleaning rewrites."""
    chance = random.Random(seed)
    lexicon = Lexicon.default()
    anchors = [anchor for anchors in lexicon.anchors.values() for anchor in anchors]
    any_anchor = re.compile("|".join(map(re.escape, anchors)), re.IGNORECASE)
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted((RESOURCES / "notes").iterdir()))
    lines = [line for line in text.splitlines() if line.isascii() and not any_anchor.search(line)]
    notes = []
    for _ in range(number):
        chosen = chance.choices(lines, k=LENGTH // 20)
        if chance.random() < 0.6:
            for _ in range(chance.choice([1, 1, 2, 3])):
                chosen[chance.randrange(len(chosen) // 2)] += f" was {chance.choice(anchors)} today,"
        if chance.random() < rewritten:
            for _ in range(5):
                chosen[chance.randrange(len(chosen) // 2)] += chance.choice(
                    [" 38\xb0", "\u2022", " &gt; 5", " caf\xe9"]
                )
        notes.append("\n".join(chosen)[:LENGTH])
    return notes


def main() -> None:
    """Print a table of speeds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    plain = reference.PlainSearch(Lexicon.default().anchors)
    print(f"{'windows':<14}{'rewritten':>10}{'matches':>9}{'us/note':>9}{'MB/s':>7}{'reference us':>14}{'ratio':>7}")
    for window, slow in (("trained", plain.cleaned), ("released-api", plain.original)):
        for rewritten in (0.0, 0.1, 1.0):
            notes = invent_notes(options.notes, rewritten)
            some = notes[:40]
            search = AnchorSearch(window=window)
            assert [[m.context for m in search.search(n)] for n in some] == [[m[-1] for m in slow(n)] for n in some]
            best = best_slow = float("inf")
            for _ in range(options.turns):
                begin = time.perf_counter()
                matches = sum(len(found) for found in search.search_many(notes))
                middle = time.perf_counter()
                for note in some:
                    slow(note)
                best = min(best, (middle - begin) / len(notes))
                best_slow = min(best_slow, (time.perf_counter() - middle) / len(some))
            speed = LENGTH / best / 1e6
            print(
                f"{window:<14}{rewritten:>10.0%}{matches:>9}{best * 1e6:>9.1f}{speed:>7.0f}"
                f"{best_slow * 1e6:>14.0f}{best_slow / best:>7.0f}"
            )


if __name__ == "__main__":
    main()
