import numpy as np
import pytest

from stigma_hf.context_window import ContextWindow
from stigma_hf.conversion.expected import of_model, read_expected
from stigma_hf.conversion.sample_windows import sample_windows
from stigma_hf.conversion.verification import ReleasedAnswers, prove
from stigma_hf.errors import UsageError
from stigma_hf.lexicon import Lexicon

LABELS = ("a", "b", "c")
WINDOWS = [ContextWindow("adamant", "claims", text) for text in ("one", "two", "three")]


def answers(*rows, targets=LABELS):
    probabilities = [row and dict(zip(LABELS, row, strict=True)) for row in rows]
    return ReleasedAnswers("adamant", "expected", WINDOWS[: len(rows)], probabilities, targets)


def answering(*rows):
    given = {window.context: row for window, row in zip(WINDOWS, rows, strict=False)}

    def predict(windows):
        if any(given[window.context] is None for window in windows):
            raise ValueError("item 0: expected the anchor")
        return [np.array(given[window.context]) for window in windows]

    return predict


ROW = (0.5, 0.3, 0.2)


def test_equal_answers_are_proof():
    proof = prove(answering(ROW, (0.1, 0.2, 0.7)), LABELS, answers(ROW, (0.1, 0.2, 0.7)), 1e-9)
    assert (proof.windows, proof.max_difference, proof.refused) == (2, 0.0, 0)


def test_the_largest_difference_is_told():
    proof = prove(answering(ROW, (0.1, 0.2, 0.7)), LABELS, answers(ROW, (0.1, 0.20001, 0.69999)), 1e-4)
    assert proof.max_difference == pytest.approx(1e-5)


@pytest.mark.parametrize("wrong", [(0.5, 0.31, 0.19), (float("nan"),) * 3])
def test_a_difference_above_the_tolerance_is_an_error(wrong):
    with pytest.raises(UsageError, match="adamant, expected answers: .* within 0.0001 .* for window 1, and too large"):
        prove(answering(ROW, wrong, ROW), LABELS, answers(ROW, ROW, ROW), 1e-4)


def test_released_labels_win_ties_in_their_order():
    tie = (0.4, 0.2, 0.4)
    released = answers(tie, targets=("c", "b", "a"))
    assert prove(answering(tie), LABELS, released, 1e-9, tie_order=("c", "b", "a")).windows == 1
    with pytest.raises(UsageError, match="expected the released label for window 0, found 'a'"):
        prove(answering(tie), LABELS, released, 1e-9)


def test_a_window_that_the_release_cannot_answer_has_to_be_refused():
    assert prove(answering(ROW, None), LABELS, answers(ROW, None), 1e-9).refused == 1
    with pytest.raises(
        UsageError, match="the release answers nothing for window 0 of those without an answer; ours does"
    ):
        prove(answering(ROW, ROW), LABELS, answers(ROW, None), 1e-9)


def test_only_windows_without_an_answer_are_no_windows_compared():
    proof = prove(answering(None), LABELS, answers(None), 1e-9)
    assert (proof.windows, proof.refused) == (0, 1)


@pytest.mark.parametrize("task", ["adamant", "compliance", "other"])
def test_sample_windows_are_invented_different_and_always_the_same(task):
    windows = sample_windows(task, 10, 100)
    assert windows == sample_windows(task, 10, 100) and len(set(windows)) == 100
    assert {window.anchor for window in windows} <= set(Lexicon.default().anchors[task])
    assert all(window.anchor in window.context and window.task == task for window in windows)


def test_sample_windows_are_as_wide_as_asked():
    assert max(len(window.context.split()) for window in sample_windows("other", 2, 50)) <= 2 + 2 + 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x", "line 1: expected a JSON object"),
        ("[1]", "line 1: expected a JSON object, found list"),
        ('{"task": "other"}', "line 1: expected a window with text under task, anchor and context"),
        ('{"task": "other", "anchor": "a", "context": "a"}', "line 1: expected probabilities as label to number"),
        (
            '{"task": "o", "anchor": "a", "context": "a", "probabilities": {"b": "1"}}',
            "expected probabilities as label",
        ),
        (
            '{"task": "o", "anchor": "a", "context": "a", "probabilities": [1]}',
            "expected probabilities as label to number",
        ),
        ("", "expected a prediction a line, found none"),
    ],
)
def test_a_file_of_expected_predictions_names_the_wrong_line(tmp_path, line, message):
    (tmp_path / "expected.jsonl").write_text(line)
    with pytest.raises(UsageError, match=message):
        read_expected(tmp_path / "expected.jsonl")


def test_a_missing_file_of_expected_predictions_says_so(tmp_path):
    with pytest.raises(UsageError, match="expected a file of JSON lines, found none"):
        read_expected(tmp_path / "absent.jsonl")


def test_expected_predictions_have_to_say_whose_they_are_where_several_are_converted(tmp_path):
    line = '{"task": "other", "anchor": "a", "context": "a", "probabilities": {"b": 1.0}}\n'
    (tmp_path / "expected.jsonl").write_text(line)
    predictions = read_expected(tmp_path / "expected.jsonl")
    assert list(of_model(predictions, "any", only_model=True)) == ["other"]
    with pytest.raises(UsageError, match="expected the released name under `model` in each line"):
        of_model(predictions, "any", only_model=False)
