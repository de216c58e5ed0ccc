"""Write every card of this repository again: `python model_cards/render.py`.

The card of the model trained on the synthetic corpus comes from its configuration and the figures of its report, which
are kept in `model_cards/minilm-synthetic`. After training it anew (`stigma-hf quickstart --train`, then `stigma-hf
evaluate`), `python model_cards/render.py FOLDER REPORT` keeps those of the model in FOLDER instead.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from stigma_hf.cards import render_dataset_card, render_model_card, render_released_card
from stigma_hf.cards.facts import facts_of_config
from stigma_hf.cards.figures import figures_of, read_report
from stigma_hf.cards.model_card import card_of
from stigma_hf.catalog import EMBEDDED_MODEL
from stigma_hf.mimic.splits import SPLITS
from stigma_hf.released_models import RELEASED_MODELS
from stigma_hf.reporting.models import digest_of
from stigma_hf.stigma_spans import ALL_MATCHES, CONFIGURATIONS

CARDS = Path(__file__).parent
SYNTHETIC = CARDS / "minilm-synthetic"
DATASET = CARDS.parent / "dataset_builder" / "README.md"


def cards() -> Iterator[tuple[Path, str]]:
    """Every file that holds a card, and its text."""
    for model in RELEASED_MODELS:
        yield CARDS / f"{model.name}.md", render_released_card(model.name)
    embedded = render_model_card(EMBEDDED_MODEL, is_gated=False)
    yield CARDS / f"{EMBEDDED_MODEL.name}.md", embedded
    yield EMBEDDED_MODEL / "README.md", embedded
    config, figures = (json.loads((SYNTHETIC / name).read_text()) for name in ("config.json", "report.json"))
    yield CARDS / "minilm-synthetic.md", card_of(facts_of_config(config), figures, is_gated=False)
    yield DATASET, render_dataset_card({name: ["train"] if name == ALL_MATCHES else SPLITS for name in CONFIGURATIONS})


def keep(folder: Path, report: Path) -> None:
    """Keep what the card of the synthetic model is made from; it holds figures and no text."""
    figures = figures_of(read_report(report), digest_of(folder))
    shutil.copyfile(folder / "config.json", SYNTHETIC / "config.json")
    (SYNTHETIC / "report.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) not in (1, 3):
        sys.exit(__doc__)
    if len(sys.argv) == 3:
        keep(Path(sys.argv[1]), Path(sys.argv[2]))
    for file, text in cards():
        file.write_text(text, encoding="utf-8")
