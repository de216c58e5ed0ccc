import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM, pipeline

from encoder.tiny_encoders import LABELS, WINDOWS, config_of, tiny_classifier, tiny_encoder, tokenizer_of
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.tokenization import WindowTokenizer, pad
from stigma_hf.publishing import NotPublishable

TOKENIZER = tokenizer_of("bert")


def batch_of(model, windows=WINDOWS, labels=None):
    arrays = pad(WindowTokenizer(TOKENIZER, model.config).encode(windows), TOKENIZER.pad_token_id)
    batch = {name: torch.from_numpy(array) for name, array in arrays.items()}
    batch["task_ids"] = torch.tensor([list(LABELS).index(window.task) for window in windows])
    if labels is not None:
        batch["labels"] = torch.tensor(labels)
    return batch


def equal(some, others):
    return all(np.array_equal(a, b) for a, b in zip(some, others, strict=True))


# what it answers


def test_the_columns_of_other_tasks_are_impossible():
    model = tiny_classifier()
    probabilities = model(**batch_of(model)).logits.softmax(dim=1)
    assert probabilities.shape == (6, 10)
    columns = {"adamant": slice(0, 3), "compliance": slice(3, 6), "other": slice(6, 10)}
    for window, row in zip(WINDOWS, probabilities, strict=True):
        assert row[columns[window.task]].sum().item() == pytest.approx(1)
        assert (row > 0).sum() == len(LABELS[window.task])


def test_the_loss_is_the_weighted_cross_entropy_of_each_windows_own_task():
    weights = {"adamant": [0.5, 2.0, 1.0], "other": [1.0, 3.0, 0.2, 0.7]}
    model = tiny_classifier(class_weights=weights)
    labels = [2, 1, 3, 0, 1, 0]
    loss = model(**batch_of(model, labels=labels)).loss.item()
    losses, sizes = [], []
    for window, label, row in zip(WINDOWS, labels, model.predict_proba(WINDOWS, TOKENIZER), strict=True):
        weight = weights.get(window.task, [1.0, 1.0, 1.0])[label]
        losses.append(-weight * np.log(row[label]))
        sizes.append(weight)
    assert loss == pytest.approx(sum(losses) / sum(sizes), abs=1e-5)


def test_without_class_weights_every_label_counts_the_same():
    model, even = tiny_classifier(), tiny_classifier(class_weights={"adamant": [1.0, 1.0, 1.0]})
    labels = [0, 1, 2, 0, 1, 2]
    assert model(**batch_of(model, labels=labels)).loss == even(**batch_of(model, labels=labels)).loss


def test_a_model_of_one_task_needs_no_task_ids():
    model = tiny_classifier(labels={"adamant": LABELS["adamant"]})
    batch = batch_of(model, [WINDOWS[1], WINDOWS[3]])
    del batch["task_ids"]
    assert model(**batch).logits.shape == (2, 3)


def test_one_encoder_per_task_answers_with_its_own():
    model = tiny_classifier(shared_encoder=False)
    before = model.predict_proba(WINDOWS, TOKENIZER)
    with torch.no_grad():
        for weight in model.encoders["other"].parameters():
            weight.mul_(1.5)
    after = model.predict_proba(WINDOWS, TOKENIZER)
    for window, a, b in zip(WINDOWS, before, after, strict=True):
        assert np.array_equal(a, b) == (window.task != "other")


def test_one_encoder_per_task_keeps_the_rows_of_a_mixed_batch_in_order():
    model = tiny_classifier(shared_encoder=False)
    whole = model(**batch_of(model)).logits
    for place, window in enumerate(WINDOWS):
        torch.testing.assert_close(model(**batch_of(model, [window])).logits[0], whole[place], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("pooling", "absent", "message"),
    [
        ("anchor", "anchor_mask", "expected anchor_mask, which anchor pooling needs"),
        ("mean", "special_tokens_mask", "expected special_tokens_mask, which mean pooling needs"),
        ("anchor", "task_ids", "expected task_ids, for this model knows the tasks adamant, compliance, other"),
    ],
)
def test_an_input_that_is_missing_is_named(pooling, absent, message):
    model = tiny_classifier(pooling=pooling)
    batch = batch_of(model)
    del batch[absent]
    with pytest.raises(ValueError, match=message):
        model(**batch)


@pytest.mark.parametrize(
    ("labels", "found"),
    [([0, 0, 0, 3, 0, 0], "row 3: .* 0 to 2, found 3"), ([0, -100, 0, 0, 0, 0], "row 1: .* found -100")],
)
def test_a_label_outside_its_task_is_an_error_and_no_huge_loss(labels, found):
    model = tiny_classifier()
    with pytest.raises(ValueError, match=found):
        model(**batch_of(model, labels=labels))


