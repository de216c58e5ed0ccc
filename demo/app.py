"""The demo page as a Space, and as a script: `python demo/app.py`.

On a Space it answers everybody and asks for invented text only; anywhere else it answers this machine only.
"""

import os
from threading import Event

from stigma_hf.demo.launch import serving

if __name__ == "__main__":
    is_public = "SPACE_ID" in os.environ
    with serving(port=7860 if is_public else None, is_public=is_public):
        Event().wait()
