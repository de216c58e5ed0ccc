"""Anchor-pooled classifiers: an encoder, a vector for the anchor, and a linear head per task."""
