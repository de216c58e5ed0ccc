"""The ready-made parts of notes and the invented example notes hold no anchor by accident."""

import re
from importlib.resources import files

import pytest

from stigma_hf.search import AnchorSearch
from stigma_hf.synthetic.sections import WIDTH, wrap
from stigma_hf.synthetic.sentences import anchor_pattern
from stigma_hf.synthetic.slots import is_known_slot, slot_names
from stigma_hf.tasks import RESOURCES

SECTIONS = sorted(file for file in (files("stigma_hf.synthetic") / "section_texts").iterdir())
NOTES = sorted(RESOURCES.joinpath("notes").iterdir(), key=lambda note: note.name)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_section_holds_known_slots_and_anchors_in_brackets_only(section):
    text = section.read_text(encoding="utf-8")
    assert text.isascii()
    assert [name for name in slot_names(text) if not is_known_slot(name)] == []
    lines = [line for line in text.splitlines() if not line.startswith("# Paragraphs")]
    unmarked = re.sub(r"\[(\w[\w -]*)\]", "", "\n".join(lines))
    assert anchor_pattern().findall(unmarked) == []


def test_wrapped_text_keeps_its_words_and_its_width():
    text = "One " + "word after another " * 30 + "x" * 100 + " end."
    lines = wrap(text).split("\n")
    assert " ".join(lines) == text
    assert [len(line) for line in lines[:-1] if len(line) > WIDTH] == []


def test_example_notes_show_all_tasks_and_the_hard_cases():
    search = AnchorSearch()
    texts = [note.read_text(encoding="utf-8") for note in NOTES]
    matches = [search.search(text) for text in texts]
    assert len(texts) == 6
    assert [len(found) for found in matches].count(0) == 1
    assert {match.task for found in matches for match in found} == {"adamant", "compliance", "other"}
    assert "drug\nseeking" in [match.word for found in matches for match in found]
    assert all(1000 <= len(text) <= 2000 for text in texts)
    (typographic,) = [text for text in texts if not text.isascii()]
    assert all(character in typographic for character in "\u2022\u00b0\u201c\u201d")
