"""Context windows: the words on either side of an anchor, as the published models saw them.

There is one function per mode. Both keep a quirk of the released toolkit on purpose, because the published models were
trained on it: when the anchor's word is the last of the text, its final character becomes a word of its own
("... was adamant." gives "... was adamant ."). Both read only the neighbourhood of the anchor, so a window costs the
same in a line of a megabyte.
"""

from stigma_hf.cleaning import FOLD, clean_note

_CHARACTERS_PER_WORD = 12


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
    left_words = window_words or len(buffer)
    reach = _CHARACTERS_PER_WORD * (window_words + 2)
    while True:
        begin = max(0, start - reach)
        text = buffer[begin : end + reach].translate(FOLD)
        left, right = text[: start - begin], text[end - begin :]
        before, after = left.rsplit(None, left_words + 1), right.split(None, window_words + 1)
        is_left_whole = begin == 0 or len(before) > left_words + 1
        is_right_whole = end + reach >= len(buffer) or len(after) > window_words + 1
        if is_left_whole and is_right_whole:
            break
        reach *= 4
    prefix = before.pop() if before and not left.endswith(b" ") else b""
    suffix = after.pop(0) if after and not right.startswith(b" ") else b""
    if suffix and not after:
        suffix, after = suffix[:-1], [suffix[-1:]]
    anchor = text[start - begin : end - begin]
    words = [*(before[-left_words:] or [b""]), *(prefix + anchor + suffix).split(), *after[:window_words]]
    return strip_operators(b" ".join(words).decode("ascii"))


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
    left_words = window_words or len(note)
    reach = _CHARACTERS_PER_WORD * (window_words + 2)
    while True:
        begin = max(0, start - reach)
        left, right = note[begin:start].strip(), note[end : end + reach].strip()
        before, after = left.rsplit(" ", left_words), right.split(" ", window_words)
        is_left_whole = begin == 0 or len(before) > left_words
        is_right_whole = end + reach >= len(note) or len(after) > window_words
        if is_left_whole and is_right_whole:
            break
        reach *= 4
    # Cutting off what is beyond the words is faster than joining them.
    if len(before) > left_words:
        left = left[len(before[0]) + 1 :]
    if len(after) > window_words:
        right = right[: -len(after[-1]) - 1]
    return f"{left} {note[start:end].strip()} {right}"


def strip_operators(window: str) -> str:
    """A window without the arithmetic signs and list marks at its left end."""
    return window.lstrip("-+*/=").strip()
