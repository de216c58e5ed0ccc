"""The ready-made parts of synthetic notes, written once per run so that notes are only put together.

The texts are data: `section_texts/*.txt`, one part a line, or blocks between blank lines for parts of several lines.
Like the sentences they may hold slots, and anchors only in square brackets.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from random import Random

from stigma_hf.synthetic.slots import Sex, fill

WIDTH = 75
"""Columns after which the lines of a note break."""

_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z])")
_FOLDER = files("stigma_hf.synthetic") / "section_texts"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of prose.

    Attributes:
        sentences: Its sentences.
        wrapped: The whole as it stands in a note.
    """

    sentences: tuple[str, ...]
    wrapped: str


def paragraph(sentences: list[str]) -> Paragraph:
    """A paragraph of these sentences."""
    return Paragraph(tuple(sentences), wrap(" ".join(sentences)))


def wrap(text: str) -> str:
    """Text with its lines broken between words, at most `WIDTH` columns each where the words allow it.

    A tenth of the cost of `textwrap`, which would be most of the cost of a note.
    """
    lines = []
    start = 0
    while len(text) - start > WIDTH:
        end = text.rfind(" ", start, start + WIDTH + 1)
        if end <= start:
            break
        lines.append(text[start:end])
        start = end + 1
    lines.append(text[start:])
    return "\n".join(lines)


def read_lines(name: str) -> list[str]:
    """The parts of a section file with one part a line."""
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("# Paragraphs")]


def read_blocks(name: str) -> list[str]:
    """The parts of a section file with blank lines between them."""
    return (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").strip().split("\n\n")


class SectionPools:
    """Parts of notes for patients of one sex, with every slot filled.

    Args:
        sex: Sex of the patients.
        rng: Source of the fillers.
    """

    def __init__(self, sex: Sex, rng: Random) -> None:
        self._sex = sex
        self._rng = rng
        self.complaints = read_lines("complaints")
        self.allergies = read_lines("allergies")
        self.procedures = read_lines("procedures")
        self.dispositions = read_lines("dispositions")
        self.conditions = read_blocks("condition")
        self.family = self._each("family")
        self.social = [paragraph([text]) for text in self._each("social")]
        self.histories = [self._history() for _ in range(400)]
        self.problems = [self._variants(text, 8) for text in read_lines("course")]
        self.past_histories = [self._list("past_history", 4, 12) for _ in range(120)]
        self.diagnoses = [self._list("past_history", 1, 5) for _ in range(80)]
        self.exams = [list(map(wrap, text.splitlines())) for _ in range(20) for text in self._each_block("exam")]
        self.labs = [self._labs() for _ in range(200)]
        self.cultures = [[fill(text, sex, rng)] for text in read_blocks("micro")]
        self.imaging = [self._variants(text, 10) for text in read_lines("imaging")]
        self.medicines = [self._numbered("medicines", 6, 16) for _ in range(120)]
        self.transitional = [self._list("transitional", 2, 6, "[ ] ") for _ in range(80)]
        self.instructions = [self._variants(text, 8) for text in read_lines("instructions")]

    def _each(self, name: str) -> list[str]:
        """Every part of a file, filled."""
        return [fill(text, self._sex, self._rng) for text in read_lines(name)]

    def _each_block(self, name: str) -> list[str]:
        """Every block of a file, filled."""
        return [fill(text, self._sex, self._rng) for text in read_blocks(name)]

    def _some(self, name: str, fewest: int, most: int) -> list[str]:
        """A few parts of a file, each at most once, filled."""
        texts = _for_sex(read_lines(name), self._sex)
        return [fill(text, self._sex, self._rng) for text in self._rng.sample(texts, self._rng.randint(fewest, most))]

    def _list(self, name: str, fewest: int, most: int, bullet: str = "- ") -> str:
        return "\n".join(wrap(bullet + text) for text in self._some(name, fewest, most))

    def _numbered(self, name: str, fewest: int, most: int) -> str:
        return "\n".join(f"{number}. {text}" for number, text in enumerate(sorted(self._some(name, fewest, most)), 1))

    def _variants(self, text: str, count: int) -> list[Paragraph]:
        """A paragraph, filled in several ways."""
        return [paragraph(_SENTENCE_END.split(fill(text, self._sex, self._rng))) for _ in range(count)]

    def _history(self) -> list[Paragraph]:
        """A history of present illness: what happened at home, then in the emergency room."""
        opening = fill(self._rng.choice(read_lines("hpi_opening")), self._sex, self._rng)
        story = self._some("hpi", 7, 15)
        half = len(story) // 2
        return [
            paragraph([opening, *story[:half]]),
            paragraph(story[half:]),
            paragraph(self._some("ed_course", 5, 11)),
        ]

    def _labs(self) -> str:
        """Blood and urine values of one day."""
        time = fill("{05..11}:{10..59}", self._sex, self._rng)
        return "\n".join(wrap(f"___ {time}AM {text}") for text in self._some("labs", 9, 15))


def _for_sex(lines: list[str], sex: Sex) -> list[str]:
    """The lines that are for everyone and, without their mark, those for one sex ("F: Hysterectomy")."""
    return [line.removeprefix(f"{sex}: ") for line in lines if not line.startswith("M: " if sex == "F" else "F: ")]
