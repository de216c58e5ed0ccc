import json
import re

import pytest
from huggingface_hub import ModelCard
from reporting.small_data import all_rows, settings, write_data

from stigma_hf.baseline.recipes import load_recipe
from stigma_hf.baseline.training import train_baseline
from stigma_hf.baseline.training_data import labelled_windows
from stigma_hf.cards import render_model_card, render_released_card
from stigma_hf.cards.access import LICENSE_ID, LICENSE_LINK
from stigma_hf.catalog import EMBEDDED_MODEL
from stigma_hf.errors import UsageError
from stigma_hf.reporting.evaluate import evaluate_models
from stigma_hf.reporting.output import write_report
from stigma_hf.tasks import load_tasks

QUESTIONS = ("Name", "Affiliation", "PhysioNet profile", "credentialed user", "data use agreements", "identify")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "majority-per-anchor"
    spans = {split: labelled_windows(rows) for split, rows in all_rows().items()}
    train_baseline(load_recipe("majority-per-anchor"), spans, {"source": "synthetic"}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def report(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    data = write_data(folder / "spans", all_rows())
    write_report(evaluate_models([str(model)], data, settings()), folder / "report")
    return folder / "report" / "report.json"


@pytest.fixture
def configured(tmp_path):
    """A folder with the configuration of a baseline, and what else of it is asked for."""

    def write(**changes):
        config = json.loads((EMBEDDED_MODEL / "config.json").read_text())
        config |= {"estimator": "logistic-regression-context", "title": "Some model"} | changes
        (tmp_path / "config.json").write_text(json.dumps(config))
        return tmp_path

    return write


def test_model_index_and_tables_hold_the_figures_of_the_report(model, report):
    card = ModelCard(render_model_card(model, report, is_gated=False))
    figures = json.loads(report.read_text())["models"][0]["tasks"]
    assert len(card.data.eval_results) == 9
    for result in card.data.eval_results:
        name = {"f1": "macro_f1", "accuracy": "accuracy", "roc_auc": "macro_roc_auc"}[result.metric_type]
        value = figures[result.dataset_config]["scores"]["headline"][name]["value"]
        assert result.metric_value == round(value, 4) and result.dataset_split == "test"
    section = card.text.split("### Per label")[1].split("###")[0]
    shown = re.findall(r"\| `(\w+)` \| (\d+) \|.* ([\d.]+) \([\d.]+ to [\d.]+\) \|$", section, re.MULTILINE)
    assert shown == [
        (label, str(of_task["scores"]["support"][label]), f"{of_label['f1']['value']:.3f}")
        for of_task in figures.values()
        for label, of_label in of_task["scores"]["per_label"].items()
    ]
    assert "sex: Female" in card.text and "insurance: Medicare" in card.text


def test_card_holds_no_text_no_ids_and_no_group_that_is_too_small(model, report):
    card = render_model_card(model, report, is_gated=False)
    assert "Rare group" in report.read_text() and "Rare group" not in card
    for row in all_rows()["test"]:
        assert row["note_id"] not in card and " ".join(row["context"].split()[:8]) not in card
    assert str(report.parent) not in card


def test_macro_f1_of_groups_that_lack_a_label_is_not_compared(model, report):
    card = render_model_card(model, report, is_gated=False)
    marked = [line for line in card.splitlines() if "\u2020 |" in line]
    assert all(line.split(" | ")[4] in ("\u2013", "reference") for line in marked)
    for result in json.loads(report.read_text())["models"][0]["tasks"].values():
        for grouping in (grouping for grouping in result["subgroups"] if grouping["by"] != "anchor"):
            for group in (group for group in grouping["groups"] if group["absent_labels"]):
                assert any(f"{grouping['by']}: {group['group']}\u2020" in line for line in marked)


def test_a_report_on_another_model_is_refused(model, report):
    with pytest.raises(
        UsageError, match=r"expected a report on this very model \(\w{16}\), found one on majority-per"
    ):
        render_model_card(EMBEDDED_MODEL, report)


def test_a_file_that_is_no_report_is_refused(model, tmp_path):
    with pytest.raises(UsageError, match=r"none.json: expected the report.json of `stigma-hf evaluate`: FileNotFound"):
        render_model_card(model, tmp_path / "none.json")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UsageError, match=r"other.json: expected the report.json .*, found something else"):
        render_model_card(model, tmp_path / "other.json")


def test_a_model_without_a_report_says_what_its_training_recorded_and_how_to_measure(model):
    card = ModelCard(render_model_card(model))
    assert card.data.eval_results is None
    assert "Not evaluated yet." in card.text
    scores = json.loads((model / "config.json").read_text())["training"]["tasks"]["adamant"]["scores"]
    row = next(line for line in card.text.splitlines() if line.startswith("| Credibility & Obstinacy | 100, 40, 80 |"))
    assert row.endswith(" | ".join(f"{scores[at]['macro_f1']:.3f}" for at in ("train", "validation", "test")) + " |")


@pytest.mark.parametrize("source", ["mimic-iv", "MIMIC-IV derived", "something", None])
def test_what_was_made_from_notes_or_of_unknown_origin_is_licensed_and_gated(configured, source):
    folder = configured(provenance=None if source is None else {"source": source})
    card = ModelCard(render_model_card(folder))
    assert (card.data.license, card.data.license_name) == ("other", LICENSE_ID)
    assert card.data.license_link == LICENSE_LINK
    assert card.data.extra_gated_heading == "Credentialed access"
    assert "credentialed users of PhysioNet" in card.data.extra_gated_prompt
    asked = list(card.data.extra_gated_fields)
    assert all(any(question in field for field in asked) for question in QUESTIONS)
    with pytest.raises(UsageError, match="expected something that may be public, found one .*: its card always has"):
        render_model_card(folder, is_gated=False)


def test_a_folder_whose_records_contradict_each_other_is_of_unknown_origin(configured):
    folder = configured(provenance={"source": "synthetic"})
    (folder / "provenance.json").write_text(json.dumps({"source": "mimic-iv"}))
    assert "It is not on record what this model was trained on." in render_model_card(folder)
    with pytest.raises(UsageError, match="found one of unknown origin"):
        render_model_card(folder, is_gated=False)


def test_a_merged_model_with_a_part_made_from_notes_is_gated(configured):
    parts = [{"tasks": ["other"], "provenance": {"source": source}} for source in ("synthetic", "mimic-iv")]
    provenance = {"source": "synthetic and mimic-iv", "merged_from": parts}
    card = ModelCard(render_model_card(configured(provenance=provenance)))
    assert card.data.extra_gated_heading == "Credentialed access" and "Made from MIMIC-IV notes" in card.text
    assert "Where the data came from: source synthetic and mimic-iv." in card.text


def test_a_synthetic_model_is_gated_or_open_as_its_repository_is(configured):
    folder = configured(provenance={"source": "synthetic"})
    gated, public = (ModelCard(render_model_card(folder, is_gated=is_gated)) for is_gated in (True, False))
    assert gated.data.license == public.data.license == "apache-2.0"
    assert "Affiliation" in gated.data.extra_gated_fields and "extra_gated_fields" not in public.data
    assert "PhysioNet" not in str(gated.data.extra_gated_fields)
    assert "synthetic" in public.data.tags and "SYNTHETIC" in public.text


def test_front_matter_survives_a_round_trip(model, report, tmp_path):
    text = render_model_card(model, report)
    ModelCard(text).save(tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text() == text
    assert ModelCard.load(tmp_path / "README.md").data.to_dict() == ModelCard(text).data.to_dict()


def test_every_label_is_explained(configured):
    card = render_model_card(configured())
    for task in load_tasks().values():
        assert f"**{task.name}** (`{task.id}`). {task.description}" in card
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+\. \| [\d,]+ \|$", card, re.MULTILINE)
    assert rows == [label for task in load_tasks().values() for label in task.labels]


def test_a_model_of_one_task_has_a_card_about_that_one(configured):
    training = {"converted_from": "mimic-iv-discharge_logistic-regression_context"}
    folder = configured(labels={"other": ["exclude", "negative", "neutral", "positive"]}, training=training)
    card = ModelCard(render_model_card(folder))
    assert [result.dataset_config for result in card.data.eval_results] == ["other"]
    assert "| Descriptors | 0.60 | 0.04 |" in card.text and "Compliance" not in card.text


def test_the_card_of_other_tasks_claims_nothing_of_them(configured):
    card = render_model_card(configured(labels={"tone": ["harsh", "kind"]}, training=None))
    assert "**tone** (`tone`)\n" in card and "| `harsh` |  |  | \u2013 |" in card


def test_encoder_settings_machine_and_hub_id_are_read_from_the_record(configured):
    run = {"encoder": "all-MiniLM-L6-v2", "batch_size": 32, "training": {"learning_rate": 2e-4}, "layer_decay": 1.0}
    training = {"recipe": "minilm", "run": run, "device": "cuda", "processes": 4, "precision": "bf16", "seconds": 75.2}
    folder = configured(
        model_type="stigma-anchor-pooled", base_model="all-MiniLM-L6-v2", training=training, pooling="cls"
    )
    card = ModelCard(render_model_card(folder))
    assert card.data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    rows = (
        "windows per update | 32",
        "learning rate | 0.0002",
        "machine | 4 processes on cuda, bf16",
        "time | 75 seconds",
    )
    assert all(f"| {row} |" in card.text for row in (*rows, "carbon | not recorded"))
    assert "from layer to layer" not in card.text


@pytest.mark.parametrize("name", ["encoder", "/data/encoder", "../runs/encoder", None])
def test_a_local_encoder_is_no_base_model(configured, name):
    text = render_model_card(configured(base_model=name))
    assert ModelCard(text).data.base_model is None and "/data" not in text


def test_temperatures_are_told(configured):
    assert "Probabilities are not calibrated" in render_model_card(configured())
    text = render_model_card(configured(temperature={"adamant": 1.5}))
    assert "fitted on validation spans: 1.50 (Credibility & Obstinacy)." in text


def test_what_is_no_model_of_ours_is_refused(tmp_path):
    with pytest.raises(UsageError, match="expected a model folder, found no readable config.json"):
        render_model_card(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UsageError, match="expected a model of this package .stigma-baseline, stigma-anchor-pooled."):
        render_model_card(tmp_path)


def test_a_name_that_was_not_released_has_no_card():
    with pytest.raises(UsageError, match="expected a released model among mimic-iv-discharge_majority_overall, "):
        render_released_card("gpt-2")