def test_mean_pooling_leaves_special_tokens_and_padding_out():
    model = tiny_classifier(pooling="mean")
    batch = batch_of(model)
    hidden = model.encoders["shared"](batch["input_ids"], batch["attention_mask"]).last_hidden_state
    length = int(batch["attention_mask"][1].sum())
    pooled = hidden[1, 1 : length - 1].mean(dim=0)
    logits = model.heads["adamant"](pooled)
    torch.testing.assert_close(model(**batch).logits[1, :3], logits, atol=1e-5, rtol=1e-5)


def test_cls_pooling_takes_the_first_token():
    model = tiny_classifier(pooling="cls")
    batch = batch_of(model)
    first = model.encoders["shared"](batch["input_ids"], batch["attention_mask"]).last_hidden_state[:, 0]
    torch.testing.assert_close(model(**batch).logits[1, :3], model.heads["adamant"](first[1]))


# what it is made from


def test_an_encoder_keeps_its_weights_and_is_left_as_it_is():
    encoder = tiny_encoder()
    weights = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    model = AnchorPooledClassifier.from_encoder(encoder, LABELS, shared_encoder=False)
    for own in model.encoders.values():
        for name, weight in own.state_dict().items():
            assert torch.equal(weight, weights[name])
    with torch.no_grad():
        next(model.parameters()).zero_()
    assert all(torch.equal(weight, weights[name]) for name, weight in encoder.state_dict().items())


def test_the_encoder_of_a_model_with_another_head_is_taken():
    torch.manual_seed(0)
    masked = AutoModelForMaskedLM.from_config(config_of("bert"))
    model = AnchorPooledClassifier.from_encoder(masked, LABELS)
    taken = model.encoders["shared"].state_dict()
    assert all(torch.equal(weight, masked.bert.state_dict()[name]) for name, weight in taken.items())


def test_a_folder_gives_weights_and_a_name_without_its_path(tmp_path):
    tiny_encoder().save_pretrained(tmp_path / "private" / "my-encoder")
    model = AnchorPooledClassifier.from_encoder(tmp_path / "private" / "my-encoder", LABELS)
    assert model.config.base_model == "my-encoder"
    expected = tiny_encoder().state_dict()
    assert all(torch.equal(w, expected[name]) for name, w in model.encoders["shared"].state_dict().items())
    model.save_pretrained(tmp_path / "model")
    assert "private" not in (tmp_path / "model" / "config.json").read_text()


def test_a_configuration_gives_fresh_weights_and_a_name_can_be_given():
    model = AnchorPooledClassifier.from_encoder(config_of("bert"), LABELS, base_model="tiny-bert", pooling="cls")
    assert (model.config.base_model, model.config.pooling) == ("tiny-bert", "cls")
    assert AnchorPooledClassifier.from_encoder(config_of("bert"), LABELS).config.base_model is None


def test_an_encoder_in_half_precision_makes_a_model_in_half_precision():
    model = AnchorPooledClassifier.from_encoder(tiny_encoder().to(torch.bfloat16), LABELS)
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}


def test_fresh_heads_start_as_linear_layers_of_pytorch_do():
    torch.manual_seed(0)
    model = AnchorPooledClassifier.from_encoder(config_of("bert"), LABELS)
    for head in model.heads.values():
        bound = 1 / np.sqrt(16)
        assert head.weight.abs().max() <= bound
        assert head.bias.abs().max() > 0


def test_a_model_needs_an_encoder_and_labels():
    for config in (AnchorPooledConfig(), AnchorPooledConfig(encoder_config=config_of("bert"))):
        with pytest.raises(ValueError, match=r"expected a configuration with encoder_config and labels; from_encoder"):
            AnchorPooledClassifier(config)


# how it is saved and loaded


@pytest.fixture
def folder(tmp_path):
    tiny_classifier().save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_folder_holds_weights_and_configuration_and_no_code(folder):
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]
    config = json.loads((folder / "config.json").read_text())
    assert not {"auto_map", "custom_pipelines"} & set(config)
    assert "_name_or_path" not in config


@pytest.mark.parametrize("settings", [{"shared_encoder": False}, {"pooling": "pooler"}, {"pooling": "mean"}])
def test_every_kind_of_model_comes_back_with_equal_probabilities(settings, tmp_path):
    model = tiny_classifier(**settings)
    model.save_pretrained(tmp_path)
    loaded = AnchorPooledClassifier.from_pretrained(tmp_path)
    assert not loaded.training
    assert equal(loaded.predict_proba(WINDOWS, TOKENIZER), model.predict_proba(WINDOWS, TOKENIZER))


def test_a_weight_that_is_missing_is_named(folder):
    change_weights(folder, lambda weights: weights.pop("heads.adamant.bias"))
    with pytest.raises(ValueError, match=r"expected the weights of the model .* found no heads\.adamant\.bias$"):
        AnchorPooledClassifier.from_pretrained(folder)


def test_a_weight_too_many_is_named(folder):
    change_weights(folder, lambda weights: weights.update(surplus=torch.zeros(1)))
    with pytest.raises(ValueError, match="found unknown surplus$"):
        AnchorPooledClassifier.from_pretrained(folder)


