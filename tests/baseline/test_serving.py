import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from stigma_hf.baseline.serving import TaskEstimators, TfidfRegression
from stigma_hf.baseline.window_text import WindowText
from stigma_hf.context_window import ContextWindow

NOTES = ["pain and fever", "no pain", "fever fever", "he claims", "", "nothing known", "no no no pain"]
LABELS = ["a", "b", "c", "a", "b", "c", "a"]


def windows(task):
    return [ContextWindow(task, "claims", note) for note in NOTES]


class CountingWindowText(WindowText):
    """Remembers how many windows it saw in each call."""

    seen: list[int]

    def transform(self, windows):
        self.seen.append(len(windows))
        return super().transform(windows)


@pytest.fixture
def first_step():
    step = CountingWindowText()
    step.seen = []
    return step


@pytest.mark.parametrize("name", ["logistic-regression-context", "logistic-regression-context-anchor"])
def test_probabilities_are_those_of_the_pipelines(trained, spans, name):
    of_tasks = {task: spans["test"].of_task(task).windows for task in ("other", "adamant", "compliance")}
    of_tasks["adamant"] += [ContextWindow("adamant", "claims", ""), ContextWindow("adamant", "claims", "xyzzy claims")]
    served = TaskEstimators(trained[name].estimators).predict_proba(of_tasks)
    assert list(served) == list(of_tasks)
    for task, of_task in of_tasks.items():
        expected = trained[name].estimators[task].predict_proba(of_task)
        np.testing.assert_allclose(served[task], expected, rtol=0, atol=1e-14)


def test_steps_that_pipelines_share_run_once_for_all_tasks(first_step):
    texts = WindowText().transform(windows("other"))
    estimators = {
        task: make_pipeline(first_step, CountVectorizer(), MultinomialNB()) for task in ("adamant", "compliance")
    }
    for pipeline in estimators.values():
        pipeline[1:].fit(texts, LABELS)
    of_tasks = {"compliance": windows("compliance")[:2], "adamant": windows("adamant")[2:]}
    served = TaskEstimators(estimators).predict_proba(of_tasks)
    assert first_step.seen == [len(NOTES)]
    for task, of_task in (("compliance", texts[:2]), ("adamant", texts[2:])):
        assert served[task].tolist() == estimators[task][1:].predict_proba(of_task).tolist()


def test_an_estimator_that_is_no_pipeline_gets_the_windows():
    class Constant:
        def predict_proba(self, windows):
            return np.full((len(windows), 2), 0.5)

    served = TaskEstimators({"adamant": Constant(), "other": make_pipeline(WindowText(), Constant())})
    assert served.predict_proba({"adamant": windows("adamant")})["adamant"].shape == (len(NOTES), 2)


@pytest.mark.parametrize("labels", [LABELS, ["a", "b"] * 3 + ["a"]])
@pytest.mark.parametrize("settings", [{}, {"norm": None}, {"norm": "l1"}, {"use_idf": False}, {"sublinear_tf": True}])
def test_unusual_settings_are_left_to_scikit_learn(settings, labels):
    pipeline = make_pipeline(WindowText(), CountVectorizer(), TfidfTransformer(**settings), LogisticRegression())
    pipeline.fit(windows("other"), labels)
    is_usual = not settings and len(set(labels)) == 3
    assert TfidfRegression.can_stand_for(*pipeline[-2:]) is is_usual
    served = TaskEstimators({"other": pipeline}).predict_proba({"other": windows("other")})["other"]
    np.testing.assert_allclose(served, pipeline.predict_proba(windows("other")), rtol=0, atol=1e-15)
