"""Random strings with what clinical notes hold, good and bad, and spaCy's tokenizer with the clinical rules."""

import re
import string

WORDS = """pt patient refused claims isn't can't cannot won't don’t dr. mr. m.d. U.S. 10/10 K-4.0 1.5 5'10 w/ w/o s/p
q.d. b.i.d 10mg 5km 98.6F 37°C. $5 US$5 3pm 10a.m. http://x.org a@b.com x-ray anti-A.B 1,000 a,b a:b 'twas 'em let's
vs. e.g. i.e. :) (: ): )) ;-) <3 >> <- -> ... .. — – “quoted” ‘x’ café naïve ß µg ½ ² é .5 5. +2 2+ 2++ a_b #3 @home
___ [**x**] & gt; ABCs AB. aB. Ab. c. F. 's 's. 'S ’s " ' ` ~ I'm I've y'all ma'am o'clock couldn't've shouldnt im Im
ill id""".split()
CHARACTERS = "".join(map(chr, range(33, 127))) + "°²½“”‘’—–…€£µéßÀΩяあ中\xa0\u200b\u2009©®ªº\xad"
BLANKS = [" "] * 12 + ["  ", "\n", " \n", "\t", "\n\n", "\xa0", " \xa0 ", "\r\n", "\x1c", "\u2003"]


def clinical_string(chance, exceptions):
    """A string of up to 14 odd words with odd white space between them."""
    text = "".join(_word(chance, exceptions) + chance.choice(BLANKS) for _ in range(chance.randint(0, 14)))
    return chance.choice(BLANKS) + text if chance.random() < 0.05 else text


def _word(chance, exceptions):
    kind = chance.random()
    known = WORDS if chance.random() < 0.6 else exceptions
    if kind < 0.4:
        return chance.choice(known)
    if kind < 0.5:
        return "".join(chance.choice(CHARACTERS) for _ in range(chance.randint(1, 8)))
    if kind < 0.6:
        return "".join(chance.choice(string.punctuation + "'\"-.") for _ in range(chance.randint(1, 4)))
    if kind < 0.65:
        return str(chance.randint(0, 999)) + chance.choice(["%", "mg", "F.", "/", "-", ".", "+", "am", "p.m."])
    middle = chance.choice(["", ".", ",", "/", "-", ":", ")", "'s", "+", ";", '"', ".)"])
    last = chance.choice(known) if chance.random() < 0.5 else ""
    return chance.choice(["", "(", '"', "/", "-", "'"]) + chance.choice(known) + middle + last


def spacy_tokenizer():
    """spaCy's English tokenizer with the two clinical changes, as medspaCy makes them."""
    import spacy
    from spacy.tokenizer import Tokenizer
    from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

    english = spacy.blank("en")
    rules = english.Defaults
    infix = f"[{re.escape(string.punctuation.replace('.', ''))}]"
    return Tokenizer(
        english.vocab,
        dict(rules.tokenizer_exceptions),
        prefix_search=compile_prefix_regex(rules.prefixes).search,
        suffix_search=compile_suffix_regex(rules.suffixes).search,
        infix_finditer=compile_infix_regex([*rules.infixes, infix]).finditer,
    )
