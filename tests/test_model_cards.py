"""The cards of the repository are what its sources say, today."""

import csv
import re
import runpy
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from stigma_hf.cards.published import TABLE1
from stigma_hf.catalog import EMBEDDED_MODEL
from stigma_hf.released_models import RELEASED_MODELS
from stigma_hf.tasks import RESOURCES, load_tasks

CARDS = Path(__file__).parents[1] / "model_cards"

pytestmark = pytest.mark.skipif(not CARDS.is_dir(), reason="needs a checkout")


@pytest.fixture(scope="module")
def rendered():
    return dict(runpy.run_path(str(CARDS / "render.py"))["cards"]())


def published_scores():
    with open(str(RESOURCES / "published" / "table1_macro_f1.csv"), newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "mimic"]
    return {(row["model"], row["task"]): (row["mean"], row["sd"]) for row in rows}


def test_every_card_of_the_repository_is_what_rendering_it_again_gives(rendered):
    assert [str(file) for file, text in rendered.items() if file.read_text(encoding="utf-8") != text] == []


def test_there_is_a_card_for_every_published_model_the_embedded_one_and_the_synthetic_one(rendered):
    names = {*(model.name for model in RELEASED_MODELS), EMBEDDED_MODEL.name, "minilm-synthetic", "README"}
    assert {file.stem for file in CARDS.glob("*.md")} == names
    assert len(RELEASED_MODELS) == 6 and names - {"README"} <= {file.stem for file in rendered}


def test_the_card_of_the_embedded_model_is_the_readme_of_its_folder():
    assert (CARDS / f"{EMBEDDED_MODEL.name}.md").read_text() == (EMBEDDED_MODEL / "README.md").read_text()


def test_the_scores_on_the_card_of_the_embedded_model_are_the_published_ones():
    scores = published_scores()
    sentence = ", ".join(f"{scores['Majority Per Anchor', t.id][0]} ({t.name})" for t in load_tasks().values())
    first, last = sentence.rsplit(", ", 1)
    card = " ".join((EMBEDDED_MODEL / "README.md").read_text().split())
    assert f"a macro F1 of {first} and {last}." in card


@pytest.mark.parametrize("model", RELEASED_MODELS, ids=lambda model: model.name)
def test_the_card_of_a_released_model_shows_the_figures_of_the_paper_and_no_other(model):
    card = ModelCard.load(CARDS / f"{model.name}.md")
    scores = published_scores()
    for task in load_tasks().values():
        mean, sd = scores[TABLE1[model.name], task.id]
        assert f"| {task.name} | {mean} | {sd} |" in card.text
    shown = [(result.dataset_config, f"{result.metric_value:.2f}") for result in card.data.eval_results]
    assert shown == [(task, scores[TABLE1[model.name], task][0]) for task in load_tasks()]
    assert {result.source_url for result in card.data.eval_results} == {"https://aclanthology.org/2023.acl-short.28/"}
    assert "Nothing was measured here." in card.text and f"stigma-hf convert {model.archive} " in card.text


def test_each_released_model_has_a_row_of_table_1_of_its_own():
    assert list(TABLE1) == [model.name for model in RELEASED_MODELS]
    assert len(set(TABLE1.values())) == 6


def test_the_synthetic_model_says_so_before_any_figure():
    text = ModelCard.load(CARDS / "minilm-synthetic.md").text
    assert text.index("SYNTHETIC: trained on invented patients") < re.search(r"0\.\d{3}", text).start()
    assert "extra_gated_prompt" not in ModelCard.load(CARDS / "minilm-synthetic.md").data


def test_nothing_that_cards_are_made_from_names_a_folder_of_some_machine():
    for file in [*CARDS.rglob("*.md"), *CARDS.rglob("*.json")]:
        assert not re.search(r"(?<![\w.:/])/(tmp|home|root|work|Users)\b", file.read_text()), file.name
