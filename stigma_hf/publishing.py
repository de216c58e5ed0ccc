"""The guard in front of every way to a hub."""

from typing import Any, NoReturn


class NotPublishable(PermissionError):
    """Raised instead of uploading something that may hold what was learned from patients' notes."""


class GuardedPush:
    """Closes the upload methods that models and pipelines inherit from transformers."""

    def push_to_hub(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to upload.

        Raises:
            NotPublishable: Always: this version has no checked way to publish, and an unchecked one is not offered.
        """
        raise NotPublishable(
            "push_to_hub is closed: models made from clinical notes must not reach a repository that is not private "
            "and gated by hand, and this version of stigma_hf cannot check that yet; save_pretrained() writes a folder"
        )
