"""Cut text into pieces exactly as the released toolkit did: spaCy's English tokenizer with two changes.

The changes are medspaCy's: any ASCII punctuation except "." separates inside a word (`10/10`, `a_b`), and web
addresses are not kept whole. The rules are data, `tokenizer_rules.json`, written from spaCy (MIT licence) by
`train/tokenizer_rules.py`. Here they are run without spaCy, step by step as
https://spacy.io/usage/linguistic-features#how-tokenizer-works tells.
"""

import json
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_CLINICAL_INFIX = f"[{re.escape(string.punctuation.replace('.', ''))}]"
# White space is a piece of its own, except the one blank that ends each run of other characters.
_CHUNK = re.compile(r"(\S+)( ?)|(\s+)")


@dataclass(frozen=True)
class Rules:
    """How chunks, the runs of characters between white space, are cut.

    Attributes:
        prefix: Finds what is cut off at the start.
        suffix: Finds what is cut off at the end.
        infixes: Finds separators inside what is left.
        exceptions: Texts that are cut in their own way, into these pieces.
    """

    prefix: Callable[[str], re.Match[str] | None]
    suffix: Callable[[str], re.Match[str] | None]
    infixes: Callable[[str], Iterator[re.Match[str]]]
    exceptions: Mapping[str, tuple[str, ...]]

    def split(self, chunk: str) -> list[str]:
        """The pieces of a chunk, exceptions in its middle not yet put together."""
        return self._split(chunk, self.exceptions)

    def split_plainly(self, chunk: str) -> list[str]:
        """The pieces of a chunk as if there were no exceptions."""
        return self._split(chunk, {})

    def _split(self, chunk: str, exceptions: Mapping[str, Sequence[str]]) -> list[str]:
        before: list[str] = []
        after: list[str] = []
        core = chunk
        while core not in exceptions and not _is_plain(core):
            start = _length(self.prefix(core))
            if start and core[start:] in exceptions:
                before.append(core[:start])
                core = core[start:]
                break
            end = _length(self.suffix(core[start:]))
            if end and core[:-end] in exceptions:
                after.append(core[-end:])
                core = core[:-end]
                break
            if not start and not end:
                break
            if start:
                before.append(core[:start])
            if end:
                after.append(core[-end:])
            core = core[start : len(core) - end]
        middle = exceptions[core] if core in exceptions else self._split_infixes(core)
        return [*before, *middle, *after[::-1]]

    def _split_infixes(self, core: str) -> list[str]:
        """Cut at the separators; one at the very start separates nothing."""
        pieces = []
        begin = 0
        for infix in () if _is_plain(core) else self.infixes(core):
            if infix.start() == 0:
                continue
            pieces += [core[begin : infix.start()], infix.group()]
            begin = infix.end()
        pieces.append(core[begin:])
        return [piece for piece in pieces if piece]


class Segmenter:
    """Cuts text into pieces; white space beyond single blanks is a piece too.

    Args:
        rules: How chunks are cut.

    Example:
        >>> segmenter().pieces("pt isn't at 10/10 pain.")
        ['pt', 'is', "n't", 'at', '10', '/', '10', 'pain', '.']
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        # An exception with an affix in it is also found inside a chunk, by its pieces as they are without exceptions.
        self._exceptions: dict[str, dict[tuple[str, ...], str]] = {}
        for text, instead in rules.exceptions.items():
            if rules.prefix(text) or rules.suffix(text) or next(rules.infixes(text), None):
                pattern = tuple(rules.split_plainly(text))
                if pattern != instead or len(pattern) > 1:
                    self._exceptions.setdefault(pattern[0], {})[pattern] = text

    def pieces(self, text: str) -> list[str]:
        """The pieces of a text, in order."""
        pieces: list[str] = []
        blanks: set[int] = set()
        for chunk in _CHUNK.finditer(text):
            if chunk[1]:
                pieces += self.rules.split(chunk[1])
            else:
                pieces.append(chunk[3])
            if chunk[2]:
                blanks.add(len(pieces))
        return self._join_exceptions(pieces, blanks)

    def chunk_pieces(self, chunk: str) -> list[str] | None:
        """The pieces of a chunk wherever it stands; None if they depend on the chunks around it."""
        pieces = self.rules.split(chunk)
        return None if self._find_exceptions(pieces) else pieces

    def _find_exceptions(self, pieces: Sequence[str]) -> list[tuple[int, int, str]]:
        """Start, length and text of every exception that stands among the pieces and would change them."""
        found = []
        for start, piece in enumerate(pieces):
            for pattern, text in self._exceptions.get(piece, {}).items():
                if tuple(pieces[start : start + len(pattern)]) == pattern:
                    found.append((start, len(pattern), text))
        return found

    def _join_exceptions(self, pieces: list[str], blanks: set[int]) -> list[str]:
        """Cut the exceptions among the pieces in their own way: the longest first, then the leftmost.

        One that overlaps a longer one is left alone, even where that one is itself left alone, for it spans a blank.
        """
        taken: set[int] = set()
        chosen = {}
        for start, length, text in sorted(self._find_exceptions(pieces), key=lambda found: (-found[1], found[0])):
            inside = range(start, start + length)
            if start not in taken and inside[-1] not in taken and blanks.isdisjoint(inside[1:]):
                chosen[start] = (length, self.rules.exceptions[text])
            taken.update(inside)
        joined: list[str] = []
        place = 0
        while place < len(pieces):
            length, instead = chosen.get(place, (1, pieces[place : place + 1]))
            joined += instead
            place += length
        return joined


@cache
def segmenter() -> Segmenter:
    """The segmenter of the released toolkit."""
    stored = json.loads((files("stigma_hf") / "baseline" / "tokenizer_rules.json").read_text(encoding="utf-8"))
    return Segmenter(
        Rules(
            prefix=re.compile(stored["prefix"]).search,
            suffix=re.compile(stored["suffix"]).search,
            infixes=re.compile(f"{stored['infix']}|{_CLINICAL_INFIX}").finditer,
            exceptions={text: tuple(pieces) for text, pieces in stored["exceptions"].items()},
        )
    )


def _is_plain(text: str) -> bool:
    """Whether there is nothing to cut: every affix holds something else than ASCII letters, or than ASCII digits."""
    return not text or (text.isascii() and (text.isalpha() or text.isdigit()))


def _length(match: re.Match[str] | None) -> int:
    return len(match.group()) if match else 0
