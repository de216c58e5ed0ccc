import pytest

from stigma_hf.baseline.folds import fold_spans, train_folds
from stigma_hf.baseline.recipes import load_recipe
from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.context_window import ContextWindow
from stigma_hf.errors import UsageError
from stigma_hf.mimic.splits import cross_validation
from stigma_hf.tasks import load_tasks


def test_folds_are_dealt_out_task_by_task(spans):
    folds = list(fold_spans(spans))
    for task in load_tasks():
        whole = {split: rows.of_task(task) for split, rows in spans.items()}
        dealt = cross_validation(len(whole["train"].labels), len(whole["validation"].labels), 5)
        for fold, (train, validation) in zip(folds, dealt, strict=True):
            assert fold["train"].of_task(task) == whole["train"].rows(train)
            assert fold["validation"].of_task(task) == whole["validation"].rows(validation)
            assert fold["test"] is spans["test"]


def test_a_training_span_is_left_out_of_one_fold(spans):
    assert sum(len(fold["train"].labels) for fold in fold_spans(spans, 3)) == 2 * len(spans["train"].labels)
    assert sum(len(fold["validation"].labels) for fold in fold_spans(spans, 3)) == len(spans["validation"].labels)


def test_every_fold_has_the_words_of_all_training_spans(spans, trained):
    name = "logistic-regression-context"
    whole = trained[name].estimators["compliance"].named_steps
    fold = next(train_folds(load_recipe(name), spans, {"source": "synthetic"}))
    steps = fold.estimators["compliance"].named_steps
    assert steps["phraselearner"].phrases_ == whole["phraselearner"].phrases_
    assert steps["vocabularycounter"].vocabulary_ == whole["vocabularycounter"].vocabulary_
    assert steps["tfidftransformer"].idf_.tolist() != whole["tfidftransformer"].idf_.tolist()
    assert fold.config.provenance == {"source": "synthetic"}


def test_fewer_than_two_folds_are_refused():
    rows = LabelledWindows([ContextWindow("adamant", "claims", "he claims")] * 4, ["difficult", "disbelief"] * 2)
    spans = {"train": rows, "validation": rows, "test": rows}
    with pytest.raises(UsageError, match="expected at least 2 folds, found 1"):
        next(train_folds(load_recipe("majority-overall"), spans, folds=1))
