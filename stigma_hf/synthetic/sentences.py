"""The hand-written sentences of the synthetic corpus: one anchor each, used so that it deserves its label.

They live in `resources/sentences/<task>.<label>.txt`; the README there tells the format.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources.abc import Traversable
from random import Random

from stigma_hf.lexicon import Lexicon
from stigma_hf.synthetic.published import Cell, anchor_counts
from stigma_hf.synthetic.slots import LONGEST_FILLER, SLOTS, Sex, fill, slot_names
from stigma_hf.tasks import RESOURCES

MIN_WORDS, MAX_WORDS = 4, 40
MANY_SPANS = 10
"""Published spans from which on an anchor and label need `MIN_SENTENCES_MANY` sentences."""
MIN_SENTENCES_MANY, MIN_SENTENCES_FEW = 8, 3

_ANCHOR_BRACKET = re.compile(r"<([^<>]*)>")
_EXTRA_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_FORM_LINE = re.compile(r"[A-Z][A-Za-z/ ]{1,24}:")


@dataclass(frozen=True)
class Sentence:
    """One sentence of the corpus, slots still empty.

    Attributes:
        cell: Task and label that its anchor deserves.
        text: The line as written, with `<anchor>`, `[extra anchor]` and `{slots}`.
        place: File name and line number, for messages.
    """

    cell: Cell
    text: str
    place: str

    @cached_property
    def anchors(self) -> tuple[str, ...]:
        """The anchors it can be used with, in lower case."""
        return tuple(word.lower() for word in self._words)

    @cached_property
    def _words(self) -> tuple[str, ...]:
        """The anchors as written: capitalised where they begin the sentence."""
        bracket = _ANCHOR_BRACKET.search(self.text)
        return tuple(bracket.group(1).split("|")) if bracket else ()

    @cached_property
    def is_form_line(self) -> bool:
        """Whether it reads as a line of a form ("GEN: ...") rather than as prose."""
        return _FORM_LINE.match(self.text) is not None

    @cached_property
    def max_words_before(self) -> int:
        """How many words can stand before the anchor at most, whatever fills the slots."""
        before, _ = self._around
        return len(before.split()) + (LONGEST_FILLER - 1) * len(slot_names(before))

    def render(self, anchor: str, sex: Sex, rng: Random, mark: str = "") -> str:
        """The sentence with one anchor and every slot filled.

        Args:
            anchor: One of `anchors`.
            sex: Sex of the patient.
            rng: Source of the fillers.
            mark: Text to put directly before the anchor.
        """
        before, after = self._around
        return fill(before, sex, rng) + mark + self._words[self.anchors.index(anchor)] + fill(after, sex, rng)

    @cached_property
    def _around(self) -> tuple[str, str]:
        """What stands before and after the anchor, the brackets of extra anchors removed."""
        before, after = _ANCHOR_BRACKET.sub("<>", self.text).split("<>")
        return _EXTRA_BRACKET.sub(r"\1", before), _EXTRA_BRACKET.sub(r"\1", after)


def load_sentences(folder: Traversable | None = None) -> list[Sentence]:
    """The sentences of a folder, by file and line; those of the package when None."""
    folder = folder or RESOURCES / "sentences"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".txt"))
    return [sentence for name in names for sentence in _read(folder / name)]


def _read(file: Traversable) -> Iterator[Sentence]:
    task, _, label = file.name.removesuffix(".txt").partition(".")
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield Sentence(Cell(task, label), text, f"{file.name}:{number}")


def check_sentences(folder: Traversable | None = None) -> list[str]:
    """What is wrong with the sentences of a folder, one line per problem; nothing if all is well.

    Args:
        folder: Folder of `<task>.<label>.txt` files; the one of the package when None.
    """
    sentences = load_sentences(folder)
    return [*_line_problems(sentences), *_coverage_problems(sentences)]


def _line_problems(sentences: list[Sentence]) -> Iterator[str]:
    """Problems of single lines, and lines that stand twice."""
    anchors = {anchor for listed in Lexicon.default().anchors.values() for anchor in listed}
    pattern = anchor_pattern()
    seen: dict[str, str] = {}
    for sentence in sentences:
        for problem in (*_anchor_problems(sentence, anchors, pattern), *_form_problems(sentence)):
            yield f"{sentence.place}: {problem}"
        key = _ANCHOR_BRACKET.sub("<>", sentence.text).lower()
        if key in seen:
            yield f"{sentence.place}: the same sentence as {seen[key]}; write another one or join their anchors"
        seen.setdefault(key, sentence.place)


def _anchor_problems(sentence: Sentence, anchors: set[str], pattern: re.Pattern[str]) -> Iterator[str]:
    """Problems with the anchors of a line."""
    if len(_ANCHOR_BRACKET.findall(sentence.text)) != 1:
        yield "expected exactly one <anchor>"
    published = anchor_counts().get(sentence.cell)
    if published is None:
        yield f"file name: {'.'.join(sentence.cell)!r} is no task and label"
    for anchor in sentence.anchors:
        if published is not None and anchor not in published:
            yield f"{anchor!r} is no anchor with published spans of {'.'.join(sentence.cell)}"
    for extra in _EXTRA_BRACKET.findall(sentence.text):
        if extra.lower() not in anchors:
            yield f"[{extra}] is no anchor of the lexicon"
    rest = _EXTRA_BRACKET.sub("[]", _ANCHOR_BRACKET.sub("<>", sentence.text))
    for extra in pattern.findall(rest):
        yield f"unmarked anchor {extra!r}; write [{extra}] if it is meant"


def _form_problems(sentence: Sentence) -> Iterator[str]:
    """Problems with the slots, characters and length of a line."""
    for name in slot_names(sentence.text):
        if name not in SLOTS:
            yield f"unknown slot {{{name}}}; expected one of {', '.join(sorted(SLOTS))}"
    if not sentence.text.isascii():
        yield "expected ASCII only"
    words = len(sentence.text.split())
    if not MIN_WORDS <= words <= MAX_WORDS:
        yield f"expected {MIN_WORDS} to {MAX_WORDS} words, found {words}"


def _coverage_problems(sentences: list[Sentence]) -> Iterator[str]:
    """Anchors and labels with too few sentences."""
    found = Counter((sentence.cell, anchor) for sentence in sentences for anchor in sentence.anchors)
    for cell, counts in anchor_counts().items():
        for anchor, spans in counts.items():
            needed = MIN_SENTENCES_MANY if spans >= MANY_SPANS else MIN_SENTENCES_FEW
            if found[cell, anchor] < needed:
                yield f"{'.'.join(cell)}: {anchor!r} needs {needed} sentences, found {found[cell, anchor]}"


def anchor_pattern() -> re.Pattern[str]:
    """Matches every anchor of the published lexicon as a whole word."""
    anchors = [anchor for listed in Lexicon.default().anchors.values() for anchor in listed]
    words = "|".join(re.escape(anchor).replace(r"\ ", r"\s+") for anchor in sorted(anchors, key=len, reverse=True))
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


def by_anchor(sentences: list[Sentence]) -> dict[tuple[Cell, str], list[Sentence]]:
    """The sentences of each label and anchor."""
    found: dict[tuple[Cell, str], list[Sentence]] = defaultdict(list)
    for sentence in sentences:
        for anchor in sentence.anchors:
            found[sentence.cell, anchor].append(sentence)
    return dict(found)
