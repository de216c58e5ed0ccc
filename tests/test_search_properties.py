"""Arbitrary text through search and windows, against the plain reference."""

import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from stigma_hf import AnchorSearch, Lexicon
from stigma_hf.cleaning import CleanNote, clean_note

LEXICON = Lexicon.default()
PLAIN = reference.PlainSearch(LEXICON.anchors)
SEARCHES = {
    mode: {n: AnchorSearch(window=mode, window_words=n) for n in (0, 1, 3, 10)} for mode in ("trained", "released-api")
}
ANCHORS = [anchor for anchors in LEXICON.anchors.values() for anchor in anchors]

blanks = st.sampled_from(
    ["", " ", "  ", "   ", "\n", "\r\n", "\t", "\x0b", "\x0c", "\x14", "\x1c", "\x1f", "\xa0", "\xa0 ", "\u2003"]
)
marks = st.sampled_from(
    [
        "&gt;",
        "&lt;",
        "&amp;",
        "&#x20;",
        "&",
        "#",
        "### invalid font number 7",
        "###\xa0invalid font number ",
        "12",
        "'",
    ]
    + [
        "\u2019",
        "\u2022",
        "\xbd",
        "angr\xa5",
        "\u0149oncompliant",
        "\u8272",
        "\xe9",
        "\u0301",
        "\u0130",
        "\u017f",
        "\u212a",
        "\ufeff",
        "\ud83d",
    ]
    + ["-", "+", "*/=", ".", "_", "(", "drug", "seeking", "\x00", "\x7f"]
)
words = st.sampled_from(ANCHORS).flatmap(
    lambda a: st.sampled_from(
        [a, a.upper(), a.title(), a.replace(" ", "\n"), a.replace("s", "\u017f"), a.replace("i", "\u0131")]
    )
)
notes = st.lists(st.one_of(blanks, marks, words, st.text(max_size=5), st.characters()), max_size=40).map("".join)


@given(notes)
@settings(max_examples=600, deadline=None)
def test_cleaning_equals_the_reference(note):
    assert clean_note(note) == CleanNote(note).text == reference.normalize(reference.clean(note))


def check_trained(note, window_words):
    found = SEARCHES["trained"][window_words].search(note)
    expected = PLAIN.cleaned(note, window_words)
    got = [(m.task, m.clean_start, m.clean_end, m.context) for m in found]
    # What begins or ends inside the transliteration of one character has no slice of the note, and only that.
    missing = [match for match in expected if match not in got]
    assert [match for match in expected if match in got] == got
    assert all(not has_slice(note, *match[1:3]) for match in missing)
    for match in found:
        assert note[match.start : match.end] == match.word
        assert clean_note(match.word) == match.anchor == clean_note(note)[match.clean_start : match.clean_end]
        assert match.anchor in LEXICON.anchors[match.task]


def has_slice(note: str, clean_start: int, clean_end: int) -> bool:
    """Whether any slice of the note at that place cleans to that span, tried one by one."""
    word = clean_note(note)[clean_start:clean_end]
    for start in range(len(note)):
        for end in range(start + 1, len(note) + 1):
            before = len(reference.normalize(reference.clean(note[:start]) + "x")) - 1
            if before == clean_start and clean_note(note[start:end]) == word:
                return True
    return False


def check_released_api(note, window_words):
    found = SEARCHES["released-api"][window_words].search(note)
    assert [(m.task, m.start, m.end, m.context) for m in found] == PLAIN.original(note, window_words)
    for match in found:
        assert note[match.start : match.end] == match.word
        assert clean_note(note)[match.clean_start : match.clean_end] == clean_note(match.word)


@given(notes, st.sampled_from([0, 1, 3, 10]))
@settings(max_examples=800, deadline=None)
def test_trained_matches_equal_the_reference_and_lead_back_to_the_note(note, window_words):
    check_trained(note, window_words)


@given(notes, st.sampled_from([0, 1, 3, 10]))
@settings(max_examples=800, deadline=None)
def test_released_api_matches_equal_the_reference(note, window_words):
    check_released_api(note, window_words)


@given(notes, st.data(), st.sampled_from(["trained", "released-api"]))
@settings(max_examples=400, deadline=None)
def test_search_at_places_finds_what_search_finds_there(note, data, mode):
    search = SEARCHES[mode][10]
    everywhere = search.search(note)
    found = [(match.clean_start, match.clean_end) for match in everywhere]
    near = [(start + i, end + j) for start, end in found for i in (-1, 0, 1) for j in (-1, 0, 1)]
    offsets = st.integers(0, len(clean_note(note)) + 2)
    place = st.one_of(st.tuples(offsets, offsets), *([st.sampled_from(found), st.sampled_from(near)] if found else []))
    places = {(start, end) for start, end in data.draw(st.lists(place, max_size=5)) if 0 <= start < end}
    assert search.search_at(note, places) == [m for m in everywhere if (m.clean_start, m.clean_end) in places]


@given(notes)
@settings(max_examples=300, deadline=None)
def test_one_scan_for_all_tasks_finds_what_one_scan_per_task_finds(note):
    from stigma_hf.matching import FastMatcher, PlainMatcher

    fast, plain = FastMatcher(LEXICON), PlainMatcher(LEXICON)
    assert found(fast.in_cleaned(note)) == found(plain.in_cleaned(note))
    assert found(fast.in_original(note)) == found(plain.in_original(note))


def found(result):
    return result and result[1]


@pytest.mark.parametrize("note", ["", " ", "\n\t", "\x00", "\ud800", "refused", "'adamant'"])
def test_short_notes_hold_the_invariants(note):
    check_trained(note, 10)
    check_released_api(note, 10)
