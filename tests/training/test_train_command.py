import json
import re

import pytest
import typer
import yaml
from transformers import pipeline
from typer.testing import CliRunner

from stigma_hf.cli.train import train
from training.small_spans import all_splits, small_recipe, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"), all_splits(48, 20, 12))


@pytest.fixture
def recipe(tmp_path):
    small = small_recipe(training={"max_steps": 4, "eval_steps": 4})
    file = tmp_path / "small.yaml"
    entries = {name: getattr(small, name) for name in ("title", "encoder", "batch_size", "training")}
    file.write_text(yaml.safe_dump(entries))
    return file


def run(*arguments):
    app = typer.Typer()
    app.command()(train)
    result = CliRunner().invoke(app, [*map(str, arguments), "--device", "cpu"])
    result.flat = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())
    return result


def test_a_model_is_trained_and_answers(data, recipe, tmp_path):
    result = run(recipe, "--data", data, "--out", tmp_path / "model")
    assert result.exit_code == 0, result.output
    for part in ("macro F1", "train", "validation", "test", "Credibility & Obstinacy", "Compliance", "Descriptors"):
        assert part in result.flat
    assert "SYNTHETIC: trained and scored on invented notes" in result.flat
    (span,) = pipeline("stigma-classification", model=str(tmp_path / "model"))("he claims pain")
    assert span["anchor"] == "claims"


def test_tasks_and_seed_are_chosen(data, recipe, tmp_path):
    out = tmp_path / "model"
    result = run(recipe, "--data", data, "--out", out, "--tasks", "other", "--tasks", "adamant", "--seed", 7)
    assert result.exit_code == 0, result.output
    config = json.loads((out / "config.json").read_text())
    assert set(config["labels"]) == {"adamant", "other"}
    assert config["training"]["seed"] == 7


def test_folds_are_trained_and_summed_up(data, recipe, tmp_path):
    out = tmp_path / "folds"
    result = run(recipe, "--data", data, "--out", out, "--folds", 2, "--fold", 1)
    assert result.exit_code == 0, result.output
    assert "the other folds are still to be trained" in result.flat
    result = run(recipe, "--data", data, "--out", out, "--folds", 2, "--resume")
    assert result.exit_code == 0, result.output
    assert "test macro F1" in result.flat and "fold 1" in result.flat
    assert {path.name for path in out.iterdir()} == {"fold-0", "fold-1", "cross_validation.json"}


def test_a_model_is_replaced_only_if_asked(data, recipe, tmp_path):
    arguments = (recipe, "--data", data, "--out", tmp_path / "model")
    assert run(*arguments).exit_code == 0
    result = run(*arguments)
    assert result.exit_code == 1 and "replace it with --overwrite" in result.flat
    assert "is finished" in run(*arguments, "--resume").flat
    assert run(*arguments, "--overwrite").exit_code == 0


def test_an_encoder_without_a_fast_tokenizer_is_refused(data, recipe, tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(small_recipe().encoder))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}')
    result = run(recipe, "--data", data, "--out", tmp_path / "model", "--encoder", folder)
    assert result.exit_code == 1
    assert "expected a fast tokenizer" in result.flat


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("oracle", "--data", "{data}"), "expected a recipe file or one of base-bert"),
        (("tiny", "--data", "{empty}"), "build-dataset"),
        (
            ("{recipe}", "--data", "{data}", "--encoder", "nobody/none"),
            "nobody/none: no encoder in a folder of this name",
        ),
        (("{recipe}", "--data", "{data}", "--tasks", "mood"), "expected tasks among adamant, compliance, other"),
        (("{recipe}", "--data", "{data}", "--fold", "5"), "expected a fold from 0 to 4, found 5"),
    ],
)
def test_mistakes_are_one_message(data, recipe, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    filled = [part.format(data=data, recipe=recipe, empty=tmp_path / "empty") for part in arguments]
    result = run(*filled, "--out", tmp_path / "model")
    assert result.exit_code == 1
    assert message in result.flat and "Traceback" not in result.output
    assert not (tmp_path / "model").exists()
