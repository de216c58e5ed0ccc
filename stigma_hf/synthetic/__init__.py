"""A synthetic MIMIC-IV: invented patients and notes, annotated in the published numbers."""

from stigma_hf.synthetic.tree import SyntheticTree, synthesize

__all__ = ["SyntheticTree", "synthesize"]
