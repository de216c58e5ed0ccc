"""Metrics for the evaluate library, each a file that `evaluate.load` takes by its path."""
