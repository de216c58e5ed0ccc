"""What the page says when something goes well, or does not; never with words of a note."""

import logging

from markupsafe import Markup, escape

from stigma_hf.errors import UsageError

logger = logging.getLogger(__name__)

_FIELDS = {
    "name it with --text-column": "name it in the field \u201cColumn of the text\u201d",
    "name its encoding with --encoding, as latin-1": "choose another under \u201cEncoding\u201d",
}
"""What messages for the command line say, and what they mean in the page."""


def alert(error: Exception) -> Markup:
    """What went wrong, for the place where screen readers announce it.

    An error that is not the person's to mend may quote anything, so only its kind is shown and logged.
    """
    if isinstance(error, UsageError):
        said = str(error)
        for option, field in _FIELDS.items():
            said = said.replace(option, field)
    else:
        logger.error("the demo page met a %s", type(error).__name__)
        said = f"this did not work ({type(error).__name__}); nothing was kept, and the page can be used on"
    return Markup('<p class="stigma-alert" role="alert"><strong>Not done:</strong> {}</p>').format(said)


def status(said: str) -> Markup:
    """What was done, for the place where screen readers announce it."""
    return Markup('<p class="stigma-status" role="status">{}</p>').format(escape(said))
