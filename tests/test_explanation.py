import random
import sys

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from stigma_hf import BaselineClassifier, BaselineConfig
from stigma_hf.baseline.recipes import Recipe
from stigma_hf.baseline.training import train_baseline
from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.cli import explain as command
from stigma_hf.context_window import ContextWindow
from stigma_hf.errors import UsageError
from stigma_hf.explanation import ANY_ANCHOR, Weight, explain_model, explain_span
from stigma_hf.explanation_plot import MAX_ROWS, plot_explanations

WINDOW = ContextWindow("compliance", "compliant", "pt is not compliant with daily meds and walks out")
SENTENCES = {
    "negative": ["pt is not compliant with meds", "not compliant with diet and walks out", "refused labs again"],
    "neutral": ["if compliant with meds then recheck labs", "refused if asked about labs"],
    "positive": ["compliant with daily meds and weights", "remains compliant with daily walks"],
}
CONTEXT_STEPS = [
    {"ClinicalTokenizer": None},
    {"PhraseLearner": {"passes": 1, "min_count": 2, "threshold": 2}},
]
VOCABULARY = {"VocabularyCounter": {"drop_most_frequent": 0, "min_count": 1}}
TFIDF = {"sklearn.feature_extraction.text.TfidfTransformer": None}
LOGISTIC = {"sklearn.linear_model.LogisticRegression": {"max_iter": 1000}}


def spans(labels=tuple(SENTENCES)):
    drawn = random.Random(0)
    windows, given = [], []
    for _ in range(60):
        label = drawn.choice(labels)
        context = drawn.choice(SENTENCES[label])
        anchor = "compliant" if "compliant" in context else "refused"
        windows.append(ContextWindow("compliance", anchor, context))
        given.append(label)
    return LabelledWindows(windows, given)


def train(*for_each_task, labels=tuple(SENTENCES), keep_anchor=True, before=CONTEXT_STEPS):
    steps = [{"WindowText": {"keep_anchor": keep_anchor}}, *before]
    recipe = Recipe("small", "Small model", "scikit-learn", for_all_tasks=steps, for_each_task=list(for_each_task))
    data = spans(labels)
    return train_baseline(recipe, {"train": data, "validation": data}, {"source": "synthetic"})


@pytest.fixture(scope="module")
def model():
    return train(VOCABULARY, TFIDF, LOGISTIC)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "small"
    model.save_pretrained(path)
    return path


def majority(negated=True):
    counts = {"compliance": {"compliant": [1, 2, 6], "not compliant": [5, 1, 0], "refused": [9, 0, 0]}}
    labels = {"compliance": list(SENTENCES)}
    config = BaselineConfig(estimator="majority-per-anchor", labels=labels, negated_anchors=negated, title="Counts")
    return BaselineClassifier(config, counts)


def run(*arguments):
    app = typer.Typer()
    app.command()(command.explain)
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("window", [WINDOW, ContextWindow("compliance", "refused", "refused labs")])
def test_contributions_and_intercept_add_up_to_the_decision_function(model, window):
    explanation = explain_span(model, window)
    expected = model.estimators["compliance"].decision_function([window])[0]
    assert [explanation.score(label) for label in SENTENCES] == pytest.approx(expected, abs=1e-9)
    scores = np.exp([explanation.score(label) for label in SENTENCES])
    assert list(explanation.probabilities.values()) == pytest.approx(scores / scores.sum(), abs=1e-9)
    for weights in explanation.weights.values():
        assert [weight.value for weight in weights] == sorted((weight.value for weight in weights), reverse=True)


def test_with_two_labels_the_first_has_the_negative_of_the_decision_function():
    binary = train(VOCABULARY, TFIDF, LOGISTIC, labels=("negative", "positive"))
    explanation = explain_span(binary, WINDOW)
    expected = binary.estimators["compliance"].decision_function([WINDOW])[0]
    assert explanation.score("positive") == pytest.approx(expected, abs=1e-9)
    assert explanation.score("negative") == pytest.approx(-expected, abs=1e-9)
    assert list(explanation.weights) == ["negative", "positive"]
    assert explanation.probabilities["neutral"] == 0
    assert explanation.label == "negative"


