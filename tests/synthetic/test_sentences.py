"""The sentences of the package are sound, and the checker sees what is not."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from stigma_hf.search import AnchorSearch
from stigma_hf.synthetic.notes import typeset
from stigma_hf.synthetic.published import Cell, anchor_counts
from stigma_hf.synthetic.sentences import anchor_pattern, by_anchor, check_sentences, load_sentences
from stigma_hf.synthetic.shares import SPLITS, SentenceDeck, assign_shares
from stigma_hf.synthetic.slots import SLOTS, all_fillers, fill

SENTENCES = load_sentences()


def problems_of(folder: Path, line: str, name: str = "adamant.disbelief.txt") -> list[str]:
    """What the checker says about one line."""
    (folder / name).write_text(line + "\n", encoding="utf-8")
    return [problem for problem in check_sentences(folder) if problem.startswith(name + ":")]


def test_sentences_of_the_package_have_no_problem():
    assert check_sentences() == []


def test_sound_line_has_no_problem(sentence_folder):
    line = "# heading\n{Patient} <claims|claimed> {he} took [refused] doses of {drug} {time}."
    assert problems_of(sentence_folder, line) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Patient says that all doses were taken.", "expected exactly one <anchor>"),
        ("Pt <claims> and <insists> on it daily.", "expected exactly one <anchor>"),
        ("Pt <refuses> to say when it began.", "'refuses' is no anchor with published spans of adamant.disbelief"),
        ("Pt <claims> that he refused nothing today.", "unmarked anchor 'refused'"),
        ("Pt <claims> that he is [friendly] to staff.", r"\[friendly\] is no anchor"),
        ("Pt <claims> that the {pill} was lost.", r"unknown slot \{pill\}"),
        ("Pt <claims> that it hurt his na\u00efve ego.", "expected ASCII only"),
        ("He <claims> so.", "expected 4 to 40 words, found 3"),
        ("Pt <claims> " + "so " * 39 + ".", "expected 4 to 40 words, found 42"),
        ("Pt <claims> it is so.\nPt <claimed> it is so.", r"adamant.disbelief.txt:2: the same sentence as .*:1"),
    ],
)
def test_checker_names_the_problem_and_the_line(sentence_folder, line, problem):
    (found,) = problems_of(sentence_folder, line)
    with pytest.raises(ValueError, match=problem):
        raise ValueError(found)


def test_checker_names_files_without_a_known_label(sentence_folder):
    (found,) = problems_of(sentence_folder, "Pt <claims> it is so.", "adamant.doubt.txt")
    assert found.endswith("'adamant.doubt' is no task and label")


def test_checker_wants_eight_sentences_for_many_spans_and_three_for_few(sentence_folder):
    (sentence_folder / "adamant.exclude.txt").write_text("At the <insistence> of his boss.\n", encoding="utf-8")
    problems = check_sentences(sentence_folder)
    counts = anchor_counts()[Cell("adamant", "exclude")]
    assert counts["insistence"] >= 10 > counts["adamant"]
    assert "adamant.exclude: 'insistence' needs 8 sentences, found 1" in problems
    assert "adamant.exclude: 'adamant' needs 3 sentences, found 0" in problems


def test_every_rendered_sentence_holds_its_anchor_and_only_the_marked_others():
    pattern, rng = anchor_pattern(), Random(5)
    for sentence in SENTENCES:
        extras = sentence.text.count("[")
        for anchor in sentence.anchors:
            text = sentence.render(anchor, rng.choice(("F", "M")), rng, mark="\0")
            assert not set("{}<>[]") & set(text), sentence.place
            assert text[text.index("\0") + 1 :].lower().startswith(anchor), sentence.place
            assert len(pattern.findall(text)) == 1 + extras, sentence.place


def test_every_anchor_is_found_in_a_typeset_sentence_read_as_latin_1():
    search, rng = AnchorSearch(), Random(6)
    for sentence in SENTENCES:
        for anchor in sentence.anchors:
            text = typeset("\n- " + sentence.render(anchor, "F", rng))
            assert anchor in {m.anchor for m in search.search(text.encode().decode("latin-1"))}, sentence.place


def test_no_filler_holds_an_anchor():
    assert [text for text in all_fillers() if anchor_pattern().search(text)] == []


def test_pronouns_agree_with_the_sex_of_the_patient():
    template = "{He} hurt {himself}; {his} {gentleman} friend saw {him}. {Him} and {man}."
    assert fill(template, "F", Random(0)) == "She hurt herself; her lady friend saw her. Her and woman."
    assert fill(template, "M", Random(0)) == "He hurt himself; his gentleman friend saw him. Him and man."
    subjects = {fill("{Patient}|{patient}", "F", Random(seed)) for seed in range(300)}
    assert not any({"He", "he", "Mr. ___"} & set(text.split("|")) for text in subjects)


def test_ranges_keep_their_bounds_and_decimals():
    drawn = {fill("{3.1..3.3} {05..06}", "F", Random(seed)) for seed in range(200)}
    assert drawn == {f"3.{i} 0{j}" for i in (1, 2, 3) for j in (5, 6)}


def test_unknown_slot_is_refused_by_name():
    with pytest.raises(ValueError, match=r"unknown slot \{nobody\}; expected one of .*relative"):
        fill("{nobody}", "F", Random(0))


def test_every_slot_has_a_filler():
    for name in SLOTS:
        assert fill(f"{{{name}}}", "F", Random(1))


def test_every_anchor_and_label_has_sentences_in_every_split():
    shares = assign_shares(SENTENCES)
    assert set(shares) == set(SENTENCES)
    for cell, members in by_anchor(SENTENCES).items():
        assert {shares[sentence] for sentence in members} == set(SPLITS), cell


def test_shares_do_not_depend_on_the_order_of_the_sentences():
    assert assign_shares(SENTENCES) == assign_shares(SENTENCES[::-1])


def test_new_sentence_leaves_the_others_in_their_split():
    before = assign_shares(SENTENCES)
    added = [replace(SENTENCES[0], text=f"Note {i}: " + SENTENCES[0].text, place="new") for i in range(5)]
    after = assign_shares([*SENTENCES, *added])
    assert sum(before[sentence] != after[sentence] for sentence in SENTENCES) <= 2


def test_anchor_without_enough_sentences_is_named():
    few = [s for s in SENTENCES if s.cell == Cell("adamant", "exclude") and "claim" in s.anchors][:2]
    with pytest.raises(ValueError, match=r"adamant.exclude: expected sentences of '\w+' for train, validation, test"):
        assign_shares(few)


def test_deck_deals_only_its_split_and_every_sentence_before_any_again():
    deck, shares = SentenceDeck(SENTENCES, Random(0)), assign_shares(SENTENCES)
    cell = Cell("adamant", "disbelief")
    for split in SPLITS:
        pile = [s for s in SENTENCES if s.cell == cell and "claims" in s.anchors and shares[s] == split]
        dealt = [deck.deal(split, cell, "claims") for _ in range(2 * len(pile))]
        assert Counter(dealt) == dict.fromkeys(pile, 2)
