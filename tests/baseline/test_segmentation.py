import json
import random
import runpy
from pathlib import Path

import pytest
from clinical_strings import clinical_string, spacy_tokenizer
from recordings import recorded

from stigma_hf.baseline.segmentation import segmenter

ROOT = Path(__file__).parents[2]


def test_pieces_are_those_of_the_released_toolkit():
    rows = recorded("tokens_raw.jsonl")
    assert [segmenter().pieces(row["text"]) for row in rows] == [row["pieces"] for row in rows]
    assert len(rows) == 324


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("10/10 a_b 1,000", ["10", "/", "10", "a", "_", "b", "1", ",", "000"]),
        ("1.5 m.d. pt.claims", ["1.5", "m.d", ".", "pt.claims"]),
        ("isn't (isn't) x/isn't", ["is", "n't", "(", "is", "n't", ")", "x", "/", "is", "n't"]),
        ("http://x.org", ["http", ":/", "/", "x.org"]),
        ("a  b\n\tc ", ["a", " ", "b", "\n\t", "c"]),
    ],
)
def test_pieces(text, pieces):
    assert segmenter().pieces(text) == pieces


def test_pieces_of_a_chunk_do_not_depend_on_its_neighbours_unless_it_says_so():
    chance = random.Random(0)
    exceptions = sorted(segmenter().rules.exceptions)
    alone = 0
    for _ in range(500):
        text = " ".join(clinical_string(chance, exceptions).split())
        chunks = [segmenter().chunk_pieces(chunk) for chunk in text.split()]
        if None not in chunks:
            assert [piece for pieces in chunks for piece in pieces] == segmenter().pieces(text)
            alone += 1
    assert alone > 50


def test_pieces_hold_every_character_but_single_blanks():
    chance = random.Random(1)
    exceptions = sorted(segmenter().rules.exceptions)
    for _ in range(500):
        text = clinical_string(chance, exceptions)
        assert "".join(segmenter().pieces(text)).replace(" ", "") == text.replace(" ", "")


def test_pieces_are_those_of_spacy():
    pytest.importorskip("spacy")
    tokenizer = spacy_tokenizer()
    exceptions = sorted(tokenizer.rules)
    chance = random.Random(2)
    for _ in range(20_000):
        text = clinical_string(chance, exceptions)
        assert segmenter().pieces(text) == [token.text for token in tokenizer(text)], repr(text)


def test_rules_are_what_their_command_writes():
    spacy = pytest.importorskip("spacy")
    script = runpy.run_path(str(ROOT / "train" / "tokenizer_rules.py"))
    stored = script["RULES"].read_text(encoding="ascii")
    if spacy.__version__ not in json.loads(stored)["source"]:
        pytest.skip("another version of spaCy is installed")
    assert script["as_json"](script["english_rules"]()) == stored
