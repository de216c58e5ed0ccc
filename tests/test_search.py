import csv
import gzip

import pytest
from recordings import PARITY

from stigma_hf import AnchorSearch, Lexicon
from stigma_hf.cleaning import clean_note


def test_note_without_anchor_returns_empty_list(search):
    assert search.search("Seen in clinic for routine follow up.") == []


def test_matches_carry_both_frames_of_reference(search):
    note = "  Caf\xe9 &amp; tea.\n\nShe   refused\tlabs"
    (match,) = search.search(note)
    assert (match.task, match.anchor, match.word) == ("compliance", "refused", "refused")
    assert note[match.start : match.end] == "refused"
    assert clean_note(note)[match.clean_start : match.clean_end] == "refused"
    assert match.context == "cafe and tea. she refused labs"


def test_matches_come_by_task_and_then_by_position(search):
    found = [(m.task, m.word) for m in search.search("Pleasant but adamant, refused labs, lovely, claims")]
    assert found == [
        ("adamant", "adamant"),
        ("adamant", "claims"),
        ("compliance", "refused"),
        ("other", "Pleasant"),
        ("other", "lovely"),
    ]


def test_trained_mode_sees_anchors_across_lines_and_accents_and_the_released_api_does_not(search):
    note = "drug\nseeking, cl\xe0ims"
    assert [m.word for m in search.search(note)] == ["cl\xe0ims", "drug\nseeking"]
    assert AnchorSearch(window="released-api").search(note) == []


def test_anchor_that_begins_or_ends_inside_a_transliteration_is_left_out(search):
    assert clean_note("angr\xa5 \u0149oncompliant") == "angry= 'noncompliant"
    assert search.search("angr\xa5 \u0149oncompliant") == []


def test_released_api_mode_carries_clean_offsets_too():
    note = "A &gt; b\n\n caf\xe9 \u2022  refused"
    (match,) = AnchorSearch(window="released-api").search(note)
    assert clean_note(note)[match.clean_start : match.clean_end] == "refused"


def test_search_at_places_of_any_lexicon_is_search_without_the_other_places():
    overlapping = Lexicon({"compliance": ["poorly groomed", "groomed"], "other": ["groomed today"]})
    note = "poorly  groomed today, groomed"
    search = AnchorSearch(overlapping)
    assert [m.anchor for m in search.search_at(note, {(0, 14), (7, 14), (22, 29)})] == ["poorly groomed", "groomed"]
    assert search.search_at(note, {(7, 14)}) == search.search_at(note, set()) == []


def test_search_many_is_lazy_and_keeps_order(search):
    notes = iter(["", "refused", "nothing", "adamant"])
    results = search.search_many(notes)
    assert next(results) == []
    assert next(notes) == "refused"
    assert [len(found) for found in results] == [0, 1]


@pytest.mark.parametrize("note", [None, 3, b"refused", ["refused"]])
def test_what_is_not_text_is_refused(search, note):
    with pytest.raises(TypeError, match=f"expected a note as text, found {type(note).__name__}"):
        search.search(note)


def test_search_many_names_the_place_of_what_is_not_text(search):
    with pytest.raises(TypeError, match="note 1: expected text, found NoneType"):
        list(search.search_many(["refused", None]))
    with pytest.raises(TypeError, match="found one text"):
        list(search.search_many("refused"))


def test_unknown_choices_are_refused_with_the_choices():
    with pytest.raises(ValueError, match="window among trained, released-api, found 'raw'"):
        AnchorSearch(window="raw")
    with pytest.raises(ValueError, match="tasks among adamant, compliance, other, found 'stigma'"):
        AnchorSearch(tasks=["stigma"])
    with pytest.raises(ValueError, match="whole number from 0 on, found -1"):
        AnchorSearch(window_words=-1)


def test_tasks_restrict_the_search():
    assert [m.task for m in AnchorSearch(tasks="other").search("pleasant, refused")] == ["other"]


def test_overlapping_anchors_of_two_tasks_are_both_found_and_of_one_task_the_first_listed():
    lexicon = Lexicon({"compliance": ["poorly groomed", "groomed"], "other": ["groomed today"]})
    assert not lexicon.is_regular
    found = [(m.task, m.anchor) for m in AnchorSearch(lexicon).search("poorly  groomed today")]
    assert found == [("compliance", "poorly groomed"), ("other", "groomed today")]


def test_anchor_inside_an_entity_is_found_in_the_original_note():
    search = AnchorSearch(Lexicon({"other": ["Amp", "lovely"]}), window="released-api")
    assert search.lexicon.is_regular
    assert [(m.start, m.end) for m in search.search("a &amp; b, lovely")] == [(3, 6), (11, 17)]


def test_anchors_with_accents_and_marks_are_matched_in_cleaned_form():
    lexicon = Lexicon({"other": ["na\xefve", "won't", "50/50"]})
    note = "NAIVE, na\xefve. He won't; 50/50 odds."
    found = AnchorSearch(lexicon).search(note)
    assert [(m.anchor, note[m.start : m.end]) for m in found] == [
        ("na\xefve", "NAIVE"),
        ("na\xefve", "na\xefve"),
        ("won't", "won't"),
        ("50/50", "50/50"),
    ]


def test_nul_and_control_characters_are_carried_along(search):
    note = "\x00\x07 refused\x14\x1clabs\x00"
    (match,) = search.search(note)
    assert note[match.start : match.end] == "refused"
    assert match.context == "\x00\x07 refused labs\x00"


def test_many_matches_in_one_long_line_are_found_in_reasonable_time(search):
    note = "refused " * 125_000
    found = search.search(note)
    assert len(found) == 125_000
    assert (found[-1].start, found[-1].clean_start) == (999_992, 999_992)


def test_trained_mode_repeats_the_released_build_row_for_row(search):
    with gzip.open(PARITY / "build" / "mimic-iv" / "discharge.csv.gz", "rt", encoding="latin-1", newline="") as file:
        notes = [(row["note_id"], row["text"]) for row in csv.DictReader(file)]
    found = [
        (
            note_id,
            m.task,
            clean_note(note)[m.clean_start : m.clean_end],
            str(m.clean_start),
            str(m.clean_end),
            m.context,
        )
        for note_id, note in notes
        for m in search.search(note)
    ]
    columns = ("encounter_note_id", "keyword_category", "keyword", "start", "end", "note_text")
    with open(PARITY / "build" / "expected" / "matches.csv", encoding="utf-8", newline="") as file:
        expected = [tuple(row[column] for column in columns) for row in csv.DictReader(file)]
    assert len(expected) == 650
    assert found == expected


@pytest.mark.parametrize("window", ["trained", "released-api"])
def test_the_place_in_the_window_is_that_of_the_occurrence_that_was_matched(window):
    note = "Disclaims it.\nHe claims pain,  he CLAIMS rest; claims"
    search = AnchorSearch(window=window)
    matches = search.search(note)
    assert {match.context for match in matches} == {"disclaims it. he claims pain, he claims rest; claims"}
    assert [search.place_in_window(note, match) for match in matches] == [(17, 23), (33, 39), (46, 52)]
