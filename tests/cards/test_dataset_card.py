import pytest
from huggingface_hub import DatasetCard

from stigma_hf.cards import render_dataset_card
from stigma_hf.cards.access import LICENSE_ID
from stigma_hf.errors import UsageError
from stigma_hf.mimic.splits import SPLITS

LAYOUT = {"adamant": ["train", "test"], "compliance": [], "all": SPLITS}


def test_real_rows_are_licensed_and_gated():
    card = DatasetCard(render_dataset_card(LAYOUT))
    assert (card.data.license, card.data.license_name) == ("other", LICENSE_ID)
    assert "These rows hold text of patients' notes." in card.data.extra_gated_prompt
    assert "I am a credentialed user of PhysioNet" in card.data.extra_gated_fields
    with pytest.raises(UsageError, match="found one made from patients' notes: its card always has a gate"):
        render_dataset_card(LAYOUT, is_gated=False)


def test_invented_rows_say_so_and_are_open_unless_asked_otherwise():
    card = DatasetCard(render_dataset_card(LAYOUT, is_synthetic=True))
    assert card.data.license == "apache-2.0" and "extra_gated_prompt" not in card.data
    assert "**SYNTHETIC: patients and notes here are invented" in card.text and "synthetic" in card.data.tags
    gated = DatasetCard(render_dataset_card(LAYOUT, is_synthetic=True, is_gated=True))
    assert gated.data.extra_gated_heading == "Access on request"


def test_only_configurations_with_rows_are_named_to_the_loader():
    configs = DatasetCard(render_dataset_card(LAYOUT)).data.configs
    assert [config["config_name"] for config in configs] == ["adamant", "all"]
    assert configs[0]["data_files"] == [
        {"split": split, "path": f"adamant/{split}.parquet"} for split in ("train", "test")
    ]
    assert configs[1]["default"] is True
