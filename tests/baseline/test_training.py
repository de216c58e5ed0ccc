import json

import numpy as np
import pytest
from recordings import PARITY, recorded

from stigma_hf import BaselineClassifier
from stigma_hf.baseline.folds import train_folds
from stigma_hf.baseline.recipes import PUBLISHED, Recipe, load_recipe
from stigma_hf.baseline.training import score, train_baseline
from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.context_window import ContextWindow
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks

EXPECTED = json.loads((PARITY / "baseline" / "expected_training.json").read_text(encoding="utf-8"))
RELEASED = {
    "majority-overall": ("majority_overall", "keyword", "majority"),
    "majority-per-anchor": ("majority_keyword", "keyword", "linear"),
    "logistic-regression-context": ("logistic-regression_context", "tokens_tfidf", "linear"),
    "logistic-regression-context-anchor": ("logistic-regression_keyword-context", "keyword_tokens_tfidf", "linear"),
}
REGRESSIONS = [name for name in PUBLISHED if name.startswith("logistic")]
SPLITS = {"train": "train", "dev": "validation", "test": "test"}


def released_classifier(name, task):
    _, features, kind = RELEASED[name]
    suite = "majority" if kind == "majority" else "statistical"
    models = EXPECTED["models"][f"mimic-iv-discharge_baseline-{suite}"]
    return models["classifiers"][f"{features}/{kind}/{task}_fold-0"]


def released_scores(table, name):
    _, features, kind = RELEASED[name]
    return [entry for entry in EXPECTED[table] if (entry["feature_set"], entry["model_type"]) == (features, kind)]


def model_scores(model, entry):
    return model.config.training["tasks"][entry["task"]]["scores"][SPLITS[entry["split"]]][entry["metric"]]


@pytest.mark.parametrize("task", load_tasks())
@pytest.mark.parametrize("name", REGRESSIONS)
def test_retrained_regression_is_the_released_one(trained, name, task):
    released = released_classifier(name, task)
    steps = trained[name].estimators[task].named_steps
    classifier = steps["classifier"]
    assert trained[name].config.training["tasks"][task]["chosen"] == {"C": released["C"]}
    assert classifier.C == released["C"]
    assert list(steps["vocabularycounter"].vocabulary_) == released["features"]
    columns = [released["targets"].index(label) for label in classifier.classes_]
    np.testing.assert_allclose(steps["tfidftransformer"].idf_, released["idf"], atol=1e-9)
    np.testing.assert_allclose(classifier.coef_, np.array(released["coef"])[columns], atol=1e-3)
    np.testing.assert_allclose(classifier.intercept_, np.array(released["intercept"])[columns], atol=1e-3)


@pytest.mark.parametrize("task", load_tasks())
def test_counted_majorities_are_the_released_ones(trained, task):
    released = released_classifier("majority-per-anchor", task)
    columns = [released["targets"].index(label) for label in load_tasks()[task].labels]
    counts = {
        anchor: [row[column] for column in columns]
        for anchor, row in zip(released["features"], released["counts"], strict=True)
    }
    assert trained["majority-per-anchor"].counts[task] == counts


@pytest.mark.parametrize("rows", ["unseen", "unseen_odd"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_probabilities_of_a_saved_model_are_the_released_ones(folders, name, rows):
    model = BaselineClassifier.from_pretrained(folders[name])
    spans = {row["id"]: row for row in recorded(f"baseline/{rows}.jsonl")}
    file = PARITY / "baseline" / rows.replace("unseen", "expected_probabilities")
    expected = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))[RELEASED[name][0]]
    for task, of_task in expected.items():
        windows = [ContextWindow(task, spans[i]["keyword"], spans[i]["text"]) for i in of_task["ids"]]
        assert model.config.labels[task] == of_task["labels"]
        tolerance = 1e-12 if name.startswith("majority") else 1e-3
        np.testing.assert_allclose(
            np.stack(model(windows)["probabilities"]), of_task["probabilities"], atol=tolerance, rtol=0
        )


@pytest.mark.parametrize("name", PUBLISHED)
def test_scores_are_the_released_ones(trained, name):
    reached = [model_scores(trained[name], entry) for entry in released_scores("scores", name)]
    assert reached == pytest.approx([entry["score"] for entry in released_scores("scores", name)], abs=1e-9)
    assert len(reached) == 18


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "majority-overall"])
def test_scores_of_every_fold_are_the_released_ones(spans, name):
    models = list(train_folds(load_recipe(name), spans))
    reached = [model_scores(models[entry["fold"]], entry) for entry in released_scores("scores_cv5", name)]
    assert reached == pytest.approx([entry["score"] for entry in released_scores("scores_cv5", name)], abs=1e-9)
    assert len(reached) == 90


