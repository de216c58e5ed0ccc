import csv
from pathlib import Path

import pytest

from stigma_hf.catalog import EMBEDDED_MODEL
from stigma_hf.tasks import RESOURCES, load_tasks

CARDS = Path(__file__).parents[1] / "model_cards"


def test_the_card_of_the_embedded_model_is_the_readme_of_its_folder():
    if not CARDS.is_dir():
        pytest.skip("needs a checkout")
    card = (CARDS / "majority-per-anchor-published-counts.md").read_text()
    assert card == (EMBEDDED_MODEL / "README.md").read_text()


def test_the_scores_on_the_card_of_the_embedded_model_are_the_published_ones():
    with open(str(RESOURCES / "published" / "table1_macro_f1.csv"), newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "mimic"]
    scores = {row["task"]: row["mean"] for row in rows if row["model"] == "Majority Per Anchor"}
    sentence = ", ".join(f"{scores[task.id]} ({task.name})" for task in load_tasks().values())
    first, last = sentence.rsplit(", ", 1)
    card = " ".join((EMBEDDED_MODEL / "README.md").read_text().split())
    assert f"a macro F1 of {first} and {last}" in card
