import json
import shutil

import numpy as np
import pytest
import torch
from recordings import PARITY
from release_copies import BERT, ENCODER
from safetensors import SafetensorError
from safetensors.torch import load_file

from stigma_hf.context_window import ContextWindow
from stigma_hf.conversion.convert import convert
from stigma_hf.conversion.encoder_source import load_source
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.opening import open_classifier
from stigma_hf.errors import UsageError

VARIANTS = PARITY / "bert" / "init_variants"


@pytest.fixture
def adamant(bert):
    """Clinical BERT of one task, which is faster."""
    for other in ("compliance_fold-0", "other_fold-0"):
        shutil.rmtree(bert / other)
    return bert


@pytest.fixture
def encoder(tmp_path):
    return shutil.copytree(ENCODER, tmp_path / "encoder")


def rewrite_weights(root, change):
    """The weights of the only task, changed."""
    (path,) = root.glob("*/checkpoint-*/model.pth")
    weights = torch.load(path, weights_only=True)
    change(weights)
    path.unlink()  # It is a link to the weights that other tests use.
    torch.save(weights, path)


def rewrite_config(encoder, **changes):
    path = encoder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("variant", sorted(path.stem for path in VARIANTS.glob("*.pth")))
def test_every_variant_of_init_repeats_its_recorded_predictions(adamant, tmp_path, variant):
    shutil.copyfile(VARIANTS / f"{variant}.pth", adamant / "adamant_fold-0" / "checkpoint-50" / "init.pth")
    kind = json.loads((VARIANTS / "expected_variant.json").read_text())[f"{variant}.pth"]
    spans = {}
    for line in (PARITY / "baseline" / "unseen.jsonl").read_text().splitlines():
        span = json.loads(line)
        spans[span["task"], span["id"]] = span
    recorded = json.loads((PARITY / "bert" / "expected.json").read_text())["adamant"]
    answers = recorded["probabilities"] if kind == "keyword_all" else recorded["variants"][kind]["probabilities"]
    rows = [
        {
            "task": "adamant",
            "anchor": spans["adamant", number]["keyword"],
            "context": spans["adamant", number]["text"],
            "probabilities": dict(zip(recorded["labels"], probabilities, strict=True)),
        }
        for number, probabilities in zip(recorded["ids"], answers, strict=True)
    ]
    expected = tmp_path / "expected.jsonl"
    expected.write_text("\n".join(map(json.dumps, rows)))
    (model,) = convert(adamant, tmp_path / "out", encoder=ENCODER, expected=expected)
    (proof,) = [proof for proof in model.proofs if proof.against == "expected"]
    assert proof.windows == 102 and proof.max_difference < 5e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda w: w.pop("_bert._bert.encoder.layer.0.output.dense.bias"),
            r"1 missing \(encoder\.layer\.0\.output\.dense\.bias\)",
        ),
        (lambda w: w.update({"_bert._bert.encoder.extra": torch.ones(1)}), r"1 without a use \(encoder\.extra\)"),
        (
            lambda w: w.update({"_bert._bert.encoder.layer.1.x": torch.ones(1)}),
            r"num_hidden_layers 1 \(the weights have 2\)",
        ),
        (lambda w: w.update({"optimizer.step": torch.ones(1)}), "found 1 others: optimizer.step"),
        (
            lambda w: w.update({"_classifier._fc_layers.1.weight": torch.ones(3, 768)}),
            "found 1 others: _classifier._fc_layers.1",
        ),
        (
            lambda w: w.pop("_classifier._fc_layers.0.bias"),
            r"expected a head for 3 labels and vectors of 768 numbers, found",
        ),
        (
            lambda w: w.update({"_classifier._fc_layers.0.bias": torch.ones(4)}),
            r"expected a head for 3 labels .* found .*'bias': \(4,\)",
        ),
        (
            lambda w: w.update({"_bert._bert.embeddings.position_ids": torch.arange(512).flip(0)}),
            r"1 without a use \(embeddings\.position_ids\)",
        ),
        (
            lambda w: w.update({"_bert._bert.embeddings.LayerNorm.bias": torch.ones(3)}),
            r"expected embeddings\.LayerNorm\.bias to be real numbers of shape \(768,\), found \(3,\)",
        ),
        (
            lambda w: w["_bert._bert.embeddings.LayerNorm.bias"].fill_(float("nan")),
            "expected finite numbers under _bert",
        ),
    ],
)
def test_every_weight_has_its_place(adamant, tmp_path, change, message):
    rewrite_weights(adamant, change)
    with pytest.raises(UsageError, match=rf"model\.pth: .*{message}"):
        convert(adamant, tmp_path / "out", encoder=ENCODER)
    assert not list((tmp_path / "out").iterdir())


