"""The words of a window add up to its log-odds, for every kind of encoder, and tell what the model goes by."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from encoder.test_families import every_family
from encoder.tiny_encoders import LABELS, TOKENIZERS, WINDOWS, tiny_classifier, tokenizer, tokenizer_of
from stigma_hf import BaselineClassifier, BaselineConfig
from stigma_hf.attribution import attribute, explain_words
from stigma_hf.cli import explain as command
from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder import integrated_gradients
from stigma_hf.encoder.tokenization import WindowTokenizer, pad
from stigma_hf.errors import UsageError
from stigma_hf.explanation_plot import plot_explanations
from stigma_hf.pipeline import StigmaClassificationPipeline

WINDOW = WINDOWS[0]


def pipe_of(family="bert", **settings):
    return StigmaClassificationPipeline(model=tiny_classifier(family, **settings), tokenizer=tokenizer_of(family))


@pytest.fixture(scope="module")
def pipe():
    return pipe_of()


@pytest.fixture
def folder(pipe, tmp_path):
    pipe.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def log_odds(probability):
    return np.log(probability / (1 - probability))


def run(*arguments):
    app = typer.Typer()
    app.command()(command.explain)
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, [str(argument) for argument in arguments])


@every_family
def test_weights_add_up_to_the_log_odds_beyond_those_without_words(family, caplog):
    pipe = pipe_of(family)
    for window in WINDOWS:
        explanation = explain_words(pipe, window)
        (expected,) = pipe.model.predict_proba([window], pipe.tokenizer)
        assert list(explanation.probabilities.values()) == pytest.approx(expected, abs=1e-6)
        for label, probability in zip(LABELS[window.task], expected, strict=True):
            added = log_odds(probability) - explanation.intercepts[label]
            total = sum(weight.value for weight in explanation.weights[label])
            assert total == pytest.approx(added, rel=0.015, abs=0.002)
    assert "weights of a window differ" not in caplog.text


@pytest.mark.parametrize(
    "settings",
    [
        {"pooling": "cls"},
        {"pooling": "mean"},
        {"pooling": "pooler"},
        {"shared_encoder": False},
        {"occurrences": "all"},
        {"temperature": {"compliance": 2.5}},
    ],
)
def test_weights_add_up_whatever_the_model_pools(settings):
    pipe = pipe_of(**settings)
    explanation = explain_words(pipe, WINDOW)
    (expected,) = pipe.model.predict_proba([WINDOW], pipe.tokenizer)
    assert list(explanation.probabilities.values()) == pytest.approx(expected, abs=1e-6)
    for label, probability in zip(LABELS["compliance"], expected, strict=True):
        assert explanation.score(label) == pytest.approx(log_odds(probability), rel=0.015, abs=0.002)


def test_start_of_the_way_is_the_window_with_every_word_masked(pipe):
    model = pipe.model
    (row,) = WindowTokenizer(pipe.tokenizer, model.config).encode([WINDOW])
    batch = {name: torch.from_numpy(array) for name, array in pad([row], 0).items()}
    batch["input_ids"] = torch.where(
        batch["special_tokens_mask"] == 1, batch["input_ids"], pipe.tokenizer.mask_token_id
    )
    with torch.no_grad():
        logits = model(**batch, task_ids=torch.tensor([1])).logits
    expected = torch.softmax(logits, dim=1)[0, slice(*model.first_column[1:3])].numpy()
    assert list(explain_words(pipe, WINDOW).intercepts.values()) == pytest.approx(log_odds(expected), abs=1e-5)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_words_stand_in_the_context_in_order_whatever_the_tokenizer(kind):
    pipe = StigmaClassificationPipeline(model=tiny_classifier(), tokenizer=tokenizer(kind))
    window = ContextWindow("compliance", "refused", "she refused labs,  then na\u00efvely slept.")
    words = attribute(pipe, window)
    assert [word.word for word in words] == ["she", "refused", "labs,", "then", "na\u00efvely", "slept."]
    assert all(window.context[word.start : word.end] == word.word for word in words)
    assert all(word.weight for word in words)


def test_anchor_alone_counts_where_the_encoder_mixes_nothing():
    pipe = pipe_of(encoder_settings={"num_hidden_layers": 0})
    weights = {word.word: word.weight for word in attribute(pipe, WINDOW)}
    assert weights.pop("refused") != 0
    assert set(weights.values()) == {0}
    marked = {weight.feature for weight in explain_words(pipe, WINDOW).weights["negative"] if weight.is_anchor}
    assert marked == {"refused"}


def test_weights_are_for_the_predicted_label_unless_another_is_asked_for(pipe):
    explanation = explain_words(pipe, WINDOW)
    assert explanation.label == max(explanation.probabilities, key=explanation.probabilities.get)
    assert attribute(pipe, WINDOW) == attribute(pipe, WINDOW, explanation.label)
    other = next(label for label in LABELS["compliance"] if label != explanation.label)
    assert attribute(pipe, WINDOW, other) != attribute(pipe, WINDOW)


def test_with_two_labels_what_speaks_for_one_speaks_against_the_other():
    pipe = pipe_of(labels={"compliance": ["negative", "positive"]})
    negative, positive = (attribute(pipe, WINDOW, label) for label in ("negative", "positive"))
    assert [word.weight for word in negative] == pytest.approx([-word.weight for word in positive])


def test_answers_are_the_same_each_time_and_leave_the_model_as_it_was(pipe):
    pipe.model.train()
    before = {name: weight.clone() for name, weight in pipe.model.state_dict().items()}
    with torch.no_grad():
        first = attribute(pipe, WINDOW)
    with torch.inference_mode():
        assert attribute(pipe, WINDOW) == first
    assert pipe.model.training
    pipe.model.eval()
    assert attribute(pipe, WINDOW) == first
    assert all(torch.equal(before[name], weight) for name, weight in pipe.model.state_dict().items())
    assert all(weight.grad is None for weight in pipe.model.parameters())
    assert not pipe.model.encoders["shared"].get_input_embeddings()._forward_hooks


def test_people_asking_at_once_get_their_own_answers(pipe):
    alone = [attribute(pipe, window) for window in WINDOWS]
    predicted = pipe.model.predict_proba(WINDOWS, pipe.tokenizer)
    with ThreadPoolExecutor(8) as people:
        attributed = [people.submit(attribute, pipe, window) for window in WINDOWS * 4]
        asked = [people.submit(pipe.model.predict_proba, WINDOWS, pipe.tokenizer) for _ in range(8)]
        assert [future.result() for future in attributed] == alone * 4
        for future in asked:
            assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(future.result(), predicted, strict=True))


def test_words_beyond_the_longest_input_have_no_weight(pipe):
    around = "he " * 60
    words = attribute(pipe, ContextWindow("compliance", "refused", f"{around}refused {around}"))
    weights = [word.weight for word in words]
    assert len(words) == 121
    assert weights[60] != 0
    assert not any(weights[:30]) and not any(weights[-30:])
    assert sum(weight != 0 for weight in weights) > 20


def test_window_without_words_has_no_weights():
    assert attribute(pipe_of(pooling="cls"), ContextWindow("compliance", "refused", "")) == []


def test_weights_that_do_not_add_up_are_logged_without_words(pipe, monkeypatch, caplog):
    monkeypatch.setattr(integrated_gradients, "STEPS", (1,))
    with caplog.at_level(logging.WARNING):
        for window in WINDOWS:
            attribute(pipe, window)
    messages = [record.getMessage() for record in caplog.records if "differ from its log-odds" in record.getMessage()]
    assert messages
    assert not any(word in message for message in messages for word in ("refused", "insists", "labs", "lovely"))


def test_what_cannot_be_attributed_is_refused(pipe):
    with pytest.raises(UsageError, match="expected a label among negative, neutral, positive, found 'difficult'"):
        attribute(pipe, WINDOW, "difficult")
    with pytest.raises(UsageError, match="expected tasks among adamant, compliance, other, found 'mood'"):
        attribute(pipe, replace(WINDOW, task="mood"))
    with pytest.raises(ValueError, match="expected the anchor 'refused' in its context"):
        attribute(pipe, replace(WINDOW, context="no such word"))
    labels = {"compliance": LABELS["compliance"]}
    counts = BaselineClassifier(BaselineConfig(estimator="majority-overall", labels=labels), {"compliance": [1, 2, 3]})
    with pytest.raises(UsageError, match="expected an encoder, found BaselineClassifier; explain_span tells"):
        attribute(StigmaClassificationPipeline(model=counts), WINDOW)


def test_command_weighs_the_words_of_every_span(folder):
    result = run(
        "--model", folder, "--text", "Patient refused labs this morning. She insists, she insists.", "--top", 3
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.count("Compliance, attribution of each word") == 1
    assert result.stdout.count("Credibility & Obstinacy, attribution of each word") == 2
    assert result.stdout.count("no words") == result.stdout.count("probability") == 9
    assert "refused*" in result.stdout
    assert "* holds the anchor" in result.stdout


def test_command_says_that_an_encoder_needs_a_note(folder):
    result = run("--model", folder)
    assert result.exit_code == 1
    assert "for an encoder the words of a note can be weighed: give --note or --text" in " ".join(
        result.stderr.split()
    )


def test_word_that_stands_twice_is_coloured_by_its_own_weight(pipe):
    explanation = explain_words(pipe, ContextWindow("adamant", "insists", "she insists she is well"))
    first, second = (
        replace(weight, value=value)
        for weight, value in zip(
            [w for w in explanation.weights[explanation.label] if w.feature == "she"], (2.0, -2.0), strict=True
        )
    )
    text = command._coloured(replace(explanation, weights={explanation.label: (first, second)}))
    styles = {(span.start, span.end): str(span.style) for span in text.spans}
    assert styles[first.place] == command._FOR_STRONGLY
    assert styles[second.place] == command._AGAINST_STRONGLY


def test_words_of_an_encoder_can_be_drawn(pipe, tmp_path, monkeypatch):
    monkeypatch.setitem(pytest.importorskip("matplotlib").rcParams, "svg.fonttype", "none")
    path = tmp_path / "a.svg"
    plot_explanations([explain_words(pipe, WINDOW)], pipe.model.config, path)
    drawn = path.read_text()
    assert "Anchor-pooled classifier" in drawn
    assert ">refused<" in drawn
    assert "attribution" in drawn
