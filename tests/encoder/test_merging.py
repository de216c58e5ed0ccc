import json

import numpy as np
import pytest
import torch
import typer
from transformers import AutoConfig
from typer.testing import CliRunner

from encoder.tiny_encoders import LABELS, WINDOWS, tiny_classifier, tokenizer, tokenizer_of
from stigma_hf.cli.encoders import merge
from stigma_hf.encoder.merging import merge_checkpoints, merge_models
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.pretrained import load_tokenizer
from stigma_hf.errors import UsageError

TOKENIZER = tokenizer_of("bert")
TASKS = list(LABELS)


def single(task, seed=0, **settings):
    return tiny_classifier(labels={task: LABELS[task]}, seed=seed, **settings)


def singles(**settings):
    return {task: single(task, seed, **settings) for seed, task in enumerate(TASKS)}


def answers_of(models):
    """What each model answers for the windows of its own tasks."""
    return [
        next(model for model in models if window.task in model.tasks).predict_proba([window], TOKENIZER)[0]
        for window in WINDOWS
    ]


def save(models, root, kind="wordpiece"):
    for name, model in models.items():
        model.save_pretrained(root / name)
        tokenizer(kind).save_pretrained(root / name)
    return [root / name for name in models]


def test_every_probability_stays_as_it_was(tmp_path):
    models = singles()
    folders = save(models, tmp_path)
    merged = merge_checkpoints(folders, tmp_path / "merged")
    loaded = AnchorPooledClassifier.from_pretrained(tmp_path / "merged")
    kept = load_tokenizer(str(tmp_path / "merged"))
    for model in (merged, loaded):
        assert model.tasks == TASKS
        assert not model.config.shared_encoder
        for window, before in zip(WINDOWS, answers_of(models.values()), strict=True):
            assert np.array_equal(model.predict_proba([window], kept)[0], before)


def test_models_of_several_tasks_merge_whether_their_encoder_was_shared_or_not():
    for shared_encoder in (True, False):
        two = tiny_classifier(labels={task: LABELS[task] for task in TASKS[:2]}, seed=1, shared_encoder=shared_encoder)
        with torch.no_grad():
            for weight in two.encoders[list(two.encoders)[-1]].parameters():
                weight.mul_(1.1)
        models = {"two": two, "one": single("other", seed=2)}
        merged = merge_models(models)
        for window, before in zip(WINDOWS, answers_of(models.values()), strict=True):
            assert np.array_equal(merged.predict_proba([window], TOKENIZER)[0], before)


def test_the_given_models_are_left_as_they_are():
    models = singles()
    merged = merge_models(models)
    with torch.no_grad():
        for weight in merged.parameters():
            weight.zero_()
    assert all(bool(weight.any()) for weight in models["adamant"].heads.parameters())


def test_settings_class_weights_and_records_are_kept():
    models = singles(pooling="mean", window_words=5, max_length_tokens=30, provenance={"source": "synthetic"})
    models["adamant"].config.class_weights = {"adamant": [1.0, 2.0, 3.0]}
    models["adamant"].config.training = {"tasks": {"adamant": {"spans": {"train": 7}}}, "recipe": "tiny"}
    config = merge_models(models).config
    assert (config.pooling, config.window_words, config.max_length_tokens) == ("mean", 5, 30)
    assert config.class_weights == {"adamant": [1.0, 2.0, 3.0]}
    assert config.provenance == {"source": "synthetic"}
    assert config.training["tasks"] == {"adamant": {"spans": {"train": 7}}}
    assert [part["tasks"] for part in config.training["merged_from"]] == [["adamant"], ["compliance"], ["other"]]
    assert config.training["merged_from"][0]["training"]["recipe"] == "tiny"


def test_all_sources_are_named_where_they_differ():
    models = singles()
    for task, source in zip(TASKS, ("synthetic", "mimic-iv", "synthetic"), strict=True):
        models[task].config.provenance = {"source": source, "notes": task}
    provenance = merge_models(models).config.provenance
    assert provenance["source"] == "synthetic and mimic-iv"
    assert provenance["merged_from"][1] == {
        "tasks": ["compliance"],
        "provenance": {"source": "mimic-iv", "notes": "compliance"},
    }


