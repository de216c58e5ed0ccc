"""Context windows: the words on either side of an anchor, as the published models saw them.

There is one function per mode. Both keep a quirk of the released toolkit on purpose, because the published models were
trained on it: when the anchor's word is the last of the text, its final character becomes a word of its own
("... was adamant." gives "... was adamant ."). Both read only the neighbourhood of the anchor, so a window costs the
same in a line of a megabyte.
"""

from stigma_hf.cleaning import FOLD, clean_note


def trained_window(buffer: bytes, start: int, end: int, window_words: int) -> str:
    """The window the published models were trained on: cut from the cleaned note, between white space.

    Args:
        buffer: The note rewritten to ASCII (`CleanNote.buffer`), white space not necessarily collapsed.
        start: Where the anchor begins in the buffer.
        end: Where it ends, exclusive.
        window_words: Words to keep on either side; 0 keeps the whole left side, as the released toolkit does.

    Returns:
        The window in cleaned form.
    """
    left, prefix = _words_before(buffer, start, window_words)
    right, suffix, is_last = _words_after(buffer, end, window_words)
    if is_last and suffix:
        suffix, right = suffix[:-1], [suffix[-1:]]
    anchor = b" ".join(buffer[start:end].translate(FOLD).split())
    words = [*(left[-window_words:] or [b""]), prefix + anchor + suffix, *right[:window_words]]
    return strip_operators(b" ".join(words).decode("ascii"))


def _words_before(buffer: bytes, start: int, window_words: int) -> tuple[list[bytes], bytes]:
    """At least `window_words` whole words before the anchor's word, if there are, and what is glued to the anchor."""
    reach = 12 * (window_words + 2)
    while True:
        begin = max(0, start - reach)
        text = buffer[begin:start].translate(FOLD)
        words = text.split()
        is_glued = bool(text) and text[-1:] != b" "
        if begin == 0 or (window_words and len(words) - is_glued > window_words):
            prefix = words.pop() if is_glued else b""
            return words, prefix
        reach *= 4


def _words_after(buffer: bytes, end: int, window_words: int) -> tuple[list[bytes], bytes, bool]:
    """The same after the anchor, and whether no word follows the anchor's."""
    reach = 12 * (window_words + 2)
    while True:
        limit = min(len(buffer), end + reach)
        text = buffer[end:limit].translate(FOLD)
        words = text.split()
        is_glued = bool(text) and text[:1] != b" "
        if limit == len(buffer) or len(words) - is_glued > window_words:
            suffix = words.pop(0) if is_glued else b""
            return words, suffix, not words
        reach *= 4


def released_api_window(note: str, start: int, end: int, window_words: int) -> str:
    """The window that the released Python interface cuts: from the original note, then cleaned.

    Args:
        note: The original note.
        start: Where the anchor begins in it.
        end: Where it ends, exclusive.
        window_words: Words to keep on either side; 0 keeps the whole left side, as the released toolkit does.

    Returns:
        The window in cleaned form.
    """
    return strip_operators(clean_note(cut_window(note, start, end, window_words)))


def cut_window(note: str, start: int, end: int, window_words: int) -> str:
    """The piece of a note around an anchor, as it stands there, cut between single spaces.

    Only a space ends a word here: line breaks and tabs do not, and a run of spaces makes empty words that count.
    """
    start = note.rfind(" ", 0, start) + 1
    last = len(note) - 1
    if end < last:
        space = note.find(" ", end, last)
        end = last if space < 0 else space
    words = [
        *_parts_before(note, start, window_words),
        note[start:end].strip(),
        *_parts_after(note, end, window_words),
    ]
    return " ".join(words)


def strip_operators(window: str) -> str:
    """A window without the arithmetic signs and list marks at its left end."""
    return window.lstrip("-+*/=").strip()


def _parts_before(note: str, start: int, window_words: int) -> list[str]:
    """What single spaces separate before `start`, the last `window_words` of it."""
    reach = 12 * (window_words + 2)
    while True:
        begin = max(0, start - reach)
        text = note[begin:start].rstrip()
        if begin == 0:
            return text.strip().split(" ")[-window_words:]
        parts = text.rsplit(" ", window_words) if window_words else []
        if len(parts) > window_words > 0:
            return parts[1:]
        reach *= 4


def _parts_after(note: str, end: int, window_words: int) -> list[str]:
    """What single spaces separate from `end` on, the first `window_words` of it."""
    reach = 12 * (window_words + 2)
    while True:
        limit = min(len(note), end + reach)
        text = note[end:limit].lstrip()
        if limit == len(note):
            return text.strip().split(" ")[:window_words]
        parts = text.split(" ", window_words)
        if len(parts) > window_words:
            return parts[:window_words]
        reach *= 4
