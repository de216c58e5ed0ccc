import gzip
import json

import pytest
from recordings import PARITY

from stigma_hf.baseline.anchors import remove_anchor
from stigma_hf.baseline.phrases import PhraseLearner
from stigma_hf.baseline.tokenization import ClinicalTokenizer
from stigma_hf.baseline.vocabulary import VocabularyCounter

RECORDED = json.loads((PARITY / "phrases.json").read_text(encoding="utf-8"))


def as_lists(documents):
    return [list(tokens) for tokens in documents]


@pytest.mark.parametrize("run", RECORDED["runs"], ids=lambda run: f"{run['passes']}-{run['min_count']}")
def test_phrases_are_those_of_the_released_toolkit(run):
    learner = PhraseLearner(run["passes"], run["min_count"], run["threshold"]).fit(RECORDED["corpus"])
    recorded_phrases = [[(p["left"], p["right"], p["score"]) for p in phrases] for phrases in run["phrases"]]
    assert [[tuple(phrase) for phrase in phrases] for phrases in learner.phrases_] == recorded_phrases
    some = RECORDED["corpus"][: len(run["transformed_corpus"])]
    assert as_lists(learner.transform(some)) == run["transformed_corpus"]
    assert as_lists(learner.transform(RECORDED["unseen"])) == run["transformed_unseen"]


@pytest.mark.parametrize("column", ["tokens", "tokens_full"])
def test_prepared_spans_are_those_of_the_released_toolkit(column):
    with gzip.open(PARITY / "baseline" / "prepared.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    texts = [
        row["note_text"] if column == "tokens_full" else remove_anchor(row["note_text"], row["keyword"])
        for row in rows
    ]
    tokens = as_lists(ClinicalTokenizer().transform(texts))
    learner = PhraseLearner().fit([of for of, row in zip(tokens, rows, strict=True) if row["split"] == "train"])
    assert as_lists(learner.transform(tokens)) == [row[column] for row in rows]
    assert len(rows) == 1580


def test_phrases_overlap_from_left_to_right():
    learner = PhraseLearner(passes=1, min_count=0, threshold=0).fit([["a", "a", "a", "a", "a"]])
    assert as_lists(learner.transform([["a", "a", "a"], [], ["a"], ["b"]])) == [["a a", "a"], [], ["a"], ["b"]]


def test_phrases_do_not_reach_into_the_next_document():
    learner = PhraseLearner(passes=1, min_count=0, threshold=0).fit([["a", "b"]])
    assert as_lists(learner.transform([["a"], ["b"], ["a", "b"]])) == [["a"], ["b"], ["a b"]]


def test_fitting_again_forgets_what_was_learned_before():
    learner = PhraseLearner(passes=1, min_count=0, threshold=0).fit([["a", "b"]])
    learner.transform([["a", "b"]])
    assert as_lists(learner.fit([["b", "a"]]).transform([["a", "b"]])) == [["a", "b"]]


def test_no_passes_change_nothing():
    assert as_lists(PhraseLearner(passes=0).fit([["a"]]).transform([["a", "b"]])) == [["a", "b"]]


@pytest.mark.parametrize("setting", ["passes", "min_count", "threshold"])
def test_a_setting_below_zero_is_refused(setting):
    with pytest.raises(ValueError, match=f"expected {setting} from 0 on, found -1"):
        PhraseLearner(**{setting: -1}).fit([["a"]])


def test_vocabulary_is_that_of_the_released_toolkit():
    counter = VocabularyCounter(drop_most_frequent=10, min_count=3, stop_words=["patient", "pt"])
    vocabulary = list(counter.fit(RECORDED["corpus"]).vocabulary_)
    assert vocabulary == RECORDED["vocabulary_rm_top_10_min_freq_3_stop_patient_pt"]
    everything = VocabularyCounter(drop_most_frequent=0, min_count=0, stop_words=[]).fit(RECORDED["corpus"])
    assert list(everything.vocabulary_) == RECORDED["vocabulary_all"]
    assert everything.get_feature_names_out().tolist() == RECORDED["vocabulary_all"]


def test_tokens_outside_the_vocabulary_are_not_counted():
    counter = VocabularyCounter(drop_most_frequent=0, min_count=1, stop_words=[]).fit([["a", "b"]])
    counts = counter.transform([["a", "x", "a"], [], ["b", "y"]])
    assert counts.toarray().tolist() == [[2, 0], [0, 0], [0, 1]]
    assert counter.transform([]).shape == (0, 2)


def test_a_vocabulary_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 3 times after the 10 most frequent, found none among 2"):
        VocabularyCounter().fit([["a", "b"]])


@pytest.mark.parametrize("columns", [{"a": 0, "b": 2_000_000_000}, {"a": 0, "b": -1}, {"a": 1, "b": 1}])
def test_a_vocabulary_that_leads_out_of_its_columns_is_refused(columns):
    counter = VocabularyCounter(drop_most_frequent=0, min_count=1, stop_words=[]).fit([["a", "b"]])
    counter.vocabulary_ = columns
    with pytest.raises(ValueError, match="expected a vocabulary with the columns 0 to 1, each once"):
        counter.transform([["b"]])