@pytest.mark.parametrize("unknown", [None, {}, {"notes": 3}])
def test_where_one_source_is_unknown_all_are(unknown):
    models = singles(provenance={"source": "synthetic"})
    models["other"].config.provenance = unknown
    assert merge_models(models).config.provenance is None


def test_names_are_kept_where_all_have_the_same():
    models = singles(title="Ours", base_model="some/encoder")
    config = merge_models(models).config
    assert (config.title, config.base_model) == ("Ours", "some/encoder")
    models["other"].config.title = models["other"].config.base_model = "another"
    config = merge_models(models).config
    assert (config.title, config.base_model) == ("Anchor-pooled classifier", None)


@pytest.mark.parametrize(
    ("other", "differing"),
    [
        ({"pooling": "cls"}, "pooling"),
        ({"occurrences": "all"}, "occurrences"),
        ({"window": "released-api"}, "window"),
        ({"window_words": 5}, "window_words"),
        ({"max_length_tokens": 30}, "max_length_tokens"),
        ({"encoder_settings": {"num_hidden_layers": 1}}, "encoder.num_hidden_layers"),
        ({"encoder_settings": {"hidden_act": "relu"}}, "encoder.hidden_act"),
        ({"family": "distilbert"}, "encoder.activation, .* and [0-9]+ more"),
    ],
)
def test_models_that_do_not_fit_together_are_refused_with_what_differs(other, differing):
    models = {"first": single("adamant"), "second": single("other", **other)}
    with pytest.raises(UsageError, match=f"found first and second with other values of {differing}$"):
        merge_models(models)


def test_precisions_are_not_mixed():
    models = {"first": single("adamant"), "second": single("other").to(torch.bfloat16)}
    with pytest.raises(UsageError, match="other values of dtype"):
        merge_models(models)
    halves = {name: model.to(torch.bfloat16) for name, model in models.items()}
    assert merge_models(halves).dtype == torch.bfloat16


def test_a_task_that_comes_twice_is_refused():
    with pytest.raises(UsageError, match="expected models of different tasks, found 'adamant' in first and second"):
        merge_models({"first": single("adamant"), "second": single("adamant", seed=1)})


def test_one_model_is_nothing_to_merge():
    with pytest.raises(UsageError, match="expected two or more models to merge, found 1"):
        merge_models({"first": single("adamant")})


def test_other_tokenizers_are_refused(tmp_path):
    (first,) = save({"first": single("adamant")}, tmp_path)
    (second,) = save({"second": single("other")}, tmp_path, kind="byte-bpe")
    with pytest.raises(UsageError, match="the same tokenizer, found different ones in .*first and .*second"):
        merge_checkpoints([first, second], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_what_is_no_model_of_this_kind_is_named(tmp_path):
    (first,) = save({"first": single("adamant")}, tmp_path)
    AutoConfig.for_model("bert").save_pretrained(tmp_path / "bert")
    for wrong in (tmp_path / "bert", tmp_path / "nowhere"):
        with pytest.raises(UsageError, match=f"{wrong.name}: cannot be loaded"):
            merge_checkpoints([first, wrong], tmp_path / "merged")
    with pytest.raises(UsageError, match="first: named twice"):
        merge_checkpoints([first, first], tmp_path / "merged")


@pytest.fixture
def command():
    app = typer.Typer()
    app.command()(merge)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_writes_a_model(command, tmp_path):
    folders = save(singles(provenance={"source": "synthetic"}), tmp_path)
    result = command(*folders, "--out", tmp_path / "merged")
    assert result.exit_code == 0, result.output
    assert "adamant, compliance, other; source synthetic" in result.output
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["shared_encoder"] is False


def test_the_command_says_what_does_not_fit_and_writes_nothing(command, tmp_path):
    folders = save({"a": single("adamant"), "b": single("adamant")}, tmp_path)
    result = command(*folders, "--out", tmp_path / "merged")
    assert result.exit_code == 1
    assert "expected models of different tasks" in result.output
    assert not (tmp_path / "merged").exists()
