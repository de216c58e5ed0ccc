"""What training starts from: a pretrained encoder, or one of fresh weights with a vocabulary of invented sentences."""

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import CONFIG_MAPPING, PreTrainedTokenizerFast

from stigma_hf.encoder.pretrained import load_tokenizer
from stigma_hf.errors import UsageError
from stigma_hf.lexicon import Lexicon
from stigma_hf.tasks import RESOURCES

_SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_DEFAULT_VOCABULARY = 4096


def encoder_and_tokenizer(encoder: str | Mapping[str, Any]) -> tuple[Any, Any]:
    """What `AnchorPooledClassifier.from_encoder` takes, and the tokenizer.

    Args:
        encoder: A pretrained encoder by folder, hub id or packaged name; or the configuration of one with fresh
            weights.

    Raises:
        UsageError: If there is no such encoder, its tokenizer is not a fast one, or the configuration is not one.
    """
    if isinstance(encoder, str):
        return encoder, load_tokenizer(encoder)
    settings = dict(encoder)
    kind = settings.pop("model_type", None)
    if kind not in CONFIG_MAPPING:
        raise UsageError(f"expected the model_type of an encoder that transformers knows, found {kind!r}")
    positions = settings.get("max_position_embeddings", 512)
    tokenizer = invented_tokenizer(settings.pop("vocab_size", _DEFAULT_VOCABULARY), positions)
    ids = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    return CONFIG_MAPPING[kind](**{**settings, **ids}), tokenizer


def invented_tokenizer(vocabulary_size: int, max_length_tokens: int) -> PreTrainedTokenizerFast:
    """A tokenizer of the most frequent words in the invented sentences of the package; other words are spelled out.

    A vocabulary is part of a model and may be shared with it, and so it must not be made from notes. Words are counted
    here, for the trainers of `tokenizers` draw lots between pieces that are equally frequent.

    Args:
        vocabulary_size: Most pieces it may have.
        max_length_tokens: Longest text, in tokens.
    """
    characters = sorted(set(string.printable.lower()) - set(string.whitespace))
    pieces = [*_SPECIAL.values(), *characters, *(f"##{character}" for character in characters)]
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words = Counter(
        word for text in _invented_texts() for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))
    )
    frequent = sorted(words.keys() - set(pieces), key=lambda word: (-words[word], word))
    vocabulary = {piece: place for place, piece in enumerate([*pieces, *frequent][:vocabulary_size])}
    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token=_SPECIAL["unk_token"]))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.decoder = decoders.WordPiece()
    marks = [(mark, vocabulary[mark]) for mark in (_SPECIAL["cls_token"], _SPECIAL["sep_token"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=max_length_tokens, **_SPECIAL)


def _invented_texts() -> Iterator[str]:
    """The anchors, and the sentences of the synthetic corpus without their slots."""
    for anchors in Lexicon.default().anchors.values():
        yield from anchors
    for file in sorted((RESOURCES / "sentences").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".txt"):
            for line in file.read_text(encoding="utf-8").splitlines():
                if not line.startswith("#"):
                    yield re.sub(r"\{\w+\}|[<>|\[\]]", " ", line)
