import pytest
import reference
from recordings import recorded

from stigma_hf import AnchorSearch
from stigma_hf.cleaning import CleanNote, clean_note
from stigma_hf.windows import cut_window, released_api_window, strip_operators, trained_window


def as_recorded(search: AnchorSearch, text: str) -> list[dict]:
    return [
        {"task": m.task, "start": m.start, "end": m.end, "keyword": m.word.lower(), "context": m.context}
        for m in search.search(text)
    ]


def test_released_api_mode_repeats_every_recorded_search():
    search = AnchorSearch(window="released-api")
    cases = recorded("search.jsonl")
    wrong = [case["id"] for case in cases if as_recorded(search, case["text"]) != case["matches"]]
    assert len(cases) == 421
    assert wrong == []


def test_released_api_mode_repeats_every_recorded_window_size():
    cases = recorded("context_sizes.jsonl")
    searches = {
        n: AnchorSearch(window="released-api", window_words=n) for n in {case["context_size"] for case in cases}
    }
    wrong = [case for case in cases if as_recorded(searches[case["context_size"]], case["text"]) != case["matches"]]
    assert len(cases) == 98
    assert wrong == []


def test_windows_repeat_every_recorded_pair_of_steps():
    cases = recorded("context_flags.jsonl")
    assert len(cases) == 76
    for case in cases:
        window = cut_window(case["text"], case["start"], case["end"], case["window_size"])
        if case["clean_normalize"]:
            window = clean_note(window)
        if case["strip_operators"]:
            window = strip_operators(window)
        assert window == case["context"]


def test_trained_window_equals_the_recorded_step_on_cleaned_text():
    cases = [case for case in recorded("context_flags.jsonl") if case["strip_operators"]]
    for case in cases:
        text = reference.normalize(reference.clean(case["text"]))
        start = text.index(reference.normalize(reference.clean(case["text"][case["start"] : case["end"]])))
        end = start + case["end"] - case["start"]
        expected = reference.strip_operators(reference.window(text, start, end, case["window_size"]))
        assert trained_window(text.encode(), start, end, case["window_size"]) == expected


def test_last_word_of_a_note_loses_its_last_character_to_a_word_of_its_own(search):
    assert search.search("She was adamant.")[0].context == "she was adamant ."
    assert search.search("pleasant-ish \n")[0].context == "pleasant-is h"


def test_operator_glued_to_the_first_word_stays_in_the_trained_window(search):
    assert search.search("+pleasant man")[0].context == "+pleasant man"
    assert search.search("- pleasant man")[0].context == "pleasant man"


@pytest.mark.parametrize("mode", ["trained", "released-api"])
def test_window_of_zero_words_keeps_the_whole_left_side(mode):
    search = AnchorSearch(window=mode, window_words=0)
    note = "one two three " * 200 + "refused labs today"
    assert search.search(note)[0].context == "one two three " * 200 + "refused"


def test_trained_window_reads_the_same_from_a_rewritten_or_a_folded_note():
    note = "  A\tB &gt; C\n\nwas   drug\n seeking  D E  "
    clean = CleanNote(note)
    folded = clean.text.encode()
    at = clean.text.index("drug seeking")
    ((begin, end),) = clean.from_cleaned([(at, at + 12)])
    assert (
        trained_window(clean.buffer, begin, end, 3)
        == trained_window(folded, at, at + 12, 3)
        == "> c was drug seeking d e"
    )


@pytest.mark.parametrize("window", [released_api_window, lambda n, *args: trained_window(n.encode(), *args)])
def test_a_window_in_a_line_of_a_megabyte_is_that_of_its_neighbourhood(window):
    filler = "word " * 100_000
    note = f"{filler}x refused y {filler}"
    at = note.index("refused")
    assert window(note, at, at + 7, 2) == "word x refused y word"
