"""Keys, tokens and passwords in files."""

import re

from stigma_hf.publishing.findings import Finding
from stigma_hf.publishing.texts import FileText

_SECRETS = {
    "access token of a hub": r"\bhf_[A-Za-z0-9]{20,}|\bapi_org_[A-Za-z0-9]{20,}",
    "key of a cloud": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "access token": r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}|\bglpat-[\w-]{16,}|\bxox[abprs]-[\w-]{10,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}|\bpypi-[\w-]{30,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.",
    "password": r"://[^\s/:@]+:[^\s/@]+@|(?i:\b(?:password|passwd|secret_key|api_key)\b\s*[=:]\s*['\"]?[^\s'\",<]{6,})",
}
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _SECRETS.items()}


def find_secrets(text: FileText) -> list[Finding]:
    """What looks like a secret in a file, a finding for each kind.

    Args:
        text: The text of the file.
    """
    whole = "\n".join((*text.prose, *text.vocabulary))
    return [
        Finding(text.shown, kind, "take it out, and make a new one: this one has been in a file")
        for kind, pattern in _PATTERNS.items()
        if pattern.search(whole)
    ]