def test_ties_go_to_the_label_with_the_fewest_spans_in_all_splits(trained):
    for task in load_tasks():
        released = released_classifier("majority-per-anchor", task)["targets"]
        for name in ("majority-overall", "majority-per-anchor"):
            assert trained[name].config.tie_order[task] == released


def test_probabilities_stay_in_label_order_whoever_wins_a_tie(trained):
    model = trained["majority-per-anchor"]
    assert model.config.labels["other"] == sorted(model.config.tie_order["other"])
    spans = LabelledWindows([ContextWindow("other", "never seen", "")], ["neutral"])
    assert score(model, spans) == {"macro_f1": 1, "accuracy": 1}


def test_training_is_written_down(trained, spans):
    config = trained["logistic-regression-context"].config
    about = config.training["tasks"]["adamant"]
    assert config.provenance == {"source": "synthetic"}
    assert config.title == "Logistic Regression (Context)"
    assert about["vocabulary_size"] == 334
    assert about["spans"] == {split: len(rows.of_task("adamant").windows) for split, rows in spans.items()}
    assert set(about["scores"]) == {"train", "validation", "test"}
    assert config.training["recipe"] == "logistic-regression-context"


def small(n, task="adamant", labels=("difficult", "disbelief")):
    windows = [ContextWindow(task, "claims", f"he claims {('pain', 'fever')[i % 2]}") for i in range(n)]
    return LabelledWindows(windows, [labels[i % len(labels)] for i in range(n)])


HASHING = load_recipe("hashing")
NOTHING = LabelledWindows([], [])


def test_a_task_without_spans_and_a_label_without_spans_are_left_out():
    model = train_baseline(HASHING, {"train": small(8), "validation": small(4), "test": NOTHING})
    assert model.config.labels == {"adamant": ["difficult", "disbelief", "exclude"]}
    (probabilities,) = model(small(1).windows)["probabilities"]
    assert probabilities.argmax() == 0 and probabilities[2] == 0
    assert probabilities.sum() == pytest.approx(1)
    assert model.config.provenance is None
    assert model.config.training["tasks"]["adamant"]["scores"]["test"] == {}


def test_the_first_of_equal_settings_wins():
    model = train_baseline(HASHING, {"train": small(8), "validation": small(4)})
    assert model.config.training["tasks"]["adamant"]["chosen"] == {"C": HASHING.choose["C"][0]}


def test_a_recipe_without_choices_needs_no_validation():
    steps = [{"sklearn.feature_extraction.text.CountVectorizer": None}, {"sklearn.naive_bayes.MultinomialNB": None}]
    recipe = Recipe("bayes", "Naive Bayes", "scikit-learn", for_all_tasks=[{"WindowText": None}], for_each_task=steps)
    model = train_baseline(recipe, {"train": small(8), "validation": NOTHING})
    assert model.config.training["tasks"]["adamant"]["chosen"] == {}


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ({"train": NOTHING, "validation": small(4)}, "expected training spans of at least one task, found none"),
        (
            {"train": small(8), "validation": NOTHING},
            "expected validation spans of adamant to choose C by, found none",
        ),
        ({"train": small(8, labels=["exclude"]), "validation": small(4)}, "with at least two labels, found 1"),
    ],
)
def test_spans_that_nothing_can_be_trained_on_are_refused(spans, message):
    with pytest.raises(UsageError, match=message):
        train_baseline(HASHING, spans)


def test_too_few_spans_for_a_recipe_are_refused_with_the_task():
    with pytest.raises(
        UsageError, match="recipe .*-context cannot be trained for adamant: expected tokens that occur"
    ):
        train_baseline(load_recipe("logistic-regression-context"), {"train": small(8), "validation": small(4)})


@pytest.mark.parametrize("name", ["random-forest-context-anchor", "hashing", "character-ngrams"])
def test_other_estimators_are_a_recipe_and_round_trip(spans, tmp_path, name):
    model = train_baseline(load_recipe(name), spans)
    model.save_pretrained(tmp_path)
    again = BaselineClassifier.from_pretrained(tmp_path)
    windows = spans["test"].windows
    assert [row.tolist() for row in again(windows)["probabilities"]] == [
        row.tolist() for row in model(windows)["probabilities"]
    ]
    assert all(about["scores"]["test"]["macro_f1"] > 0.6 for about in model.config.training["tasks"].values())
