import pytest
from transformers import BertConfig

from stigma_hf.errors import UsageError
from stigma_hf.lexicon import Lexicon
from stigma_hf.training.starting_point import encoder_and_tokenizer, invented_tokenizer
from training.small_spans import ENCODER, NOTE_WORD


def test_a_configuration_gives_an_encoder_with_fresh_weights_and_a_tokenizer_that_fits():
    config, tokenizer = encoder_and_tokenizer(ENCODER)
    assert isinstance(config, BertConfig)
    assert config.vocab_size == len(tokenizer) <= ENCODER["vocab_size"]
    assert config.pad_token_id == tokenizer.pad_token_id
    assert tokenizer.model_max_length == ENCODER["max_position_embeddings"]


def test_a_name_gives_the_encoder_and_its_own_tokenizer():
    encoder, tokenizer = encoder_and_tokenizer("all-MiniLM-L6-v2")
    assert encoder == "all-MiniLM-L6-v2"
    assert len(tokenizer) == 30522


@pytest.mark.parametrize("settings", [{"hidden_size": 16}, {"model_type": "perceptron"}])
def test_a_configuration_of_an_unknown_kind_is_refused(settings):
    with pytest.raises(UsageError, match="expected the model_type of an encoder that transformers knows, found"):
        encoder_and_tokenizer(settings)


def test_frequent_words_are_whole_and_all_others_are_spelled_out():
    tokenizer = invented_tokenizer(4096, 512)
    assert tokenizer.tokenize("Patient refused; well-groomed, é") == [
        "patient",
        "refused",
        ";",
        "well",
        "-",
        "groomed",
        ",",
        "e",
    ]
    spelled = tokenizer.tokenize(NOTE_WORD)
    assert spelled == ["z", *(f"##{character}" for character in NOTE_WORD[1:])]
    for anchors in Lexicon.default().anchors.values():
        for anchor in anchors:
            assert tokenizer.unk_token not in tokenizer.tokenize(anchor)
