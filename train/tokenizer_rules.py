"""Write the rules of the clinical tokenizer from an installed spaCy: `python train/tokenizer_rules.py`.

The rules in `stigma_hf/baseline/tokenizer_rules.json` are those of spaCy's English tokenizer (MIT licence, (c)
ExplosionAI GmbH and others), as strings. The clinical changes (one more infix, no URL pattern) are made where they are
read, in `stigma_hf/baseline/segmentation.py`. spaCy is needed here only, `pip install "spacy>=3.7"`.
"""

import json
from pathlib import Path

import spacy
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

RULES = Path(__file__).parents[1] / "stigma_hf" / "baseline" / "tokenizer_rules.json"


def english_rules() -> dict[str, object]:
    """The rules of the installed spaCy: patterns, and what each exception is split into."""
    english = spacy.blank("en")
    if english.tokenizer.token_match is not None:
        raise SystemExit(f"spaCy {spacy.__version__} has a token_match pattern for English, which is not expected")
    defaults = english.Defaults
    exceptions = english.tokenizer.rules
    return {
        "source": f"spaCy {spacy.__version__}, English tokenizer, MIT licence, (c) ExplosionAI GmbH and others",
        "prefix": compile_prefix_regex(defaults.prefixes).pattern,
        "suffix": compile_suffix_regex(defaults.suffixes).pattern,
        "infix": compile_infix_regex(defaults.infixes).pattern,
        "exceptions": {text: [piece[spacy.symbols.ORTH] for piece in exceptions[text]] for text in sorted(exceptions)},
    }


def as_json(rules: dict[str, object]) -> str:
    """The rules as ASCII JSON, an exception a line."""
    exceptions = rules.pop("exceptions")
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in rules.items()]
    pieces = ",\n".join(f"  {json.dumps(text)}: {json.dumps(split)}" for text, split in exceptions.items())
    return "{\n" + ",\n".join(lines) + ',\n "exceptions": {\n' + pieces + "\n }\n}\n"


if __name__ == "__main__":
    RULES.write_text(as_json(english_rules()), encoding="ascii")