def test_window_without_known_features_has_the_intercepts_alone(model):
    explanation = explain_span(model, ContextWindow("compliance", "adhered", "zzz adhered"))
    expected = model.estimators["compliance"].steps[-1][1].intercept_
    assert set(explanation.weights.values()) == {()}
    assert [explanation.score(label) for label in SENTENCES] == pytest.approx(expected)


def test_only_features_that_the_anchor_brings_are_marked_in_a_window(model):
    marked = {weight.feature: weight.is_anchor for weight in explain_span(model, WINDOW).weights["negative"]}
    assert marked["not compliant"]
    assert not marked["daily"]
    without_anchor = explain_span(train(VOCABULARY, LOGISTIC, keep_anchor=False), WINDOW)
    assert not any(weight.is_anchor for weights in without_anchor.weights.values() for weight in weights)
    assert {weight.feature for weight in without_anchor.weights["negative"]} >= {"daily", "meds"}


def test_strongest_features_of_a_model_have_its_largest_coefficients(model):
    explanation = explain_model(model, "compliance", top_k=3)
    counter, _, classifier = (step for _, step in model.estimators["compliance"].steps[-3:])
    names = list(counter.vocabulary_)
    for label, coefficients in zip(classifier.classes_, classifier.coef_, strict=True):
        best = sorted(zip(-coefficients, names, strict=True), key=lambda pair: pair[0])[:3]
        shown = [(weight.feature, weight.value) for weight in explanation.weights[label]]
        assert shown == [(name.replace("not_", "not "), pytest.approx(-value)) for value, name in best]
    (negated,) = [weight for weight in explanation.weights["negative"] if weight.feature == "not compliant"]
    assert negated.is_anchor
    assert not any(weight.is_anchor for weight in explanation.weights["neutral"] if weight.feature == "if")
    assert len(explain_model(model, "compliance", top_k=10_000).weights["neutral"]) < len(names)  # those above 0


def test_phrases_read_as_words_and_hold_the_anchor_within():
    tokens = [{"ClinicalTokenizer": None}, {"PhraseLearner": {"passes": 2, "min_count": 0, "threshold": 0.1}}]
    explanation = explain_model(train(VOCABULARY, LOGISTIC, before=tokens), "compliance")
    features = {weight.feature: weight.is_anchor for weights in explanation.weights.values() for weight in weights}
    phrases = {feature: held for feature, held in features.items() if "not compliant" in feature and "with" in feature}
    assert phrases
    assert all(phrases.values())
    assert not any("_" in feature for feature in features)


def test_category_of_the_negated_anchor_is_a_named_feature():
    steps = [{"sklearn.preprocessing.OneHotEncoder": {"handle_unknown": "ignore"}}, LOGISTIC]
    recipe = Recipe("x", "X", "scikit-learn", for_all_tasks=[{"NegatedAnchor": None}], for_each_task=steps)
    one_hot = train_baseline(recipe, {"train": spans(), "validation": spans()})
    (weight,) = explain_span(one_hot, WINDOW).weights["negative"]
    assert (weight.feature, weight.is_anchor) == ("not compliant", True)
    assert explain_model(one_hot, "compliance").weights["negative"][0].is_anchor


def test_blanks_of_character_features_are_shown_and_control_characters_are_not():
    steps = {"sklearn.feature_extraction.text.TfidfVectorizer": {"analyzer": "char", "ngram_range": [2, 2]}}
    characters = train(steps, LOGISTIC, before=[])
    shown = {weight.feature for weight in explain_model(characters, "compliance", 1000).weights["neutral"]}
    assert "\u2423i" in shown  # from "refused if asked"
    vectorizer = characters.estimators["compliance"].steps[-2][1]
    vectorizer.vocabulary_ = {f"\x1b[{name}": column for name, column in vectorizer.vocabulary_.items()}
    shown = {weight.feature for weight in explain_model(characters, "compliance", 1000).weights["neutral"]}
    assert "\u00b7[ch" in shown
    assert not any("\x1b" in feature for feature in shown)


