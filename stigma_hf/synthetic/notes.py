"""Synthetic discharge notes: put together from ready-made sections, with sentences that hold anchors among them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from stigma_hf.synthetic.plan import PlannedSpan
from stigma_hf.synthetic.sections import Paragraph, SectionPools, paragraph, read_lines, wrap
from stigma_hf.synthetic.sentences import Sentence
from stigma_hf.synthetic.slots import Sex

NON_ASCII_SHARE = 0.1
"""Share of notes with characters beyond ASCII."""

_TYPOGRAPHY = (
    ("\n- ", "\n\u2022 "),
    ("naive", "na\u00efve"),
    (">=", "\u2265"),
    (" mcg ", " \u00b5g "),
    (" - ", " \u2013 "),
)
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_LEAD_INS = ("Outside records:", "Chart review:", "From a prior note:", "Copied forward:", "Old discharge summary:")
"""What stands before a sentence whose anchor nobody annotated: no annotated span has such a window."""
_FIRST_MARK = "\ue000"
"""The first of the private characters that stand before annotated anchors while a note is put together."""
_MARKS = re.compile("[\ue000-\uf8ff]")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Insertion:
    """A sentence to put into a note, and the anchor it is used with.

    Attributes:
        sentence: The sentence, slots still empty.
        anchor: One of its anchors.
        span: The annotated span it is written for; None where nobody annotated the anchor.
    """

    sentence: Sentence
    anchor: str
    span: PlannedSpan | None = None


@dataclass(frozen=True, slots=True)
class SyntheticNote:
    """A note.

    Attributes:
        text: The note.
        spans: Where each annotated anchor begins: offsets into the note once its UTF-8 bytes are read as latin-1, the
            way the released build reads them.
    """

    text: str
    spans: list[tuple[int, PlannedSpan]]


class NoteWriter:
    """Writes notes for patients of either sex.

    Args:
        rng: Source of the ready-made sections.
    """

    def __init__(self, rng: Random) -> None:
        self._pools: dict[Sex, SectionPools] = {"F": SectionPools("F", rng), "M": SectionPools("M", rng)}
        self._templates = [_template(line) for line in read_lines("templates")]

    def write(
        self, sex: Sex, service: str, insertions: Sequence[Insertion], template_count: int, rng: Random
    ) -> SyntheticNote:
        """A note of about 10,000 characters.

        Args:
            sex: Sex of the patient.
            service: Name of the service, as in the head of the note.
            insertions: Sentences with anchors that it must hold.
            template_count: How many of the paragraphs that repeat word for word, with anchors in them, it holds.
            rng: Source of all choices.
        """
        parts = _Parts(self._pools[sex], rng)
        for section, text in rng.sample(self._templates, template_count):
            parts.add_template(section, text)
        for i, insertion in enumerate(insertions):
            sentence = insertion.sentence
            if insertion.span:
                text = sentence.render(insertion.anchor, sex, rng, chr(ord(_FIRST_MARK) + i))
                parts.insert(text, sentence.is_form_line)
            else:
                text = f"{rng.choice(_LEAD_INS)} {sentence.render(insertion.anchor, sex, rng)}"
                parts.insert(text, is_form_line=False)
        text = parts.compose(sex, service)
        if rng.random() < NON_ASCII_SHARE:
            text = typeset(text)
        return _without_marks(text, [insertion.span for insertion in insertions])


def typeset(text: str) -> str:
    """The text with characters beyond ASCII, but none of them next to a word that may be an anchor.

    The bytes of a curly quote, read as latin-1, clean to letters and would hide the anchor.
    """
    for plain, typographic in _TYPOGRAPHY:
        text = text.replace(plain, typographic)
    return _APOSTROPHE.sub("\u2019", text)


class _Parts:
    """The sections of one note while sentences are put into them."""

    def __init__(self, pools: SectionPools, rng: Random) -> None:
        self._pools = pools
        self._rng = rng
        self._histories = list(self._one(pools.histories))
        self._social = [self._one(pools.social)]
        self._problems = self._several(pools.problems, 11, 18)
        self._exams = [list(self._one(pools.exams)), list(self._one(pools.exams))]
        self._instructions = self._several(pools.instructions, 4, 8)

    def _one(self, parts: Sequence[T]) -> T:
        return parts[int(self._rng.random() * len(parts))]

    def _several(self, parts: Sequence[Sequence[T]], fewest: int, most: int) -> list[T]:
        """A few of the parts, each at most once and in one of its variants."""
        return [self._one(variants) for variants in self._rng.sample(parts, self._rng.randint(fewest, most))]

    def add_template(self, section: str, text: str) -> None:
        """A repeated paragraph at the end of its section."""
        if section == "exam":
            self._exams[0].append(wrap(text))
        else:
            {"course": self._problems, "instructions": self._instructions}[section].append(paragraph([text]))

    def insert(self, text: str, is_form_line: bool) -> None:
        """A sentence at a random place: lines of a form mostly in an exam, prose in a paragraph."""
        if is_form_line and self._rng.random() < 0.8:
            exam = self._one(self._exams)
            exam.insert(self._rng.randint(1, len(exam)), wrap(text))
            return
        chance = self._rng.random()
        section = self._histories if chance < 0.5 else self._problems if chance < 0.88 else self._social
        place = int(self._rng.random() * len(section))
        sentences = list(section[place].sentences)
        sentences.insert(self._rng.randint(1, len(sentences)), text if text[-1] in ".?!" else text + ".")
        section[place] = paragraph(sentences)

    def compose(self, sex: Sex, service: str) -> str:
        """The note."""
        one, pools = self._one, self._pools
        cultures = self._several(pools.cultures, 0, 2)
        studies = "\n\n".join([*cultures, *(study.wrapped for study in self._several(pools.imaging, 2, 4))])
        admission_exam, discharge_exam = ("\n".join(exam) for exam in self._exams)
        problems = "\n\n".join(p.wrapped for p in self._problems)
        return f""" \nName:  ___                     Unit No:   ___
 \nAdmission Date:  ___              Discharge Date:   ___
 \nDate of Birth:  ___             Sex:   {sex}
 \nService: {service}
 \nAllergies: \n{one(pools.allergies)}
 \nAttending: ___
 \nChief Complaint:\n{one(pools.complaints)}
 \nMajor Surgical or Invasive Procedure:\n{one(pools.procedures)}
 \nHistory of Present Illness:\n{_joined(self._histories)}
 \nPast Medical History:\n{one(pools.past_histories)}
 \nSocial History:\n{_joined(self._social)}\nFamily History:\n{one(pools.family)}
 \nPhysical Exam:\nADMISSION PHYSICAL EXAM\n{admission_exam}\n\nDISCHARGE PHYSICAL EXAM\n{discharge_exam}
 \nPertinent Results:\nADMISSION LABS\n{one(pools.labs)}\n\nDISCHARGE LABS\n{one(pools.labs)}\n\nSTUDIES\n{studies}
 \nBrief Hospital Course:\n{problems}\n\nTRANSITIONAL ISSUES\n{one(pools.transitional)}
 \nMedications on Admission:
