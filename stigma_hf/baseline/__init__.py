"""Baseline classifiers that see the anchor, its context, or both, without an encoder."""
