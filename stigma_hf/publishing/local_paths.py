"""Paths of a machine in files: they name people, and folders of patients."""

import re

from stigma_hf.publishing.findings import Finding
from stigma_hf.publishing.texts import FileText

_PATH = re.compile(
    r"(?<![\w./:<>~-])(?:~|/[\w.@+-]+)(?:/[\w.@+-]+)+"  # /home/jane/notes, ~/notes, but no address and no "and/or"
    r"|(?<!\w)[A-Za-z]:\\\w"
    r"|\\\\[\w.-]+\\\w"
    r"|file://"
)


def find_local_paths(text: FileText) -> list[Finding]:
    """Whether a file names a place on a machine.

    Args:
        text: The text of the file; pieces of a vocabulary are not looked at, for a slash is one of them.
    """
    if any(_PATH.search(part) for part in text.prose):
        advice = "write the last part of the path only, or take it out"
        return [Finding(text.shown, "absolute path of a machine", advice)]
    return []
