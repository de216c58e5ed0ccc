"""Write context windows without words that tell a person's gender, as in Table 8 of Harrigian et al. 2023.

Each whole word of the table is replaced, whatever its case, so that "she's" becomes "they's" and every "her" becomes
"them": the sentences are for models, and not for people. `Mr. XX` stands for a title with a surname, which in MIMIC is
a blank, `___`. A title without its full stop is replaced before such a blank only, since "ms" is also an illness and
"miss" a verb; with it, the next word is taken for the surname. The anchor itself is never touched. Words that the
table does not have, such as "gentleman", "mother" or "prostate", stay; a gender can still be told from them.
"""

import csv
import re
from functools import cache

from stigma_hf.context_window import ContextWindow
from stigma_hf.tasks import RESOURCES

_SURNAME = "XX"


def neutral_text(text: str) -> str:
    """A text with gender-neutral words; a word keeps its case.

    Example:
        >>> neutral_text("Mr. ___ and his wife: he declined, she insisted. MS contin for ms. ___")
        'Patient and their partner: they declined, they insisted. MS contin for patient'
    """
    pattern, replacements = _substitutions()
    return pattern.sub(lambda match: _replacement(match, replacements), text)


def neutral_window(window: ContextWindow) -> ContextWindow:
    """A window with gender-neutral words around its anchor, about the same occurrence of the anchor.

    Example:
        >>> neutral_window(ContextWindow("adamant", "claims", "he claims she pushed him"))
        ContextWindow(task='adamant', anchor='claims', context='they claims they pushed them', place=(5, 11))
    """
    matched = window.matched()
    if matched is None:
        return ContextWindow(window.task, window.anchor, neutral_text(window.context))
    start, end = matched
    before, anchor, after = window.context[:start], window.context[start:end], window.context[end:]
    before = neutral_text(before)
    place = len(before), len(before) + len(anchor)
    return ContextWindow(window.task, window.anchor, before + anchor + neutral_text(after), place)


@cache
def _substitutions() -> tuple[re.Pattern[str], dict[str, str]]:
    """What matches a word or title of the table, and the replacement of each in lower case."""
    lines = (RESOURCES / "published" / "substitutions.csv").read_text(encoding="utf-8").splitlines()
    words, titles = {}, {}
    for row in csv.DictReader(lines):
        original, replacement = row["original"].lower(), row["replacement"].lower()
        if row["original"].endswith(_SURNAME):
            titles[original.removesuffix(_SURNAME.lower()).strip(" .")] = replacement
        else:
            words[original] = replacement
    any_title, any_word = ("|".join(sorted(names, key=len, reverse=True)) for names in (titles, words))
    surname = r"(?:_+|[^\W\d_][\w'-]*)"
    with_surname = rf"(?P<title>{any_title})(?:\.\s*{surname}|\s+_+)"
    pattern = re.compile(rf"(?<!\w)(?:{with_surname}|(?P<word>{any_word}))(?!\w)", re.IGNORECASE)
    return pattern, words | titles


def _replacement(match: re.Match[str], replacements: dict[str, str]) -> str:
    found = match["title"] or match["word"]
    replacement = replacements[found.lower()]
    if found.isupper() and len(found) > 1:
        return replacement.upper()
    return replacement.capitalize() if found[0].isupper() else replacement
