"""Publish a model or a data set: look through it, then upload it step by step."""

from typing import Any

from stigma_hf.publishing.plan import Plan
from stigma_hf.publishing.steps import Published, Upload


def publish(plan: Plan, token: str | bool | None = None) -> Published:
    """Upload what a plan describes, or leave nothing behind.

    Args:
        plan: The plan, of `stigma_hf.publishing.plan.make_plan`.
        token: Token of the hub; that of `hf auth login` if None.

    Raises:
        NotPublishable: If something stands in the way; nothing has been sent.
        PublishingStopped: If a step failed; the message says what is left.
    """
    plan.check()
    return Upload(plan, hub_api(token)).run()


def hub_api(token: str | bool | None = None) -> Any:
    """The hub's client.

    Args:
        token: Token of the hub; that of `hf auth login` if None.
    """
    from huggingface_hub import HfApi

    return HfApi(token=token, library_name="stigma_hf")
