"""The guard in front of every way to a hub that is not `stigma-hf publish`."""

from typing import Any, NoReturn

from stigma_hf.errors import UsageError

CLOSED = (
    "push_to_hub is closed: what was made from clinical notes must not reach a repository that is not private and "
    "gated by hand, and only `stigma-hf publish` looks through the files and reads the settings back before anything "
    "goes up; write a folder with save_pretrained() or build-dataset, then `stigma-hf publish FOLDER REPOSITORY`"
)
"""What to do instead of what was tried."""


class NotPublishable(UsageError, PermissionError):
    """Raised instead of uploading something that may hold what was learned from patients' notes."""


class GuardedPush:
    """Closes the upload methods that models, configurations and pipelines inherit from transformers."""

    def push_to_hub(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to upload, whatever the arguments: `stigma-hf publish` is the one way.

        Raises:
            NotPublishable: Always.
        """
        raise NotPublishable(CLOSED)