def test_a_pooler_that_is_used_must_be_there(adamant, tmp_path):
    shutil.copyfile(VARIANTS / "pooler.pth", adamant / "adamant_fold-0" / "checkpoint-50" / "init.pth")
    rewrite_weights(adamant, lambda weights: weights.pop("_bert._bert.pooler.dense.weight"))
    with pytest.raises(UsageError, match=r"1 missing \(pooler\.dense\.weight\)"):
        convert(adamant, tmp_path / "out", encoder=ENCODER)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab_size": 30522}, r"vocab_size 30,522 \(the weights have 800\)"),
        ({"hidden_size": 384}, r"hidden_size 384 \(the weights have 768\)"),
        ({"num_hidden_layers": 12}, r"num_hidden_layers 12 \(the weights have 1\)"),
        ({"intermediate_size": 3072}, r"intermediate_size 3,072 \(the weights have 128\)"),
        ({"max_position_embeddings": 128}, r"max_position_embeddings 128 \(the weights have 512\)"),
        ({"type_vocab_size": 1}, r"type_vocab_size 1 \(the weights have 2\)"),
        ({"vocab_size": 1, "num_hidden_layers": 3}, r"num_hidden_layers 3 .*, vocab_size 1 \("),
    ],
)
def test_a_configuration_that_does_not_fit_names_what_differs(adamant, encoder, tmp_path, changes, message):
    rewrite_config(encoder, **changes)
    with pytest.raises(UsageError, match=rf"encoder: expected the configuration .* {message}.*by --encoder"):
        convert(adamant, tmp_path / "out", encoder=str(encoder))


def test_a_configuration_of_another_architecture_is_refused(adamant, encoder, tmp_path):
    rewrite_config(encoder, model_type="distilbert", dim=768, n_layers=1, n_heads=12, hidden_dim=128)
    with pytest.raises(UsageError, match=r"another architecture than the weights: \d+ missing .*, \d+ without a use"):
        convert(adamant, tmp_path / "out", encoder=str(encoder))


def test_a_tokenizer_of_another_size_is_refused(adamant, encoder, tmp_path):
    for name in ("tokenizer.json", "special_tokens_map.json"):
        (encoder / name).unlink()
    with (encoder / "vocab.txt").open("a") as file:
        file.write("onetokenmore\n")
    with pytest.raises(
        UsageError, match=r"expected a tokenizer of 800 tokens \(vocab_size\), found one of 801; .*--tokenizer"
    ):
        convert(adamant, tmp_path / "out", encoder=str(encoder))


def test_a_tokenizer_may_be_elsewhere(adamant, encoder, tmp_path):
    only_config = tmp_path / "config"
    only_config.mkdir()
    shutil.copy(encoder / "config.json", only_config)
    (model,) = convert(adamant, tmp_path / "out", encoder=str(only_config), tokenizer=str(encoder))
    assert (model.folder / "tokenizer.json").is_file()


def test_a_vocabulary_alone_is_tokenizer_enough(encoder):
    """The encoder of clinical BERT has no tokenizer.json on the hub."""
    whole = load_source(str(encoder)).tokenizer
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (encoder / name).unlink()
    alone = load_source(str(encoder)).tokenizer
    text = "Pt isn't ADAMANT about dialysis; refuses (again) caf\u00e9 visits."
    assert alone(text)["input_ids"] == whole(text)["input_ids"]


def test_an_encoder_of_half_precision_keeps_the_released_weights(adamant, encoder, tmp_path):
    rewrite_config(encoder, torch_dtype="float16")
    (model,) = convert(adamant, tmp_path / "out", encoder=str(encoder))
    assert max(proof.max_difference for proof in model.proofs) < 5e-6


def test_a_full_disk_leaves_no_half_written_folder(adamant, tmp_path, monkeypatch):
    def full(self, folder, *args, **kwargs):
        (folder / "config.json").write_text("{")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(AnchorPooledClassifier, "save_pretrained", full)
    with pytest.raises(UsageError, match="cannot be written, and nothing of it is left: .*No space left on device"):
        convert(adamant, tmp_path / "out", encoder=ENCODER)
    assert not list((tmp_path / "out").iterdir())


def test_checkpoints_that_pool_differently_are_not_merged(bert, tmp_path):
    shutil.copyfile(VARIANTS / "mask_cls.pth", bert / "adamant_fold-0" / "checkpoint-50" / "init.pth")
    with pytest.raises(UsageError, match=r"pool alike, found adamant: cls, .*; compliance: anchor, .* one by one"):
        convert(bert, tmp_path / "out", encoder=ENCODER)


def test_the_head_is_in_our_label_order(converted, release):
    released = torch.load(
        release / BERT / "other_fold-0" / "checkpoint-350" / "model.pth", weights_only=True, map_location="cpu"
    )
    ours = load_file(converted[BERT].folder / "model.safetensors")
    order = [2, 0, 1, 3]  # exclude, negative, neutral, positive of negative, neutral, exclude, positive
    assert torch.equal(ours["heads.other.weight"], released["_classifier._fc_layers.0.weight"][order])
    assert torch.equal(ours["heads.other.bias"], released["_classifier._fc_layers.0.bias"][order])
    assert np.all([tensor.dtype == torch.float32 for tensor in ours.values()])


def test_an_anchor_without_tokens_is_an_error_that_names_the_item(converted):
    model, tokenizer = open_classifier(str(converted[BERT].folder))
    windows = [ContextWindow("adamant", "claims", "she claims"), ContextWindow("adamant", "claims", "nothing of it")]
    with pytest.raises(ValueError, match="item 1 .*expected the anchor"):
        model.predict_proba(windows, tokenizer)
