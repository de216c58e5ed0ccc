"""Where a browser for the tests is."""

import os
import shutil

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find_browser():
    """Path of a Chromium: what STIGMA_HF_BROWSER names, else the first that is installed; None without any."""
    return os.environ.get("STIGMA_HF_BROWSER") or next(filter(None, map(shutil.which, PROGRAMS)), None)
