"""Keep the best checkpoint, and stop when none has been better for long."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

METRIC = "macro_f1_ratchet"
"""What a Trainer with a `Ratchet` chooses the best checkpoint by: its `metric_for_best_model`."""


class Ratchet(TrainerCallback):
    """Replaces the best checkpoint only when macro F1 rises by more than a share of the best so far.

    The callback itself remembers nothing: best score, best update and past evaluations are in the state that the
    Trainer writes into each checkpoint, so that going on from one is the same as never having stopped.

    Args:
        improvement: That share; 0.01 in the published models.
        patience: Evaluations without a better checkpoint after which training ends.

    Source: Harrigian et al. 2023 (ACL short papers), section on training, and the released toolkit.
    """

    def __init__(self, improvement: float, patience: int) -> None:
        self._improvement = improvement
        self._patience = patience

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop at once if the checkpoint that training goes on from was the one it had stopped at."""
        control.should_training_stop = self._has_lost_patience(state, state.best_global_step or 0)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        **kwargs: Any,
    ) -> None:
        """Add to the metrics what the Trainer looks at next: the score if it counts as better, else the best one."""
        score, best = metrics["eval_macro_f1"], state.best_metric
        is_better = best is None or score > best * (1 + self._improvement)
        metrics[f"eval_{METRIC}"] = score if is_better else best
        best_update = state.global_step if is_better else (state.best_global_step or 0)
        if self._has_lost_patience(state, best_update):
            control.should_training_stop = True

    def _has_lost_patience(self, state: TrainerState, best_update: int) -> bool:
        evaluations = [entry["step"] for entry in state.log_history if "eval_macro_f1" in entry]
        return sum(step > best_update for step in evaluations) >= self._patience
