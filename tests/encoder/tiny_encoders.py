"""Tiny encoders of many families with random weights, and tokenizers of each kind, all made on the spot."""

from functools import cache

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder.modeling import AnchorPooledClassifier

LABELS = {
    "adamant": ["difficult", "disbelief", "exclude"],
    "compliance": ["negative", "neutral", "positive"],
    "other": ["exclude", "negative", "neutral", "positive"],
}

WINDOWS = [
    ContextWindow("compliance", "refused", "patient was seen and refused labs this morning , then slept"),
    ContextWindow("adamant", "adamant", "adamant that he takes his pills"),
    ContextWindow(
        "other", "drug-seeking", "the note says drug-seeking behavior ; no other concern was raised by staff"
    ),
    ContextWindow("adamant", "insists", "she insists"),
    ContextWindow(
        "other", "lovely gentleman", "very pleasant and lovely gentleman with no complaints of any kind today"
    ),
    ContextWindow("compliance", "non-compliant", "he is non-compliant with his diet , was non-compliant before"),
]

_CORPUS = [window.context for window in WINDOWS] + [
    "the patient claims pain, declines help and refuses all medications.",
    "compliant with medication (per wife); adherence is good, she is a delightful lady.",
    "he was combative, agitated and belligerent; security was called at 5:10 am.",
    "unwilling to be seen by the nurse - argues that nobody listens to him!",
]

MAX_LENGTH = 40
"""Tokens of the longest window that the tiny encoders read."""

_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
_TRAINING = {"special_tokens": _SPECIAL, "show_progress": False}
_SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "initializer_range": 0.2,
}
_FROM_PAD = {"max_position_embeddings": MAX_LENGTH + 2}

FAMILIES: dict[str, dict] = {
    "bert": {},
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24},
    "electra": {"embedding_size": 8},
    "albert": {"embedding_size": 8},
    "mobilebert": {"embedding_size": 16, "intra_bottleneck_size": 8, "true_hidden_size": 8, "initializer_range": 0.02},
    "mpnet": _FROM_PAD,
    "roberta": _FROM_PAD,
    "xlm-roberta": _FROM_PAD,
    "xlm-roberta-xl": _FROM_PAD,
    "camembert": _FROM_PAD,
    "longformer": {**_FROM_PAD, "attention_window": [4, 4]},
    "data2vec-text": _FROM_PAD,
    "deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "deberta-v2": {
        "relative_attention": True,
        "pos_att_type": ["c2p", "p2c"],
        "position_buckets": 8,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
    },
    "modernbert": {},
    "eurobert": {"num_key_value_heads": 2, "head_dim": 8},
    "big_bird": {},
    "nomic_bert": {},
    "megatron-bert": {},
    "ernie": {},
    "rembert": {"input_embedding_size": 8, "output_embedding_size": 8},
    "roformer": {"embedding_size": 16},
}
"""What the small configuration of each family has beyond the usual sizes."""

TOKENIZER_OF = {
    **dict.fromkeys(["roberta", "longformer", "data2vec-text", "deberta"], "byte-bpe"),
    **dict.fromkeys(["modernbert", "eurobert"], "byte-bpe-untrimmed"),
    **dict.fromkeys(["albert", "xlm-roberta", "xlm-roberta-xl", "camembert", "deberta-v2", "rembert"], "unigram"),
}
"""Kind of tokenizer that a family has in real life; `wordpiece` where none is named."""

TOKENIZERS = ("wordpiece", "byte-bpe", "byte-bpe-prefix-space", "byte-bpe-untrimmed", "unigram")


@cache
def tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """A tokenizer of a kind, trained on a few sentences."""
    made = _wordpiece() if kind == "wordpiece" else _unigram() if kind == "unigram" else _byte_bpe(kind)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=10_000,
    )


def _template(made: Tokenizer) -> processors.PostProcessor:
    special = [(token, made.token_to_id(token)) for token in ("<s>", "</s>")]
    return processors.TemplateProcessing(single="<s> $A </s>", special_tokens=special)


def _wordpiece() -> Tokenizer:
    made = Tokenizer(models.WordPiece(unk_token="<unk>"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(_CORPUS, trainers.WordPieceTrainer(vocab_size=150, **_TRAINING))
    made.post_processor = _template(made)
    return made


def _byte_bpe(kind: str) -> Tokenizer:
    made = Tokenizer(models.BPE())
    prefix_space = kind == "byte-bpe-prefix-space"
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=350, initial_alphabet=alphabet, **_TRAINING)
    made.train_from_iterator(_CORPUS, trainer)
    made.decoder = decoders.ByteLevel()
    if kind == "byte-bpe-untrimmed":
        made.post_processor = _template(made)
    else:
        special = [(token, made.token_to_id(token)) for token in ("</s>", "<s>")]
        made.post_processor = processors.RobertaProcessing(*special, trim_offsets=True, add_prefix_space=prefix_space)
    return made


def _unigram() -> Tokenizer:
    made = Tokenizer(models.Unigram())
    metaspace = pre_tokenizers.Metaspace(prepend_scheme="always")
    # Pieces of real vocabularies do not mix letters and punctuation; later the text is only cut at spaces.
    made.pre_tokenizer = pre_tokenizers.Sequence([metaspace, pre_tokenizers.UnicodeScripts()])
    trainer = trainers.UnigramTrainer(vocab_size=110, unk_token="<unk>", **_TRAINING)
    made.train_from_iterator(_CORPUS, trainer)
    made.pre_tokenizer = metaspace
    made.post_processor = _template(made)
    return made


def config_of(family: str, **settings):
    """The configuration of a tiny encoder of a family."""
    pad_id = _SPECIAL.index("<pad>")
    sizes = {**_SIZES, "vocab_size": 400, "max_position_embeddings": MAX_LENGTH, "pad_token_id": pad_id}
    ids = {"bos_token_id": 0, "cls_token_id": 0, "eos_token_id": 2, "sep_token_id": 2}
    return AutoConfig.for_model(family, **{**sizes, **ids, **FAMILIES.get(family, {}), **settings})


def tokenizer_of(family: str) -> PreTrainedTokenizerFast:
    """The tokenizer that fits a family."""
    return tokenizer(TOKENIZER_OF.get(family, "wordpiece"))


def tiny_encoder(family: str = "bert", **settings):
    """An encoder of a family, the same one each time."""
    torch.manual_seed(0)
    return AutoModel.from_config(config_of(family, **settings))


def tiny_classifier(family: str = "bert", labels=None, encoder_settings=None, seed=0, **settings):
    """A classifier of all tasks on a tiny encoder, in evaluation mode, its answers well apart from each other."""
    torch.manual_seed(seed)
    config = config_of(family, **(encoder_settings or {}))
    model = AnchorPooledClassifier.from_encoder(config, labels or LABELS, **settings).eval()
    for head in model.heads.values():
        torch.nn.init.normal_(head.weight)
    return model
