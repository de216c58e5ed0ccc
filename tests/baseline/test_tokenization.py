import pickle
import random

import pytest
from clinical_strings import clinical_string
from recordings import recorded
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from stigma_hf.baseline import tokenization
from stigma_hf.baseline.anchors import remove_anchor
from stigma_hf.baseline.negation import join_negations
from stigma_hf.baseline.phrases import PhraseLearner
from stigma_hf.baseline.segmentation import segmenter
from stigma_hf.baseline.tokenization import ClinicalTokenizer
from stigma_hf.baseline.vocabulary import VocabularyCounter


def tokens_of(tokenizer, row):
    text = row["text"]
    for anchor in row["remove"]:
        text = remove_anchor(text, anchor)
    return tokenizer.tokenize(text)


def test_tokens_are_those_of_the_released_baselines():
    tokenizer = ClinicalTokenizer()
    rows = recorded("tokens.jsonl")
    assert [tokens_of(tokenizer, row) for row in rows] == [row["tokens"] for row in rows]
    assert len(rows) == 1038


def test_tokens_of_other_settings_are_those_of_the_released_toolkit():
    rows = recorded("tokens_settings.jsonl")
    for row in rows:
        released = row["settings"]
        treatments = [
            "drop" if released[f"filter_{what}"] else "replace" if released.get(f"replace_{what}", True) else "keep"
            for what in ("numeric", "punc")
        ]
        tokenizer = ClinicalTokenizer(*treatments, released["negate_handling"], not released["preserve_case"])
        assert tokens_of(tokenizer, row) == row["tokens"], released
    assert len(rows) == 162


@pytest.mark.parametrize("join", [True, False])
def test_a_batch_gives_the_tokens_of_each_text(join):
    chance = random.Random(0)
    exceptions = sorted(segmenter().rules.exceptions)
    texts = [clinical_string(chance, exceptions) + chance.choice(["", " not", " isn't x not"]) for _ in range(600)]
    texts += [row["text"] for row in recorded("tokens.jsonl")]
    tokenizer = ClinicalTokenizer(numbers="replace", punctuation="replace", join_negations=join)
    expected = [tokenizer.tokenize(text) for text in texts]
    for _ in "first", "remembered":
        assert list(tokenizer.transform(texts)) == expected
    assert [list(tokenizer.transform([text]))[0] for text in texts] == expected


def test_a_full_memory_starts_again(monkeypatch):
    monkeypatch.setattr(tokenization, "_MAX_REMEMBERED_CHUNKS", 2)
    pipeline = make_pipeline(
        ClinicalTokenizer(),
        PhraseLearner(passes=1, min_count=0, threshold=0),
        VocabularyCounter(drop_most_frequent=0, min_count=1, stop_words=[]),
    )
    texts = ["he was not seen, not here", "she was seen", "he was well"]
    counts = pipeline.fit_transform(texts).toarray().tolist()
    assert [pipeline.transform([text]).toarray().tolist()[0] for text in texts] == counts


def test_text_that_depends_on_its_neighbours_is_cut_as_a_whole():
    tokenizer = ClinicalTokenizer(join_negations=False)
    texts = ["a", "seen\nx/isn't x", "", "x/isn't", "b"]
    expected = [["a"], ["seen", "x", "is", "n't", "x"], [], ["x", "is", "n't"], ["b"]]
    assert list(tokenizer.transform(texts)) == expected


def test_half_a_surrogate_pair_is_no_obstacle():
    assert list(ClinicalTokenizer().transform(["not \ud800 here", "was"])) == [["not_\ud800", "here"], ["was"]]


def test_no_texts_have_no_tokens():
    assert list(ClinicalTokenizer().transform([])) == []


def test_empty_text_has_no_tokens():
    assert ClinicalTokenizer().tokenize("") == ClinicalTokenizer().tokenize(" 12 ... ") == []


def test_a_negation_at_the_end_is_dropped():
    assert join_negations(["is", "n't"]) == ["is"]
    assert join_negations(["not", "not", "well"]) == ["not_well"]


def test_memory_is_neither_saved_nor_cloned():
    tokenizer = ClinicalTokenizer(numbers="keep")
    tokenizer.transform(["secret note"])
    assert b"secret" not in pickle.dumps(tokenizer)
    assert clone(tokenizer).get_params() == tokenizer.get_params()


@pytest.mark.parametrize("setting", ["numbers", "punctuation"])
def test_an_unknown_treatment_is_refused(setting):
    with pytest.raises(ValueError, match=f"expected {setting} among drop, replace, keep, found 'burn'"):
        ClinicalTokenizer(**{setting: "burn"}).fit([])
