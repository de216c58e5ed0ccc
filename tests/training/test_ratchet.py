import pytest
from transformers import TrainerControl, TrainerState

from stigma_hf.training.ratchet import Ratchet


def run(scores, improvement=0.01, patience=5, state=None):
    """The updates at which the best was replaced, and the one after which training stopped, as a Trainer goes on."""
    ratchet, control = Ratchet(improvement, patience), TrainerControl()
    state = state or TrainerState()
    replaced = []
    for score in scores:
        state.global_step += 50
        metrics = {"eval_macro_f1": score}
        state.log_history.append({**metrics, "step": state.global_step})
        ratchet.on_evaluate(None, state, control, metrics)
        # What a Trainer does next.
        if state.best_metric is None or metrics["eval_macro_f1_ratchet"] > state.best_metric:
            state.best_metric, state.best_global_step = metrics["eval_macro_f1_ratchet"], state.global_step
            replaced.append(state.global_step)
        if control.should_training_stop:
            return replaced, state.global_step
    return replaced, None


def test_the_best_is_replaced_only_by_one_that_is_more_than_a_hundredth_better():
    assert run([0.50, 0.505, 0.5051, 0.51, 0.52]) == ([50, 150, 250], None)


def test_any_improvement_counts_where_none_is_asked_for():
    assert run([0.5, 0.5, 0.5001], improvement=0) == ([50, 150], None)


def test_training_stops_after_five_evaluations_without_a_better_one():
    assert run([0.5, 0.6, 0.6, 0.5, 0.603, 0.4, 0.6, 0.9]) == ([50, 100], 350)


def test_a_score_of_zero_is_a_first_best():
    assert run([0.0, 0.0, 0.1]) == ([50, 150], None)


@pytest.mark.parametrize("cut", range(1, 7))
def test_going_on_from_a_saved_state_is_the_same_as_never_having_stopped(tmp_path, cut):
    scores = [0.5, 0.6, 0.6, 0.5, 0.603, 0.4, 0.6]
    state = TrainerState()
    replaced, _ = run(scores[:cut], state=state)
    state.save_to_json(str(tmp_path / "state.json"))
    again = TrainerState.load_from_json(str(tmp_path / "state.json"))
    replaced_later, stopped = run(scores[cut:], state=again)
    assert (replaced + replaced_later, stopped) == ([50, 100], 350)
