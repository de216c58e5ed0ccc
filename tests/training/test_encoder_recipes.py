import pytest

from stigma_hf.errors import UsageError
from stigma_hf.training.arguments import training_arguments
from stigma_hf.training.recipes import PUBLISHED, EncoderRecipe, encoder_recipe_names, load_encoder_recipe


def test_there_is_a_recipe_for_every_published_row_and_for_newer_encoders():
    names = encoder_recipe_names()
    assert names[:8] == list(PUBLISHED)
    assert set(names[8:]) >= {"modernbert", "bioclinical-modernbert", "deberta-v3", "minilm", "tiny"}


@pytest.mark.parametrize("name", encoder_recipe_names())
def test_every_recipe_can_be_trained_by_a_stock_trainer(name, tmp_path):
    recipe = load_encoder_recipe(name)
    arguments = training_arguments(recipe, tmp_path, device="cpu")
    assert arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps == recipe.batch_size
    assert arguments.report_to == []
    assert not arguments.push_to_hub


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_rows_are_trained_as_published(name, tmp_path):
    recipe = load_encoder_recipe(name)
    is_clinical = name.startswith("clinical-bert")
    assert recipe.encoder == ("emilyalsentzer/Bio_ClinicalBERT" if is_clinical else "google-bert/bert-base-uncased")
    assert recipe.pooling == name.removeprefix("base-bert").removeprefix("clinical-bert").removeprefix("-") or "anchor"
    assert (recipe.occurrences, recipe.shared_encoder) == ("all-word-pieces", False)
    assert (recipe.batch_size, recipe.dropout, recipe.improvement, recipe.patience) == (16, 0.1, 0.01, 5)
    arguments = training_arguments(recipe, tmp_path, device="cpu")
    assert (arguments.learning_rate, arguments.lr_scheduler_type) == (5e-5, "constant")
    assert (arguments.optim, arguments.weight_decay, arguments.max_grad_norm) == ("adamw_torch", 1e-5, 0)
    assert (arguments.num_train_epochs, arguments.eval_steps, arguments.save_steps) == (10, 50, 50)
    assert arguments.seed == 42
    assert arguments.load_best_model_at_end


@pytest.mark.parametrize("name", ["modernbert", "bioclinical-modernbert", "deberta-v3"])
def test_newer_encoders_are_trained_as_encoders_are_today(name):
    recipe = load_encoder_recipe(name)
    assert recipe.shared_encoder and recipe.group_by_length and recipe.bf16_on_gpu
    assert recipe.occurrences == "matched"
    assert recipe.layer_decay < 1
    assert recipe.training["lr_scheduler_type"] == "linear" and recipe.training["warmup_steps"] > 0


def written(folder, text, name="own.yaml"):
    file = folder / name
    file.write_text(text)
    return file


def test_a_recipe_gives_only_what_differs_from_the_one_it_is_based_on(tmp_path):
    written(tmp_path, "based_on: base-bert\nbatch_size: 8\ntraining: {learning_rate: 1.0e-4}", "mine.yaml")
    recipe = load_encoder_recipe(written(tmp_path, "based_on: mine.yaml\ntitle: Mine\ntraining: {eval_steps: 10}"))
    assert (recipe.name, recipe.title, recipe.batch_size) == ("own", "Mine", 8)
    assert recipe.encoder == "google-bert/bert-base-uncased"
    assert recipe.training == {
        **load_encoder_recipe("base-bert").training,
        "learning_rate": 1e-4,
        "eval_steps": 10,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("based_on: own.yaml", "is based on itself, by way of .*own.yaml"),
        ("based_on: nothing", "expected a recipe file or one of base-bert, .*found 'nothing'"),
        (
            "title: A\nencoder: b\npoling: cls\nepochs: 3",
            "expected title, encoder and any of .*; found poling, epochs",
        ),
        ("title: A", "found no encoder"),
        ("- a", "expected a mapping, found list"),
        ("title: [", "expected YAML"),
        ("title: A\nencoder: b\ntraining: 3", "expected a mapping under training, found 3"),
        ("title: 1\nencoder: b", "expected text under title, found 1"),
        ("title: A\nencoder: 2", "under encoder, found 2"),
        ("title: A\nencoder: b\nbatch_size: 0", "expected a number from 1 on under batch_size, found 0"),
        ("title: A\nencoder: b\nbatch_size: 2.5", "expected a number from 1 on under batch_size, found 2.5"),
        ("title: A\nencoder: b\npatience: 0", "expected a number from 1 on under patience, found 0"),
        ("title: A\nencoder: b\nimprovement: -1", "expected a number from 0 on under improvement, found -1"),
        ("title: A\nencoder: b\nlayer_decay: 0", "expected a number above 0 and at most 1 under layer_decay, found 0"),
        ("title: A\nencoder: b\ntasks: [compliant]", "expected tasks among adamant, compliance, other"),
    ],
)
def test_what_is_not_a_recipe_is_refused(tmp_path, text, message):
    file = written(tmp_path, text)
    with pytest.raises(UsageError, match=message):
        load_encoder_recipe(file)


def test_an_unknown_recipe_is_refused_with_the_choices():
    with pytest.raises(UsageError, match="expected a recipe file or one of base-bert, .*tiny, found 'bert'"):
        load_encoder_recipe("bert")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("learning_rat", "expected fields of TrainingArguments under training, found 'learning_rat'"),
        ("per_device_train_batch_size", "per_device_train_batch_size is not given under training; use batch_size"),
        ("save_steps", "save_steps is not given under training; use eval_steps"),
        ("push_to_hub", "push_to_hub is not given under training; use nothing"),
        ("hub_model_id", "hub_model_id is not given under training; use nothing"),
    ],
)
def test_training_arguments_that_are_unknown_or_not_a_recipes_are_refused_by_name(tmp_path, field, message):
    recipe = EncoderRecipe("own", "Own", "encoder", training={field: 1})
    with pytest.raises(UsageError, match=f"recipe own: {message}"):
        training_arguments(recipe, tmp_path, device="cpu")


def test_a_training_argument_with_a_value_that_it_cannot_have_is_refused(tmp_path):
    recipe = EncoderRecipe("own", "Own", "encoder", training={"lr_scheduler_type": "zigzag"})
    with pytest.raises(UsageError, match="recipe own: .*zigzag'? is not a valid SchedulerType"):
        training_arguments(recipe, tmp_path, device="cpu")