def test_majority_per_anchor_shows_the_counts_of_anchors():
    explanation = explain_model(majority(), "compliance", top_k=1)
    assert explanation.measure == "training spans"
    assert explanation.weights["negative"] == (Weight("refused", 9, True, 9),)
    assert explanation.weights["neutral"] == (Weight("compliant", 2, True, 9),)
    everything = explain_model(majority(), "compliance")
    assert [weight.feature for weight in everything.weights["positive"]] == ["compliant"]


@pytest.mark.parametrize(
    ("negated", "feature", "counts"), [(True, "not compliant", [5, 1, 0]), (False, "compliant", [1, 2, 6])]
)
def test_smoothed_counts_of_the_anchor_give_the_probabilities_of_a_majority(negated, feature, counts):
    explanation = explain_span(majority(negated), WINDOW)
    assert [weights[0].value for weights in explanation.weights.values()] == counts
    assert {weights[0].feature for weights in explanation.weights.values()} == {feature}
    scores = np.array([explanation.score(label) for label in SENTENCES])
    assert list(explanation.probabilities.values()) == pytest.approx(scores / scores.sum(), abs=1e-12)


def test_majority_overall_is_one_feature_that_is_no_anchor():
    config = BaselineConfig(estimator="majority-overall", labels={"compliance": list(SENTENCES)})
    overall = BaselineClassifier(config, {"compliance": [6, 3, 0]})
    explanation = explain_span(overall, WINDOW)
    assert explanation.weights["negative"] == (Weight(ANY_ANCHOR, 6, False, 9),)
    assert explanation.score("negative") / 9 == pytest.approx(explanation.probabilities["negative"])
    assert explain_model(overall, "compliance").weights["positive"] == ()


@pytest.mark.parametrize("explain", [lambda m: explain_model(m, "compliance"), lambda m: explain_span(m, WINDOW)])
def test_models_that_cannot_be_explained_are_refused_with_those_that_can(explain):
    forest = train(VOCABULARY, {"sklearn.ensemble.RandomForestClassifier": {"n_estimators": 2}})
    with pytest.raises(
        UsageError, match="coefficients .*found RandomForestClassifier for 'compliance'; models that can"
    ):
        explain(forest)
    hashing = {"sklearn.feature_extraction.text.HashingVectorizer": {"n_features": 64}}
    with pytest.raises(UsageError, match="nameless ones of WindowText, HashingVectorizer, TfidfTransformer"):
        explain(train(hashing, TFIDF, LOGISTIC, before=[]))
    with pytest.raises(UsageError, match="expected a baseline to explain, .* found str"):
        explain("no model")


def test_unknown_task_and_bad_top_k_are_named(model):
    with pytest.raises(UsageError, match="expected tasks among compliance, found 'other'"):
        explain_model(model, "other")
    with pytest.raises(ValueError, match="top_k to be a whole number from 1 on, found 0"):
        explain_model(model, "compliance", top_k=0)


def test_explaining_logs_no_word(model, caplog):
    caplog.set_level(0)
    explain_model(model, "compliance"), explain_span(model, WINDOW)
    assert not caplog.records


def test_command_prints_the_features_of_each_label(folder):
    result = run("--model", folder, "--top", 2)
    assert result.exit_code == 0, result.output
    assert "Small model\nSYNTHETIC: trained on invented notes" in result.stdout
    assert "Compliance, coefficient of each feature" in result.stdout
    assert "not compliant*" in result.stdout
    assert "* holds the anchor" in result.stdout


