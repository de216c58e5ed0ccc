"""Errors that are the person's to mend: the command line prints them as one message, without a traceback."""


class UsageError(ValueError):
    """Something given from outside is not what was expected; the message says what was, what was found, what to do."""
