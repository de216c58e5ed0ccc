import shutil

import pytest
from release_copies import BERT, MAJORITY, STATISTICAL, TASKS, copy_of

from stigma_hf.conversion.layout import BASELINE_LAYOUTS, ENCODERS, find_released
from stigma_hf.errors import UsageError
from stigma_hf.released_models import RELEASED_MODELS

OF_STATISTICAL = [
    "mimic-iv-discharge_logistic-regression_context",
    "mimic-iv-discharge_logistic-regression_keyword-context",
    "mimic-iv-discharge_majority_keyword",
]


def names(models):
    return [model.name for model in models]


def test_the_table_holds_every_name_of_the_release():
    in_table = {f"mimic-iv-discharge_{layout.suffix}" for layout in BASELINE_LAYOUTS} | set(ENCODERS)
    assert in_table == {model.name for model in RELEASED_MODELS}


@pytest.mark.parametrize(
    "deeper", ["", "models", "resources/models", "physionet.org/files/x/1.0.0/data/resources/models"]
)
def test_the_release_is_found_however_deep_it_lies(release, tmp_path, deeper):
    root = tmp_path / "download" / deeper
    root.parent.mkdir(parents=True, exist_ok=True)
    root.symlink_to(release) if not deeper else shutil.copytree(release / MAJORITY, root / MAJORITY)
    found = find_released(tmp_path / "download")
    expected = (
        ["mimic-iv-discharge_majority_overall"]
        if deeper
        else [BERT, *OF_STATISTICAL, "mimic-iv-discharge_majority_overall"]
    )
    assert names(found) == sorted(expected)
    assert all(list(model.folders) == list(TASKS) and model.fold == 0 for model in found)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (BERT, [BERT]),
        (f"{BERT}/other_fold-0", [BERT]),
        (STATISTICAL, OF_STATISTICAL),
        (f"{STATISTICAL}/tokens_tfidf", OF_STATISTICAL[:1]),
        (f"{STATISTICAL}/keyword_tokens_tfidf/linear", OF_STATISTICAL[1:2]),
        (f"{STATISTICAL}/keyword/linear/adamant_fold-0", OF_STATISTICAL[2:]),
        (MAJORITY, ["mimic-iv-discharge_majority_overall"]),
    ],
)
def test_a_part_of_the_release_is_recognised_by_what_is_around_it(release, part, expected):
    found = find_released(release / part)
    assert names(found) == expected
    assert {task for model in found for task in model.folders} <= set(TASKS)
    assert all(model.root.parent.samefile(release) for model in found)


def test_only_the_tasks_that_are_there_are_found(bert):
    shutil.rmtree(bert / "compliance_fold-0")
    (model,) = find_released(bert)
    assert list(model.folders) == ["adamant", "other"]


def test_one_of_several_folds_has_to_be_chosen(majority):
    folder = majority / "keyword" / "majority"
    copy_of(folder / "other_fold-0", folder / "other_fold-3")
    with pytest.raises(UsageError, match="expected one fold, found 0, 3; choose one with --fold"):
        find_released(majority)
    (model,) = find_released(majority, fold=3)
    assert list(model.folders) == ["other"] and model.fold == 3
    with pytest.raises(UsageError, match="expected fold 1, found 0, 3"):
        find_released(majority, fold=1)


def test_models_of_ones_own_training_keep_their_name(majority, bert):
    (own,) = find_released(majority.rename(majority.with_name("my-baseline")))
    assert own.name == "my-baseline_majority_overall"
    (own,) = find_released(bert.rename(bert.with_name("my-bert")))
    assert own.name == "my-bert" and own.title == "Encoder of my-bert"


def test_other_models_beside_the_released_ones_are_left_alone(statistical):
    copy_of(statistical / "keyword" / "linear", statistical / "keyword" / "random_forest")
    assert names(find_released(statistical)) == OF_STATISTICAL


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "expected a folder with released models, found none; give the folder the release"),
        (lambda path: path.mkdir(), "expected released models, folders such as .*adamant_fold-0, found none"),
        (lambda path: path.write_text("x"), "expected a folder with released models, found none"),
        (lambda path: (path / "adamant_fold-0").mkdir(parents=True), "expected released models, .* found none"),
        (
            lambda path: (path.mkdir(), (path / f"{BERT}.tar.gz").touch()),
            r"found none; unpack mimic-iv-discharge_clinical-bert\.tar\.gz first",
        ),
    ],
)
def test_a_wrong_folder_says_what_was_expected(tmp_path, make, message):
    make(tmp_path / "source")
    with pytest.raises(UsageError, match=message):
        find_released(tmp_path / "source")


def test_an_archive_is_to_be_unpacked_first(tmp_path):
    (tmp_path / "models.zip").touch()
    with pytest.raises(UsageError, match="found a file; unpack the archive first"):
        find_released(tmp_path / "models.zip")
