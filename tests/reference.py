"""The plain reference: the released behaviour written out slowly, step by step, sharing nothing with `stigma_hf`.

It says what is right (tests compare with it on any text) and how fast a plain program is (benchmarks run beside it).
Behaviour after the outputs recorded in `tests/parity`; no code of the released toolkit.
"""

import re
import warnings

from unidecode import unidecode

STEPS = [
    (r"[\t\r\n]", " " * 3),
    ("\xa0 ", " "),
    ("'", '"'),
    ("&gt;", ">"),
    ("&lt;", "<"),
    ("&amp;", " and "),
    ("&#x20;", " "),
    (" " * 3, "\n"),
    ("\u2022", "\t"),
    ("[\x1d\xa0\x1c\x14]", " "),
    ("### invalid font number [0-9]+", " "),
    (" +", " "),
]


def clean(text: str) -> str:
    """Cleaned text, white space and case still there."""
    for pattern, replacement in STEPS:
        text = re.sub(pattern, replacement, text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unidecode warns of lone surrogates, which it drops
        return unidecode(text)


def normalize(text: str) -> str:
    """Lower case, white space collapsed and stripped."""
    return re.sub(r"\s+", " ", text.lower()).strip()


def strip_operators(text: str) -> str:
    """Without arithmetic signs at the left end."""
    return text.lstrip("-+*/=").strip()


class PlainSearch:
    """One alternation per task, each anchor with its own word boundaries."""

    def __init__(self, anchors: dict[str, list[str]]) -> None:
        self.patterns = {
            task: re.compile("|".join(rf"\b({re.escape(word)})\b" for word in words), re.IGNORECASE)
            for task, words in anchors.items()
        }

    def find(self, text: str) -> list[tuple[str, int, int]]:
        """Task, start and end of every match in the text as it is."""
        return [(task, *m.span()) for task, pattern in self.patterns.items() for m in pattern.finditer(text)]

    def cleaned(self, note: str, words: int = 10) -> list[tuple[str, int, int, str]]:
        """Task, clean start, clean end and window of every match in the cleaned note."""
        text = normalize(clean(note))
        return [(task, s, e, strip_operators(window(text, s, e, words))) for task, s, e in self.find(text)]

    def original(self, note: str, words: int = 10) -> list[tuple[str, int, int, str]]:
        """Task, start, end and window of every match in the original note, as the released Python interface."""
        return [
            (task, s, e, strip_operators(normalize(clean(window(note, s, e, words)))))
            for task, s, e in self.find(note)
        ]


def window(text: str, start: int, end: int, words: int) -> str:
    """Words between single spaces around a match, the quirk at the very end of a text included."""
    while start > 0 and text[start - 1] != " ":
        start -= 1
    while end < len(text) - 1 and text[end] != " ":
        end += 1
    left, middle, right = (part.strip().split(" ") for part in (text[:start], text[start:end], text[end:]))
    return " ".join(left[-words:] + middle + right[:words])
