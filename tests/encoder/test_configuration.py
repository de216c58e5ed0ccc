import json
from typing import get_args

import pytest
from transformers import AutoConfig

from encoder.tiny_encoders import LABELS, config_of, tiny_encoder
from stigma_hf.encoder.configuration import WINDOWS, AnchorPooledConfig
from stigma_hf.search import Window


def make(**settings):
    return AnchorPooledConfig(**{"encoder_config": config_of("bert"), "labels": LABELS, **settings})


def test_every_field_comes_back_from_its_file(tmp_path):
    config = make(
        base_model="some/encoder",
        pooling="mean",
        occurrences="all",
        shared_encoder=False,
        dropout=0.2,
        class_weights={"adamant": [1.0, 2.0, 0.5]},
        max_length_tokens=32,
        window="released-api",
        window_words=5,
        title="A title",
        provenance={"source": "synthetic"},
        training={"recipe": "tiny"},
    )
    config.save_pretrained(tmp_path)
    loaded = AnchorPooledConfig.from_pretrained(tmp_path)
    before, after = config.to_dict(), loaded.to_dict()
    # Only the folder it was read from may be added.
    assert {k: v for k, v in after.items() if k != "_name_or_path"} == {
        k: v for k, v in before.items() if k != "_name_or_path"
    }
    assert type(loaded.encoder_config) is type(config.encoder_config)


@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta-v2", "distilbert", "longformer"])
def test_the_encoder_is_rebuilt_from_the_file_alone(family, tmp_path):
    make(encoder_config=config_of(family)).save_pretrained(tmp_path)
    rebuilt = AnchorPooledConfig.from_pretrained(tmp_path).encoder_config
    assert rebuilt.to_dict() == make(encoder_config=config_of(family)).encoder_config.to_dict()


def test_no_path_of_an_encoder_is_saved(tmp_path):
    tiny_encoder("bert").save_pretrained(tmp_path / "secret-project" / "encoder")
    encoder_config = AutoConfig.from_pretrained(tmp_path / "secret-project" / "encoder")
    make(encoder_config=encoder_config).save_pretrained(tmp_path / "model")
    assert "secret-project" not in (tmp_path / "model" / "config.json").read_text()
    assert encoder_config.name_or_path, "the caller's own configuration is left as it is"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pooling": "max"}, "expected pooling among anchor, cls, mean, pooler, found 'max'"),
        ({"occurrences": "first"}, "expected occurrences among matched, all, .* found 'first'"),
        ({"window": "sentence"}, "expected window among trained, released-api, found 'sentence'"),
        ({"window_words": -1}, "expected window_words from 0 on, found -1"),
        ({"dropout": 1.0}, "expected dropout from 0 up to but not including 1, found 1.0"),
        ({"max_length_tokens": 0}, "expected max_length_tokens from 1 on, found 0"),
        ({"labels": {"adamant": ["only"]}}, "two or more different labels for 'adamant', found only"),
        ({"labels": {"adamant": ["a", "a"]}}, "two or more different labels for 'adamant', found a, a"),
        ({"class_weights": {"elsewhere": [1.0]}}, "class weights for the tasks adamant, .* found 'elsewhere'"),
        ({"class_weights": {"adamant": [1.0, 2.0]}}, "expected 3 class weights for 'adamant', found 2"),
        ({"class_weights": {"adamant": [1.0, 2.0, float("inf")]}}, "class weights from 0 on for 'adamant'"),
        ({"class_weights": {"adamant": [1.0, 2.0, -1.0]}}, "class weights from 0 on for 'adamant'"),
        ({"encoder_config": {"model_type": "no-such"}}, "model_type of an encoder .* found 'no-such'"),
        ({"encoder_config": {"hidden_size": 16}}, "model_type of an encoder .* found None"),
    ],
)
def test_values_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)


def test_what_is_written_is_readable_json_with_the_label_order(tmp_path):
    make().save_pretrained(tmp_path)
    written = json.loads((tmp_path / "config.json").read_text())
    assert written["labels"] == LABELS
    assert written["model_type"] == "stigma-anchor-pooled"
    assert "auto_map" not in written


def test_windows_are_those_that_the_search_cuts():
    assert get_args(Window) == WINDOWS