@pytest.mark.parametrize("source", ["--text", "--note"])
def test_command_adds_up_the_contributions_of_every_span(folder, tmp_path, source):
    text = "Pt is NOT compliant with daily meds.\nRefused labs again."
    (tmp_path / "note.txt").write_text(text)
    result = run("--model", folder, source, text if source == "--text" else tmp_path / "note.txt", "--top", 2)
    assert result.exit_code == 0, result.output
    assert "compliance: compliant, negative 0." in result.stdout
    assert "compliance: refused, negative 0." in result.stdout
    assert result.stdout.count("intercept") == result.stdout.count("probability") == 6
    assert "others" in result.stdout


def test_words_of_a_window_are_coloured_by_what_they_contribute_to_its_label(model):
    text = command._coloured(explain_span(model, WINDOW))
    console = Console(color_system="truecolor")
    styles = {word: text.get_style_at_offset(console, text.plain.index(word)) for word in ("not", "compliant", "and")}
    assert styles["not"].bgcolor.name == styles["compliant"].bgcolor.name == "#0072b2"
    assert styles["and"].bgcolor is None
    assert text.plain.startswith(WINDOW.context)


def test_command_says_when_there_is_nothing_to_explain(folder, tmp_path):
    result = run("--model", folder, "--text", "well", "--plot", tmp_path / "a.png")
    assert result.exit_code == 0
    assert "no anchor found, nothing to explain" in result.stdout
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--note", "a.txt", "--text", "b"], "expected --note or --text, found both"),
        (["--plot", "a.pdf"], "a.pdf: expected a plot that ends in .png or .svg"),
        (["--task", "other"], "expected tasks among compliance, found 'other'"),
        (["--note", "absent.txt"], "absent.txt: no such file or folder"),
    ],
)
def test_bad_arguments_are_one_message(folder, arguments, message):
    result = run("--model", folder, *arguments)
    assert result.exit_code == 1
    assert message in " ".join(result.stderr.split())


def test_plot_without_matplotlib_names_the_extra(model, folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r'pip install "stigma_hf\[plots\]"'):
        plot_explanations([explain_span(model, WINDOW)], model.config, tmp_path / "a.png")
    assert 'pip install "stigma_hf[plots]"' in run("--model", folder, "--plot", tmp_path / "a.png").stderr


def test_plot_names_model_task_labels_and_features(model, tmp_path, monkeypatch):
    monkeypatch.setitem(pytest.importorskip("matplotlib").rcParams, "svg.fonttype", "none")
    path = tmp_path / "a.svg"
    plot_explanations([explain_model(model, "compliance")], model.config, path)
    drawn = path.read_text()
    for text in ("Small model", "SYNTHETIC", "Compliance: strongest features", ">positive<", ">not compliant<"):
        assert text in drawn
    model_of_mimic = BaselineConfig(title="Cost $a$ and $b$", provenance={"source": "MIMIC-IV"})
    plot_explanations([explain_span(model, WINDOW)], model_of_mimic, path)
    drawn = path.read_text()
    assert "SYNTHETIC" not in drawn
    assert "Cost $a$ and $b$" in drawn
    assert "labelled negative" in drawn


def test_command_draws_a_plot_and_does_not_replace_one_unasked(folder, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "a.png"
    assert "it shows words of notes" in run("--model", folder, "--plot", path).stdout
    assert path.read_bytes().startswith(b"\x89PNG")
    path.write_text("precious")
    assert "exists already; choose another name or allow --overwrite" in run("--model", folder, "--plot", path).stderr
    assert path.read_text() == "precious"
    assert run("--model", folder, "--plot", path, "--overwrite", "--text", "compliant with meds").exit_code == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_plot_with_too_many_rows_or_no_folder_is_refused(model, tmp_path):
    pytest.importorskip("matplotlib")
    explanation = explain_span(model, WINDOW)
    with pytest.raises(UsageError, match=f"1 to {MAX_ROWS} explanations in one plot, found 9; ask for fewer"):
        plot_explanations([explanation] * (MAX_ROWS + 1), model.config, tmp_path / "a.png")
    with pytest.raises(UsageError, match=r"a\.png: cannot be written: No such file"):
        plot_explanations([explanation], model.config, tmp_path / "absent" / "a.png")
