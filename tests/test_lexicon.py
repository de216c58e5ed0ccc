import json

import pytest

from stigma_hf import Lexicon


def test_default_lexicon_has_the_89_published_anchors(lexicon):
    sizes = {task: len(anchors) for task, anchors in lexicon.anchors.items()}
    assert sizes == {"adamant": 13, "compliance": 26, "other": 50}
    assert len({anchor for anchors in lexicon.anchors.values() for anchor in anchors}) == 89
    assert lexicon.is_regular


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ({"credibility": ["claims"]}, "unknown key 'credibility'; expected tasks among adamant, compliance, other"),
        ({"adamant": []}, "the list of 'adamant' is empty"),
        ({}, "no task in it"),
        ({"adamant": ["claims", "Claims"]}, "duplicate anchor 'Claims' under 'adamant'"),
        (
            {"adamant": ["claims"], "other": ["cl\xe0ims"]},
            "duplicate anchor 'cl\xe0ims' under 'other', already under 'adamant'",
        ),
        ({"adamant": [" \t"]}, "is empty once cleaned"),
        ({"adamant": "claims"}, "expected a list of anchors under 'adamant', found str"),
        ({"adamant": [3]}, "expected text under 'adamant', found 3"),
    ],
)
def test_bad_lexicons_are_refused_by_name(tmp_path, anchors, message):
    path = tmp_path / "lexicon.json"
    path.write_text(json.dumps(anchors))
    with pytest.raises(ValueError, match=message):
        Lexicon.from_json(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"other": ["a"], "other": ["b"]}', "the key 'other' stands twice"),
        ('{"other": ["a"', "found invalid JSON"),
        ('["a"]', "expected a JSON object of tasks and anchors, found list"),
    ],
)
def test_files_that_are_no_lexicon_are_refused(tmp_path, text, message):
    path = tmp_path / "lexicon.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Lexicon.from_json(path)


def test_extending_adds_anchors_after_the_published_ones(lexicon):
    extended = lexicon.extended(Lexicon({"adamant": ["swears"]}))
    assert extended.anchors["adamant"] == (*lexicon.anchors["adamant"], "swears")
    with pytest.raises(ValueError, match="duplicate anchor 'claims'"):
        lexicon.extended(Lexicon({"other": ["claims"]}))


@pytest.mark.parametrize(
    ("anchors", "is_regular"),
    [
        (["drug seeking", "narcotic seeking"], True),
        (["drug seeking", "seeking help"], False),
        (["drug seeking", "seeking"], False),
        (["drug-seeking", "drug seeking"], True),
        (["na\xefve"], False),
        (["won't"], False),
        (["drug  seeking"], False),
    ],
)
def test_a_lexicon_is_regular_when_no_two_anchors_can_overlap(anchors, is_regular):
    assert Lexicon({"other": anchors}).is_regular is is_regular
