"""Write the embedded default model from the counts printed in the paper: `python train/published_counts.py FOLDER`."""

import sys

from stigma_hf.baseline.configuration import BaselineConfig
from stigma_hf.baseline.counts import read_published_counts
from stigma_hf.baseline.modeling import BaselineClassifier
from stigma_hf.decoding import rarest_first
from stigma_hf.tasks import RESOURCES


def published_counts_model() -> BaselineClassifier:
    """Majority per anchor from Figure 1 of Harrigian et al. 2023, MIMIC rows, Laplace alpha 1, ties as published."""
    config = BaselineConfig(
        estimator="majority-per-anchor",
        alpha=1.0,
        title="Majority per anchor, from the label counts printed in Harrigian et al. 2023",
        provenance={
            "source": "published counts",
            "dataset": "mimic",
            "citation": "Harrigian et al. 2023, Characterization of Stigmatizing Language in Medical Records, Fig. 1",
        },
    )
    counts = read_published_counts(str(RESOURCES / "published" / "anchor_label_counts.csv"), "mimic", config.labels)
    for task, labels in config.labels.items():
        n_spans = {label: sum(row[column] for row in counts[task].values()) for column, label in enumerate(labels)}
        config.tie_order[task] = rarest_first(labels, n_spans)
    return BaselineClassifier(config, counts)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    published_counts_model().save_pretrained(sys.argv[1])
