import pyarrow as pa

from stigma_hf.mimic.duplicates import DuplicateMarker
from stigma_hf.search import AnchorSearch


def marked(*notes):
    matches = [match for note in notes for match in AnchorSearch().search(note)]
    columns = {name: [getattr(match, name) for match in matches] for name in ("anchor", "context", "clean_start")}
    return DuplicateMarker().mark(pa.table(columns))["is_duplicate"].to_pylist()


def test_first_of_equal_texts_is_none():
    sentence = (
        "one two three four five six seven eight nine ten she refused one two three four five six seven eight nine ten"
    )
    assert marked(f"A. {sentence}", f"Another beginning altogether {sentence} and end", sentence + " x") == [
        False,
        True,
        True,
    ]


def test_other_anchor_or_neighbour_is_another_text():
    assert marked("she refused food", "she refuses food", "he refused food") == [False, False, False]


def test_two_anchors_in_one_short_note_are_two_texts():
    assert marked("pleasant, kind, pleasant.") == [False, False]
    assert marked("pleasant, kind, pleasant.", "pleasant, kind, pleasant.") == [False, False, True, True]


def test_marks_reach_over_tables():
    marker = DuplicateMarker()
    table = pa.table({"anchor": ["refused"], "context": ["she refused food"], "clean_start": [4]})
    assert marker.mark(table)["is_duplicate"].to_pylist() == [False]
    assert marker.mark(table)["is_duplicate"].to_pylist() == [True]
