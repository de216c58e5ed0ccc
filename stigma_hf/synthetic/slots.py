"""Slots of sentences and section texts, and what fills them.

A template is text with `{slots}`. The sex of the patient decides the pronouns; the rest is drawn at random, most of it
from `fillers.json`. Section texts also use ranges: `{60..110}` is a whole number, `{96.8..99.4}` a number with as many
decimals as its lower end.
"""

import json
import re
from functools import cache
from importlib.resources import files
from random import Random
from typing import Literal

Sex = Literal["F", "M"]

_PRONOUNS: dict[str, dict[Sex, str]] = {
    "he": {"F": "she", "M": "he"},
    "him": {"F": "her", "M": "him"},
    "his": {"F": "her", "M": "his"},
    "himself": {"F": "herself", "M": "himself"},
    "He": {"F": "She", "M": "He"},
    "His": {"F": "Her", "M": "His"},
    "Him": {"F": "Her", "M": "Him"},
    "man": {"F": "woman", "M": "man"},
    "gentleman": {"F": "lady", "M": "gentleman"},
    "Gentleman": {"F": "Lady", "M": "Gentleman"},
}

_FILLERS: dict[str, tuple[str, ...]] = {
    name: tuple(words)
    for name, words in json.loads((files("stigma_hf.synthetic") / "fillers.json").read_text(encoding="utf-8")).items()
}
_FILLERS |= {
    name.capitalize(): tuple(word[0].upper() + word[1:] for word in _FILLERS[name]) for name in ("time", "staff")
}

_SUBJECTS: dict[str, dict[Sex, tuple[str, ...]]] = {
    "Patient": {
        "F": ("Patient", "Pt", "Ms. ___", "She", "The patient", "Mrs. ___"),
        "M": ("Patient", "Pt", "Mr. ___", "He", "The patient", "Mr. ___"),
    },
    "patient": {
        "F": ("the patient", "pt", "she", "Ms. ___"),
        "M": ("the patient", "pt", "he", "Mr. ___"),
    },
}

_AGES = tuple(f"{age}{suffix}" for age in range(21, 90) for suffix in ("-year-old", " yo", " year old"))

SLOTS = frozenset([*_PRONOUNS, *_SUBJECTS, *_FILLERS, "age"])
"""Names of the slots that a sentence may use."""

_SLOT = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+(?:\.(\d+))?)\.\.(\d+(?:\.\d+)?)")


def slot_names(template: str) -> list[str]:
    """The slots of a template, in order."""
    return _SLOT.findall(template)


def is_known_slot(name: str) -> bool:
    """Whether a section text may use the slot: a named one or a range."""
    return name in SLOTS or _RANGE.fullmatch(name) is not None


def fill(template: str, sex: Sex, rng: Random) -> str:
    """A template with every slot filled.

    Args:
        template: Text with slots.
        sex: Sex of the patient, as in the patients table.
        rng: Source of the random choices.

    Raises:
        ValueError: If a slot is unknown; it is named.
    """
    parts = _parse(template)
    filled = [_draw(part, sex, rng) if i % 2 else part for i, part in enumerate(parts)]
    return "".join(filled)


@cache
def _parse(template: str) -> list[str]:
    """Text and slot names by turns, text first."""
    parts = _SLOT.split(template)
    unknown = [name for name in parts[1::2] if not is_known_slot(name)]
    if unknown:
        raise ValueError(f"unknown slot {{{unknown[0]}}}; expected one of {', '.join(sorted(SLOTS))} or a range")
    return parts


def _draw(name: str, sex: Sex, rng: Random) -> str:
    """A filler for one slot."""
    if name in _PRONOUNS:
        return _PRONOUNS[name][sex]
    if name in _FILLERS:
        return _pick(_FILLERS[name], rng)
    if name in _SUBJECTS:
        return _pick(_SUBJECTS[name][sex], rng)
    if name == "age":
        return _pick(_AGES, rng)
    return _number(name, rng)


def _pick(words: tuple[str, ...], rng: Random) -> str:
    return words[int(rng.random() * len(words))]


def _number(name: str, rng: Random) -> str:
    """A number from a range, with the decimals of its lower end."""
    found = _RANGE.fullmatch(name)
    if found is None:
        raise ValueError(f"unknown slot {{{name}}}")
    low, decimals, high = found.groups()
    digits = len(decimals or "")
    step = 10**-digits
    value = float(low) + int(rng.random() * (round((float(high) - float(low)) / step) + 1)) * step
    return f"{value:0{len(low)}.{digits}f}"


def all_fillers() -> list[str]:
    """Every text that can stand in a named slot."""
    texts = [word for forms in _PRONOUNS.values() for word in forms.values()]
    texts += [word for forms in _SUBJECTS.values() for words in forms.values() for word in words]
    texts += [word for words in _FILLERS.values() for word in words]
    return texts + list(_AGES)


LONGEST_FILLER = max(len(text.split()) for text in all_fillers())
"""Words of the longest filler of a named slot."""