The Preadmission Medication list is accurate and complete.\n{one(pools.medicines)}
 \nDischarge Medications:\n{one(pools.medicines)}
 \nDischarge Disposition:\n{one(pools.dispositions)}
 \nDischarge Diagnosis:\n{one(pools.diagnoses)}
 \nDischarge Condition:\n{one(pools.conditions)}
 \nDischarge Instructions:\nDear {"Ms." if sex == "F" else "Mr."} ___,\n{_joined(self._instructions)}
 \nFollowup Instructions:\n___\n"""


def _joined(paragraphs: list[Paragraph]) -> str:
    return "\n".join(p.wrapped for p in paragraphs)


def _template(line: str) -> tuple[str, str]:
    """Section and text of a repeated paragraph."""
    section, text = line.split(": ", 1)
    return section, text.replace("[", "").replace("]", "")


def _without_marks(text: str, spans: list[PlannedSpan | None]) -> SyntheticNote:
    """The note without its marks, and the offsets they stood at."""
    if not any(spans):
        return SyntheticNote(text, [])
    found = []
    offset = end = 0
    for match in _MARKS.finditer(text):
        offset += len(text[end : match.start()].encode())
        end = match.end()
        span = spans[ord(match.group()) - ord(_FIRST_MARK)]
        if span:
            found.append((offset, span))
    return SyntheticNote(_MARKS.sub("", text), found)
