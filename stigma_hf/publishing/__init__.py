"""The one way to a hub: what may go there, what is looked through before, and in which order it goes."""

from stigma_hf.publishing.guard import GuardedPush as GuardedPush
from stigma_hf.publishing.guard import NotPublishable as NotPublishable
