"""Every family of encoders that is said to work does, and those that cannot are refused by name."""

import numpy as np
import pytest
import torch
import transformers
from packaging.version import Version
from transformers import AutoConfig, AutoModel

from encoder.tiny_encoders import FAMILIES, LABELS, MAX_LENGTH, WINDOWS, config_of, tiny_classifier, tokenizer_of
from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.tokenization import WindowTokenizer, pad

WITHOUT_POOLER = {"distilbert", "electra", "deberta", "deberta-v2", "modernbert", "eurobert", "nomic_bert", "roformer"}
WITHOUT_CHECKPOINTING = {"albert", "mpnet"}

# Transformers 5.4, the oldest that is supported, lacks the last and trips over its own types in the others.
RECENT = pytest.mark.skipif(Version(transformers.__version__) < Version("5.23"), reason="needs a newer transformers")
NEEDS_RECENT = {"big_bird", "eurobert", "nomic_bert"}

every_family = pytest.mark.parametrize(
    "family", [pytest.param(family, marks=[RECENT] if family in NEEDS_RECENT else []) for family in FAMILIES]
)


def largest_difference(some, others):
    return max(np.abs(a - b).max() for a, b in zip(some, others, strict=True))


def training_batch(model, family):
    rows = WindowTokenizer(tokenizer_of(family), model.config).encode(WINDOWS)
    arrays = pad(rows, tokenizer_of(family).pad_token_id)
    tasks = [list(LABELS).index(window.task) for window in WINDOWS]
    return {
        **{name: torch.from_numpy(array) for name, array in arrays.items()},
        "task_ids": torch.tensor(tasks),
        "labels": torch.tensor([place % 3 for place in range(len(WINDOWS))]),
    }


