import json
from dataclasses import replace

import pytest
from training.small_spans import NOTE_WORD, small_recipe

from reproduction.labelled_folder import splits, write_folder
from stigma_hf.baseline.folds import fold_spans, train_folds
from stigma_hf.baseline.recipes import load_recipe
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.errors import UsageError
from stigma_hf.reproduction.divisions import Folds
from stigma_hf.reproduction.labelled_data import read_labelled_data
from stigma_hf.reproduction.recipes import load_any_recipe
from stigma_hf.reproduction.runs import Run, RunStore
from stigma_hf.reproduction.training import RunTraining, identity
from stigma_hf.training.recipes import EncoderRecipe
from stigma_hf.training.train_encoder import train_encoder

SMALL = small_recipe(training={"num_train_epochs": 1, "seed": 5, "disable_tqdm": True})


def work_on(data, out, recipes, **settings):
    return RunTraining(
        data, read_labelled_data(data).fingerprints, recipes, Folds(2), RunStore(out, {}), "cpu", **settings
    )


@pytest.mark.parametrize("name", ["majority-per-anchor", "logistic-regression-context-anchor"])
def test_a_baseline_scores_what_it_does_when_all_tasks_are_trained_together(data, tmp_path, name):
    work = work_on(data, tmp_path, {name: load_recipe(name)})
    expected = [model.config.training["tasks"] for model in train_folds(load_recipe(name), splits(), folds=2)]
    for fold, of_fold in enumerate(expected):
        for task, about in of_fold.items():
            run = Run(name, task, f"fold-{fold}")
            record = work(run)
            assert record["scores"] == about["scores"]
            assert record["n_spans"] == about["spans"]
            assert record["chosen"] == about.get("chosen")
            assert json.loads(json.dumps(record)) == work.store.record(run)
            assert not work.store.folder(run).exists()
            assert NOTE_WORD not in json.dumps(record)


def test_an_encoder_is_trained_for_its_task_alone_and_kept_if_asked(data, tmp_path):
    work = work_on(data, tmp_path, {"small": SMALL}, keep_models=True)
    run = Run("small", "other", "fold-1")
    record = work(run)
    fold = list(fold_spans(splits(), 2))[1]
    folder = train_encoder(SMALL, fold, tmp_path / "alone", tasks="other", fold=1, device="cpu")
    training = json.loads((folder / "config.json").read_text())["training"]
    assert record["scores"] == training["tasks"]["other"]["scores"]
    assert record["record"]["seed"] == 5
    assert record["training"] == {"device": "cpu", "precision": "fp32"}
    assert AnchorPooledClassifier.from_pretrained(work.store.folder(run)).tasks == ["other"]
    # Cut off between the model and its record: the model is there and is not trained again.
    finished = (work.store.folder(run) / "model.safetensors").stat().st_mtime_ns
    assert work(run)["scores"] == record["scores"]
    assert (work.store.folder(run) / "model.safetensors").stat().st_mtime_ns == finished


def test_spans_that_changed_meanwhile_are_refused(data, tmp_path):
    other = {split: rows.rows(range(len(rows.labels) - 1)) for split, rows in splits().items()}
    work = replace(
        work_on(data, tmp_path / "out", {"majority-overall": load_recipe("majority-overall")}),
        data=write_folder(tmp_path / "other", other),
    )
    with pytest.raises(UsageError, match="the spans have changed since this was begun"):
        work(Run("majority-overall", "other", "fold-0"))


def test_what_a_run_depends_on_names_a_local_encoder_without_its_path(tmp_path):
    (tmp_path / "bert").mkdir()
    known = identity(replace(SMALL, encoder=str(tmp_path / "bert")), Folds(2), {"train": "abc"})
    assert known["recipe"]["encoder"] == "bert"
    assert known["division"] == {"folds": 2} and known["data"] == {"train": "abc"}
    assert str(tmp_path) not in json.dumps(known)


def test_recipes_of_both_kinds_are_found_by_name_and_file(tmp_path):
    assert load_any_recipe("majority-overall").estimator == "majority-overall"
    assert isinstance(load_any_recipe("tiny"), EncoderRecipe)
    (tmp_path / "mine.yaml").write_text("title: Mine\nestimator: majority-per-anchor\n")
    (tmp_path / "ours.yaml").write_text("based_on: tiny\ntitle: Ours\n")
    assert load_any_recipe(str(tmp_path / "mine.yaml")).name == "mine"
    assert load_any_recipe(str(tmp_path / "ours.yaml")).title == "Ours"
    with pytest.raises(UsageError, match="expected a recipe file or one of majority-overall.*tiny.*found 'oracle'"):
        load_any_recipe("oracle")