@pytest.mark.parametrize("settings", [{}, {"ignore_mismatched_sizes": True}])
def test_a_weight_of_another_shape_is_named_with_both_shapes(folder, settings):
    change_weights(folder, lambda weights: weights.update({"heads.other.bias": torch.zeros(5)}))
    with pytest.raises(ValueError, match=r"found in another shape heads\.other\.bias \(5,\) for \(4,\)$"):
        AnchorPooledClassifier.from_pretrained(folder, **settings)


def test_weights_of_a_bare_encoder_are_not_filled_up_with_random_heads(folder):
    tiny_encoder().save_pretrained(folder.parent / "encoder")
    shutil.copy(folder.parent / "encoder" / "model.safetensors", folder)
    with pytest.raises(ValueError, match=r"found no encoders\.shared\..* and [0-9]+ more; unknown "):
        AnchorPooledClassifier.from_pretrained(folder)


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_a_broken_file_of_weights_is_named(folder, content):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100] if content is None else content)
    with pytest.raises(ValueError, match="expected weights in safetensors, found a broken file .*; copy it again"):
        AnchorPooledClassifier.from_pretrained(folder)


def test_a_folder_without_weights_is_an_error_that_names_the_file(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(OSError, match=r"no file named model\.safetensors"):
        AnchorPooledClassifier.from_pretrained(folder)


def test_what_was_loaded_is_told_to_those_who_ask(folder):
    model, found = AnchorPooledClassifier.from_pretrained(folder, output_loading_info=True)
    assert isinstance(model, AnchorPooledClassifier)
    assert not found["missing_keys"]


@pytest.mark.parametrize(
    "push",
    [
        lambda model, folder: model.push_to_hub("someone/model"),
        lambda model, folder: model.save_pretrained(folder, push_to_hub=True),
        lambda model, folder: model.save_pretrained(folder, True, None, True),
    ],
)
def test_no_way_of_pushing_is_open(push, tmp_path):
    with pytest.raises(NotPublishable):
        push(tiny_classifier(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


# how it computes


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_way_of_attention_reaches_the_encoder(folder, attention):
    model = AnchorPooledClassifier.from_pretrained(folder, attn_implementation=attention)
    assert model.encoders["shared"].config._attn_implementation == attention
    expected = AnchorPooledClassifier.from_pretrained(folder).predict_proba(WINDOWS, TOKENIZER)
    answers = model.predict_proba(WINDOWS, TOKENIZER)
    assert max(np.abs(a - b).max() for a, b in zip(answers, expected, strict=True)) < 1e-6


def test_the_way_of_attention_can_be_chosen_when_a_model_is_made():
    model = tiny_classifier(attn_implementation="eager")
    assert model.encoders["shared"].config._attn_implementation == "eager"


def test_a_way_of_attention_that_the_encoder_lacks_is_refused(tmp_path):
    tiny_classifier("deberta-v2").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="DebertaV2Model does not support"):
        AnchorPooledClassifier.from_pretrained(tmp_path, attn_implementation="sdpa")


def test_attention_is_the_fused_one_where_the_encoder_has_it(folder):
    assert AnchorPooledClassifier.from_pretrained(folder).encoders["shared"].config._attn_implementation == "sdpa"
    assert tiny_classifier().encoders["shared"].config._attn_implementation == "sdpa"
    assert tiny_classifier("deberta-v2").encoders["shared"].config._attn_implementation == "eager"


@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta-v2"])
def test_half_precision_gives_nearly_the_same_probabilities(family, tmp_path):
    tokenizer = tokenizer_of(family)
    model = tiny_classifier(family, shared_encoder=False)
    expected = model.predict_proba(WINDOWS, tokenizer)
    model.save_pretrained(tmp_path)
    loaded = AnchorPooledClassifier.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert {weight.dtype for weight in loaded.parameters()} == {torch.bfloat16}
    for half in (loaded, model.to(torch.bfloat16)):
        answers = half.predict_proba(WINDOWS, tokenizer)
        assert all(row.dtype == np.float32 and np.isfinite(row).all() for row in answers)
        assert all(row.sum() == pytest.approx(1, abs=1e-5) for row in answers)
        assert max(np.abs(a - b).max() for a, b in zip(answers, expected, strict=True)) < 0.15


def test_half_precision_survives_saving(tmp_path):
    model = tiny_classifier().to(torch.bfloat16)
    model.save_pretrained(tmp_path)
    loaded = AnchorPooledClassifier.from_pretrained(tmp_path)
    assert loaded.dtype == torch.bfloat16
    assert equal(loaded.predict_proba(WINDOWS, TOKENIZER), model.predict_proba(WINDOWS, TOKENIZER))


def test_a_pipeline_is_as_strict(folder):
    TOKENIZER.save_pretrained(folder)
    (answer,) = pipeline("stigma-classification", model=str(folder))("he refused")
    assert answer["label"] in LABELS["compliance"]
    change_weights(folder, lambda weights: weights.pop("heads.other.bias"))
    with pytest.raises(ValueError, match=r"found no heads\.other\.bias"):
        pipeline("stigma-classification", model=str(folder))