@every_family
def test_a_saved_model_answers_exactly_the_same(family, tmp_path):
    model, tokenizer = tiny_classifier(family), tokenizer_of(family)
    before = model.predict_proba(WINDOWS, tokenizer)
    model.save_pretrained(tmp_path)
    loaded, found = AnchorPooledClassifier.from_pretrained(tmp_path, output_loading_info=True)
    after = loaded.predict_proba(WINDOWS, tokenizer)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert not any(found[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert [len(row) for row in after] == [len(LABELS[window.task]) for window in WINDOWS]
    assert all(row.sum() == pytest.approx(1) for row in after)


@every_family
def test_padding_and_batch_size_change_nothing(family):
    model, tokenizer = tiny_classifier(family), tokenizer_of(family)
    alone = model.predict_proba(WINDOWS, tokenizer, batch_size=1)
    assert largest_difference(alone, model.predict_proba(WINDOWS, tokenizer, batch_size=len(WINDOWS))) < 1e-6
    assert largest_difference(alone, model.predict_proba(WINDOWS[::-1], tokenizer, batch_size=4)[::-1]) < 1e-6
    assert largest_difference(alone, [np.full_like(row, 1 / len(row)) for row in alone]) > 0.01


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning")
@every_family
def test_every_weight_learns_and_checkpointing_changes_no_loss(family):
    model = tiny_classifier(family, encoder_settings={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0})
    batch = training_batch(model, family)
    loss = model(**batch).loss
    loss.backward()
    gradients = {name: weight.grad for name, weight in model.named_parameters()}
    assert all(gradient is None or gradient.isfinite().all() for gradient in gradients.values())
    assert sum(gradient is not None and bool(gradient.any()) for gradient in gradients.values()) > 10
    if family in WITHOUT_CHECKPOINTING:
        with pytest.raises(ValueError, match="does not support .* checkpointing"):
            model.gradient_checkpointing_enable()
        return
    model.gradient_checkpointing_enable()
    # Checkpoints are made in training only; without dropout the loss must be the same.
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model.train()
    model.zero_grad()
    again = model(**batch).loss
    again.backward()
    assert model.is_gradient_checkpointing
    assert again.item() == pytest.approx(loss.item(), abs=1e-6)
    for name, weight in model.named_parameters():
        if gradients[name] is not None:
            torch.testing.assert_close(weight.grad, gradients[name], atol=1e-5, rtol=1e-3)


@every_family
def test_pooler_pooling_works_where_there_is_a_pooler_and_is_refused_elsewhere(family, tmp_path):
    if family in WITHOUT_POOLER:
        with pytest.raises(ValueError, match=f"expected an encoder with a pooler, found {family}; choose another"):
            tiny_classifier(family, pooling="pooler")
        return
    model, tokenizer = tiny_classifier(family, pooling="pooler"), tokenizer_of(family)
    before = model.predict_proba(WINDOWS, tokenizer)
    model.save_pretrained(tmp_path)
    after = AnchorPooledClassifier.from_pretrained(tmp_path).predict_proba(WINDOWS, tokenizer)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@every_family
def test_no_weights_are_carried_for_a_pooler_that_nobody_needs(family):
    assert not [name for name, _ in tiny_classifier(family).named_parameters() if "pooler" in name]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@every_family
def test_other_poolings_are_as_independent_of_padding(family, pooling):
    model, tokenizer = tiny_classifier(family, pooling=pooling), tokenizer_of(family)
    alone = model.predict_proba(WINDOWS, tokenizer, batch_size=1)
    assert largest_difference(alone, model.predict_proba(WINDOWS, tokenizer, batch_size=8)) < 1e-6


@every_family
def test_the_longest_window_is_the_longest_that_the_encoder_reads(family):
    tokenizer, config = tokenizer_of(family), AnchorPooledConfig(encoder_config=config_of(family), labels=LABELS)
    windows = WindowTokenizer(tokenizer, config)
    assert windows.max_length_tokens == MAX_LENGTH
    long = ContextWindow("compliance", "refused", "a b c " * 30 + "refused" + " d e f" * 30)
    (row,) = windows.encode([long])
    assert len(row.input_ids) == MAX_LENGTH
    (answer,) = tiny_classifier(family).predict_proba([long], tokenizer)
    assert np.isfinite(answer).all()


@pytest.mark.parametrize("family", ["bert", "roberta", "longformer", "mpnet", "data2vec-text", "distilbert"])
def test_one_more_token_would_be_too_many(family):
    """Families with a table of positions: the limit is not smaller than it has to be."""
    ids = torch.full((1, MAX_LENGTH), 7)
    encoder = AutoModel.from_config(config_of(family)).eval()
    encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
    ids = torch.full((1, MAX_LENGTH + 1), 7)
    with pytest.raises((RuntimeError, IndexError)):
        encoder(input_ids=ids, attention_mask=torch.ones_like(ids))


@RECENT
def test_big_bird_attends_to_all_words_however_many_there_are():
    """Its sparse attention depends on padding, and one short batch would switch it off for good."""
    sparse = {"attention_type": "block_sparse", "block_size": 4, "num_random_blocks": 2}
    settings = {**sparse, "max_position_embeddings": 400}
    model, tokenizer = tiny_classifier("big_bird", encoder_settings=settings), tokenizer_of("big_bird")
    windows = [
        ContextWindow("compliance", "refused", "a b c " * size + "refused" + " d e f" * size) for size in (5, 9, 30)
    ]
    alone = [model.predict_proba([window], tokenizer)[0] for window in windows[::-1]][::-1]
    assert largest_difference(alone, model.predict_proba(windows, tokenizer)) < 1e-6


@pytest.mark.parametrize(
    ("family", "reason"),
    [
        ("convbert", "found convbert, which mixes it into the words"),
        ("nystromformer", "found nystromformer, which mixes it into the words"),
        ("yoso", "found yoso, which mixes it into the words"),
        ("fnet", "found fnet, which mixes it into the words"),
        ("canine", "found canine, which mixes it into the words"),
        ("reformer", "found reformer, which mixes it into the words"),
        ("t5", "found t5, an encoder with a decoder"),
        ("bart", "found bart, an encoder with a decoder"),
        ("gpt2", "found gpt2, a decoder, whose words do not see what follows them"),
        ("llama", "found llama, a decoder, whose words do not see what follows them"),
        ("clip", "hidden_size in its configuration, found none in clip"),
        ("vit", "vocab_size in its configuration, found none in vit"),
    ],
)
def test_what_cannot_stand_below_a_classifier_is_refused_by_name(family, reason):
    config = AutoConfig.for_model(family)
    for make in (
        lambda: AnchorPooledConfig(encoder_config=config, labels=LABELS),
        lambda: AnchorPooledConfig(encoder_config=config.to_dict(), labels=LABELS),
        lambda: AnchorPooledClassifier.from_encoder(config, LABELS),
    ):
        with pytest.raises(ValueError, match=reason):
            make()


@pytest.mark.parametrize("family", ["convbert", "nystromformer", "yoso", "fnet"])
def test_refused_families_do_see_padding(family):
    """If one of these fails, the family has been mended and may be let in."""
    torch.manual_seed(0)
    encoder = AutoModel.from_config(config_of(family)).eval()
    ids = torch.randint(5, 300, (1, 12))
    padded = torch.cat([ids, torch.ones(1, 20, dtype=torch.long)], dim=1)
    mask = (torch.arange(32) < 12).long().unsqueeze(0)
    with torch.no_grad():
        alone = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        # FNet takes no mask at all.
        with_mask = {} if family == "fnet" else {"attention_mask": mask}
        beside = encoder(input_ids=padded, **with_mask).last_hidden_state[:, :12]
    assert (alone - beside).abs().max() > 1e-3
