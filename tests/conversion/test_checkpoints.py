import json
import shutil

import pytest
import torch
from recordings import PARITY

from stigma_hf.conversion.checkpoints import read_checkpoint
from stigma_hf.conversion.pickles import RefusedPickle
from stigma_hf.conversion.torch_files import read_init
from stigma_hf.errors import UsageError

VARIANTS = PARITY / "bert" / "init_variants"


def rewrite_init(folder, **changes):
    """The init of the only checkpoint of a folder, with other entries; None takes one away."""
    (path,) = folder.glob("checkpoint-*/init.pth")
    init = {key: value for key, value in {**read_init(path), **changes}.items() if value is not None}
    init.pop("performance_history")
    torch.save(init, path)


@pytest.mark.parametrize(
    ("task", "number", "targets"),
    [
        ("adamant", 50, ("difficult", "disbelief", "exclude")),
        ("compliance", 400, ("negative", "neutral", "positive")),
        ("other", 350, ("negative", "neutral", "exclude", "positive")),
    ],
)
def test_the_released_checkpoints_are_those_that_best_model_names(bert, task, number, targets):
    (bert / f"{task}_fold-0" / "checkpoint-7").mkdir()
    checkpoint = read_checkpoint(bert / f"{task}_fold-0", task)
    assert checkpoint.folder.name == f"checkpoint-{number}" and checkpoint.targets == targets
    assert (checkpoint.pooling, checkpoint.occurrences, checkpoint.dropout) == ("anchor", "all-word-pieces", 0.1)
    assert checkpoint.encoder_name == "tiny-bert" and checkpoint.unused == ()


@pytest.mark.parametrize(
    ("variant", "pooling", "occurrences"),
    [
        ("include_all_true", "anchor", "all-word-pieces"),
        ("include_all_false", "anchor", "middle-word-pieces"),
        ("no_pooler_key", "anchor", "all-word-pieces"),
        ("mask_cls", "cls", "matched"),
        ("pooler", "pooler", "matched"),
    ],
)
def test_older_inits_and_other_poolings_are_understood(bert, variant, pooling, occurrences):
    folder = bert / "adamant_fold-0"
    shutil.copyfile(VARIANTS / f"{variant}.pth", folder / "checkpoint-50" / "init.pth")
    checkpoint = read_checkpoint(folder, "adamant")
    assert (checkpoint.pooling, checkpoint.occurrences) == (pooling, occurrences)


def test_another_checkpoint_can_be_chosen(bert):
    folder = bert / "other_fold-0"
    shutil.copytree(folder / "checkpoint-350", folder / "checkpoint-9")
    assert read_checkpoint(folder, "other", 9).folder.name == "checkpoint-9"
    with pytest.raises(UsageError, match="expected checkpoint-8, found checkpoint-350, checkpoint-9"):
        read_checkpoint(folder, "other", 8)


def test_without_best_model_the_only_checkpoint_is_taken(bert):
    folder = bert / "other_fold-0"
    (folder / "best_model.json").unlink()
    assert read_checkpoint(folder, "other").folder.name == "checkpoint-350"
    (folder / "checkpoint-9").mkdir()
    with pytest.raises(
        UsageError, match=r"expected best_model\.json, which names the checkpoint, found none and .*-350"
    ):
        read_checkpoint(folder, "other")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"0": {"steps": "350"}}', '{"0": {"steps": 1}, "1": {"steps": 2}}']
)
def test_a_broken_best_model_is_named(bert, content):
    (bert / "other_fold-0" / "best_model.json").write_text(content)
    with pytest.raises(UsageError, match=r"best_model\.json: expected"):
        read_checkpoint(bert / "other_fold-0", "other")


@pytest.mark.parametrize("file", ["init.pth", "model.pth"])
def test_a_partial_download_names_the_missing_file(bert, file):
    (bert / "other_fold-0" / "checkpoint-350" / file).unlink()
    with pytest.raises(
        UsageError, match=rf"checkpoint-350/{file}: expected this file, found none; is the download complete"
    ):
        read_checkpoint(bert / "other_fold-0", "other")


def test_a_missing_checkpoint_is_named(bert):
    shutil.rmtree(bert / "other_fold-0" / "checkpoint-350")
    with pytest.raises(UsageError, match="expected checkpoint-350, found no checkpoint; is the download complete"):
        read_checkpoint(bert / "other_fold-0", "other")


def test_swapped_task_folders_are_named(bert):
    (bert / "adamant_fold-0").rename(bert / "moved")
    (bert / "other_fold-0").rename(bert / "adamant_fold-0")
    with pytest.raises(UsageError, match=r"init\.pth: expected the task adamant, found other: were folders swapped"):
        read_checkpoint(bert / "adamant_fold-0", "adamant")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            {"exclude": 0, "negative": 1, "neutral": 2, "positive": 3},
            "labels of other stand in another order than in init",
        ),
        ({"negative": 0, "neutral": 1, "positive": 2}, "these are the labels of compliance: were folders swapped"),
        ({"negative": 0, "neutral": 0, "positive": 2, "exclude": 3}, "expected the place of each label of other"),
        (None, "expected the place of each label of other"),
    ],
)
def test_a_targets_file_that_contradicts_the_checkpoint_is_named(bert, labels, message):
    (bert / "other_fold-0" / "targets.json").write_text(json.dumps({"task_class_2_id": {"other": labels}}))
    with pytest.raises(UsageError, match=rf"targets\.json: .*{message}"):
        read_checkpoint(bert / "other_fold-0", "other")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mask_type": "all"}, r"expected mask_type among keyword_all, .*, found 'all', which no pooling"),
        ({"mask_type": "none"}, ".*found 'none', which no pooling of this package stands for"),
        ({"mask_type": None}, "expected mask_type, or include_all in an older file, found neither"),
        ({"classifier_only": True}, "expected a fine-tuned encoder, found a head alone"),
        ({"task_targets": None}, "expected task_targets, found checkpoint, classifier_only"),
        (
            {"task_targets": {"other": {"a": 0}}},
            "expected the labels exclude, negative, neutral, positive of other, found a",
        ),
        (
            {"task_targets": {"adamant": {}, "other": {}}},
            "expected the task other, found adamant, other: .*several tasks",
        ),
        ({"p_dropout": 2}, "expected p_dropout from 0 up to but not including 1, found 2"),
        ({"p_dropout": "x"}, "expected a number, found str"),
    ],
)
def test_an_init_that_is_not_understood_is_named(bert, changes, message):
    rewrite_init(bert / "other_fold-0", **changes)
    with pytest.raises(UsageError, match=rf"init\.pth: {message}"):
        read_checkpoint(bert / "other_fold-0", "other")


def test_unknown_entries_of_an_init_are_reported(bert):
    rewrite_init(bert / "other_fold-0", weather="fair")
    assert read_checkpoint(bert / "other_fold-0", "other").unused == ("weather",)


def test_a_malicious_init_is_refused_by_name(bert):
    (bert / "other_fold-0" / "checkpoint-350" / "init.pth").write_bytes(b"\x80\x02cos\nsystem\n(Vtrue\ntR.")
    with pytest.raises(RefusedPickle, match=r"init\.pth: refused: it names os\.system"):
        read_checkpoint(bert / "other_fold-0", "other")
