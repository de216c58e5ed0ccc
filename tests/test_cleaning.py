import reference
from recordings import recorded

from stigma_hf.cleaning import CleanNote, clean_note

CASES = recorded("clean.jsonl")


def test_recorded_cleaning_is_repeated_in_every_case():
    wrong = [case["text"] for case in CASES if clean_note(case["text"]) != case["normalized"]]
    assert len(CASES) == 199
    assert wrong == []


def test_the_plain_reference_repeats_every_recorded_step():
    for case in CASES:
        cleaned = reference.clean(case["text"])
        assert cleaned == case["cleaned"]
        assert reference.normalize(cleaned) == case["normalized"]
        assert reference.normalize(case["text"]) == case["normalized_only"]
        assert reference.strip_operators(reference.normalize(cleaned)) == case["normalized_strip_operators"]


def test_typed_apostrophe_becomes_a_quote_and_a_curly_one_an_apostrophe():
    assert clean_note("isn't isn\u2019t") == "isn\"t isn't"


def test_entities_are_rewritten_once():
    assert clean_note("a&amp;gt;b") == "a and gt;b"


def test_font_marks_vanish_with_any_single_blank_inside():
    marks = ["### invalid font number 7", "###\xa0 invalid\x14font&#x20;number\x1c12"]
    assert [clean_note(f"a{mark}b") for mark in marks] == ["a b", "a b"]
    assert clean_note("###  invalid font number 7") == "### invalid font number 7"


def test_lone_surrogates_vanish_without_a_warning(recwarn):
    assert clean_note("re\ud800fused") == "refused"
    assert not recwarn.list


def test_offsets_of_a_match_lead_back_over_every_kind_of_rewriting():
    note = "\xbd \u2022 caf\xe9 &amp; \u2026\tdrug \r\n seeking\u0301 now"
    clean = CleanNote(note)
    start = clean.text.index("drug seeking")
    span = clean.to_note(*clean.from_cleaned([(start, start + len("drug seeking"))]))
    assert note[slice(*span)] == "drug \r\n seeking"


def test_a_span_inside_one_characters_transliteration_has_no_place_in_the_note():
    clean = CleanNote("angr\xa5")
    assert clean.text == "angry="
    assert clean.to_note((0, 5)) is None
    clean = CleanNote("\u0149oncompliant")
    assert clean.text == "'noncompliant"
    assert clean.to_note((1, 13)) is None


def test_blanks_around_a_transliteration_do_not_hinder():
    clean = CleanNote("refu\u8272")  # written "Se " with a space
    assert clean.text == "refuse"
    assert clean.to_note((0, 6)) == (0, 5)


def test_no_transliteration_holds_controls_that_are_no_blanks():
    """A note without such controls has none after rewriting either."""
    beyond_ascii = map(chr, range(0x80, 0x30000))
    rewritten = {character: CleanNote(character, is_plain=True).buffer for character in beyond_ascii}
    odd = {character for text in rewritten.values() for character in text.decode("ascii") if character < " "}
    assert odd == {"\n"}


def test_clean_offsets_do_not_depend_on_the_order_of_the_spans():
    clean = CleanNote("  a  b \n\n c-  d ", is_plain=True)
    spans = [(5, 6), (2, 3), (10, 15), (2, 6)]
    assert clean.to_cleaned(spans) == [(2, 3), (0, 1), (4, 8), (0, 3)]
    assert [clean.text[slice(*span)] for span in clean.to_cleaned(spans)] == ["b", "a", "c- d", "a b"]
