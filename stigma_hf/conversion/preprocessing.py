"""What the release does to text before it counts: windows, tokens, phrases."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigma_hf.baseline.phrases import PhraseLearner
from stigma_hf.baseline.segmentation import segmenter
from stigma_hf.baseline.tokenization import ClinicalTokenizer
from stigma_hf.conversion.fields import Fields
from stigma_hf.conversion.pickles import read_joblib
from stigma_hf.conversion.records import is_record_of, name_of
from stigma_hf.errors import UsageError

PREPROCESSING_FILE = "preprocessing.params.joblib"
TOKEN_SOURCES = ("tokens", "tokens_full")
"""The texts that phrases are learned from: without the anchor, and with it."""

_ORTH = 65  # spaCy's number for the text of a piece
_UNICODE = 32


@dataclass(frozen=True)
class Preprocessing:
    """How the models of one folder prepare a window.

    Attributes:
        window_words: Words on either side of an anchor.
        tokenizer: Cuts texts as the released tokenizer does.
        phrases: Per source of tokens, joins the phrases that were learned from it.
        removed_anchors: Anchors whose spans were left out of the training.
        different_rules: Kinds of rules by which the released tokenizer cuts text otherwise than ours; none for the
            versions of spaCy and medspaCy that ours was checked with.
    """

    window_words: int
    tokenizer: ClinicalTokenizer
    phrases: Mapping[str, PhraseLearner]
    removed_anchors: tuple[str, ...] = ()
    different_rules: tuple[str, ...] = ()


def read_preprocessing(folder: Path) -> Preprocessing:
    """How the models of a folder prepare a window.

    Raises:
        UsageError: If the file is not there, or holds what this package has no counterpart of.
    """
    path = folder / PREPROCESSING_FILE
    fields = Fields(PREPROCESSING_FILE, read_joblib(path))
    settings = Fields(f"{PREPROCESSING_FILE}: params", fields.take("params"))
    passes = settings.take("phraser_passes")
    window_words = settings.take("eval_target_context")
    if type(window_words) is not int or window_words < 0:
        raise UsageError(f"{path}: expected a window of so many words, found {name_of(window_words)}")
    removed = settings.take("eval_rm_keywords") or []
    if not isinstance(removed, list) or not all(isinstance(anchor, str) for anchor in removed):
        raise UsageError(f"{path}: expected eval_rm_keywords to be a list of anchors, found {name_of(removed)}")
    settings.finish()
    tokenizer, different_rules = _tokenizer(fields.take("tokenizer"))
    learned = fields.take("phrasers")
    if learned is None and not passes:
        phrases = {source: _no_phrases() for source in TOKEN_SOURCES}
    else:
        per_source = Fields(f"{PREPROCESSING_FILE}: phrasers", learned)
        phrases = {source: _phrases(source, per_source.take(source)) for source in TOKEN_SOURCES}
        per_source.finish()
    fields.finish()
    return Preprocessing(window_words, tokenizer, phrases, tuple(removed), different_rules)


def _tokenizer(record: Any) -> tuple[ClinicalTokenizer, tuple[str, ...]]:
    """The tokenizer with the settings of the released one, and in which kinds of rules the two differ."""
    fields = Fields.of(PREPROCESSING_FILE, record, "stigma.text_utils.Tokenizer")
    flags = {
        name: fields.take_one_of(f"_{name}", [True, False])
        for name in (
            "replace_numeric", "filter_numeric", "replace_punc", "filter_punc", "negate_handling", "preserve_case",
        )
    }  # fmt: skip
    different_rules = _different_rules(fields.take("_tokenizer"))
    fields.finish()
    tokenizer = ClinicalTokenizer(
        numbers="drop" if flags["filter_numeric"] else "replace" if flags["replace_numeric"] else "keep",
        punctuation="drop" if flags["filter_punc"] else "replace" if flags["replace_punc"] else "keep",
        join_negations=flags["negate_handling"],
        lowercase=not flags["preserve_case"],
    )
    return tokenizer, different_rules


def _different_rules(record: Any) -> tuple[str, ...]:
    """The kinds of rules by which the tokenizer in the file cuts text otherwise than this package."""
    language = Fields.of(PREPROCESSING_FILE, record, "spacy.lang.en.English")
    tokenizer = language.take("tokenizer")
    if not is_record_of(tokenizer, "spacy.tokenizer.Tokenizer") or len(tokenizer.args) < 5:
        raise UsageError(f"{PREPROCESSING_FILE}: expected a tokenizer of spaCy with rules, found {name_of(tokenizer)}")
    _, exceptions, prefix, suffix, infix, *others = tokenizer.args
    rules: Any = segmenter().rules
    is_same = {
        "prefixes": _pattern(prefix) == rules.prefix.__self__.pattern,
        "suffixes": _pattern(suffix) == rules.suffix.__self__.pattern,
        "infixes": _pattern(infix) == rules.infixes.__self__.pattern,
        "exceptions": _exceptions(exceptions) == dict(rules.exceptions),
        "tokens kept whole": not any(others),
    }
    return tuple(name for name, same in is_same.items() if not same)


def _pattern(method: Any) -> str | None:
    """The regular expression of a bound method of one."""
    if not is_record_of(method, "builtins.getattr") or not is_record_of(method.args[0], "re._compile"):
        return None
    pattern, flags = method.args[0].args
    return pattern if flags == _UNICODE else None


def _exceptions(rules: Any) -> dict[str, tuple[str, ...]] | None:
    """What each exception is cut into."""
    try:
        return {text: tuple(piece[_ORTH] for piece in pieces) for text, pieces in rules.items()}
    except (AttributeError, KeyError, TypeError):
        return None


def _phrases(source: str, record: Any) -> PhraseLearner:
    """The phrases of one source of tokens."""
    fields = Fields.of(f"{PREPROCESSING_FILE}: {source}", record, "stigma.text_utils.PhraseLearner")
    passes, tuples, scores = fields.take("_passes"), fields.take("_phrase_tuples"), fields.take("_phrase_scores")
    min_count, threshold = int(fields.take_number("_min_count")), fields.take_number("_threshold")
    fields.finish()
    for found in (tuples, scores):
        if type(passes) is not int or not isinstance(found, dict) or list(found) != list(range(passes)):
            raise UsageError(f"{fields.where}: expected phrases of each pass from 0 on, found others")
    learner = PhraseLearner(passes, min_count, threshold)
    learner.phrases_ = []
    for place in range(passes):
        learner.phrases_.append(_phrases_of_pass(f"{fields.where}: pass {place}", tuples[place], scores[place]))
    return learner


def _phrases_of_pass(where: str, tuples: Any, scores: Any) -> list[tuple[str, str, float]]:
    """The phrases of one pass, best first, each with its score; words are not shown in messages."""
    if not isinstance(tuples, dict) or not isinstance(scores, dict) or list(tuples) != list(scores):
        raise UsageError(f"{where}: expected a score for each phrase, found others")
    found = []
    for number, (pair, joined) in enumerate(tuples.items()):
        is_pair = isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(token, str) for token in pair)
        if not is_pair or joined != f"{pair[0]} {pair[1]}":
            raise UsageError(f"{where}: expected phrase {number} to be two tokens with a blank between, found another")
        score = Fields(f"{where}: phrase {number}", {"score": scores[pair]}).take_number("score")
        found.append((pair[0], pair[1], float(score)))
    return found


def _no_phrases() -> PhraseLearner:
    learner = PhraseLearner(passes=0)
    learner.phrases_ = []
    return learner
