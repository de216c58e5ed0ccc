import json

import pytest
from recordings import PARITY
from release_copies import STATISTICAL, expected_rows, write_rows

from stigma_hf.conversion import preprocessing as module
from stigma_hf.conversion.convert import convert
from stigma_hf.conversion.pickles import read_joblib
from stigma_hf.conversion.preprocessing import read_preprocessing
from stigma_hf.errors import UsageError


@pytest.fixture
def changed(monkeypatch):
    def install(change):
        def read_and_change(path):
            value = read_joblib(path)
            change(value)
            return value

        monkeypatch.setattr(module, "read_joblib", read_and_change)

    return install


def spacy_tokenizer(value):
    return value["tokenizer"].state["_tokenizer"].state["tokenizer"]


def change_prefix(value):
    spacy_tokenizer(value).args[2].args[0].args = ("^x", 32)


def add_exception(value):
    spacy_tokenizer(value).args[1]["pt.claims"] = [{65: "pt."}, {65: "claims"}]


def test_settings_windows_and_phrases_are_the_recorded_ones(release):
    read = read_preprocessing(release / STATISTICAL)
    assert read.window_words == 10 and read.removed_anchors == () and read.different_rules == ()
    assert read.tokenizer.get_params() == {
        "numbers": "drop", "punctuation": "drop", "join_negations": True, "lowercase": True,
    }  # fmt: skip
    recorded = json.loads((PARITY / "baseline" / "expected_training.json").read_text())["phrases"]
    for source, learner in read.phrases.items():
        assert (learner.passes, learner.min_count, learner.threshold) == (2, 5, 10)
        for ours, theirs in zip(learner.phrases_, recorded[source], strict=True):
            assert len(ours) == len(theirs) > 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda value: value.pop("tokenizer"), "expected the field 'tokenizer', found params, phrasers"),
        (
            lambda value: value["params"].update(eval_target_context=None),
            "expected a window of so many words, found nothing",
        ),
        (lambda value: value["params"].update(eval_rm_keywords="claims"), "expected eval_rm_keywords to be a list"),
        (lambda value: value.update(more=value["tokenizer"]), "found more, which nothing in this package stands for"),
        (
            lambda value: value["tokenizer"].state.update(_preserve_case=1),
            r"_preserve_case among \[True, False\], found 1",
        ),
        (
            lambda value: value["tokenizer"].state.update(_tokenizer=None),
            r"expected spacy\.lang\.en\.English, found nothing",
        ),
        (lambda value: value["phrasers"].pop("tokens"), "expected the field 'tokens', found tokens_full"),
        (
            lambda value: value["phrasers"]["tokens"].state["_phrase_tuples"].pop(1),
            "expected phrases of each pass from 0 on",
        ),
        (
            lambda value: value["phrasers"]["tokens"].state["_phrase_scores"][0].popitem(),
            "expected a score for each phrase",
        ),
        (
            lambda value: (
                value["phrasers"]["tokens"].state["_phrase_tuples"][0].update({("gi", "bleed"): "os.system"})
            ),
            "pass 0: expected phrase 0 to be two tokens with a blank between, found another",
        ),
    ],
)
def test_every_setting_has_its_place(release, changed, change, message):
    changed(change)
    with pytest.raises(UsageError, match=message):
        read_preprocessing(release / STATISTICAL)


def test_anchors_that_were_left_out_of_the_training_are_told(release, tmp_path, changed):
    changed(lambda value: value["params"].update(eval_rm_keywords=["claims"]))
    convert(release / STATISTICAL / "keyword", tmp_path / "out")
    config = json.loads((tmp_path / "out" / "mimic-iv-discharge_majority_keyword" / "config.json").read_text())
    assert config["training"]["removed_anchors"] == ["claims"]


def test_without_phrases_tokens_stay_single(release, changed):
    def change(value):
        value["phrasers"] = None
        value["params"]["phraser_passes"] = 0

    changed(change)
    read = read_preprocessing(release / STATISTICAL)
    assert list(read.phrases["tokens"].transform([["gi", "bleed"]])) == [["gi", "bleed"]]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (change_prefix, "prefixes"),
        (add_exception, "exceptions"),
        (
            lambda value: setattr(
                spacy_tokenizer(value), "args", (*spacy_tokenizer(value).args[:5], "token_match", None)
            ),
            "tokens kept whole",
        ),
    ],
)
def test_another_tokenizer_needs_released_predictions_as_proof(release, tmp_path, changed, change, kind):
    changed(change)
    source = release / STATISTICAL / "tokens_tfidf"
    with pytest.raises(
        UsageError, match=rf"its tokenizer has other {kind} than this package.* give them by --expected"
    ):
        convert(source, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    name = "mimic-iv-discharge_logistic-regression_context"
    rows = [row for row in expected_rows() if row["model"] == name]
    (model,) = convert(source, tmp_path / "out", expected=write_rows(tmp_path / "expected.jsonl", rows))
    assert model.notes == [f"cuts text by other {kind} than the release"]


def test_majorities_need_no_tokenizer(release, tmp_path, changed):
    changed(change_prefix)
    (model,) = convert(release / STATISTICAL / "keyword", tmp_path / "out")
    assert model.notes == []


def test_the_embedded_pickle_of_spacy_is_never_opened(release):
    """spaCy keeps a pickle of functions inside of its state; here it stays bytes."""
    value = read_joblib(release / STATISTICAL / "preprocessing.params.joblib")
    vocabulary = value["tokenizer"].state["_tokenizer"].state["vocab"]
    inner = [argument for argument in vocabulary.args if isinstance(argument, bytes)]
    assert len(inner) == 1 and b"functools" in inner[0]
