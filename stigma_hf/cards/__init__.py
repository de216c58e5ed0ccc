"""Cards: what a model or a data set is, for whom, how good, and under which terms, with metadata for a hub."""

from stigma_hf.cards.dataset_card import render_dataset_card
from stigma_hf.cards.model_card import render_model_card, render_released_card

__all__ = ["render_dataset_card", "render_model_card", "render_released_card"]
