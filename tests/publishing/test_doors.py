import importlib
import subprocess
import sys

import datasets
import pytest
import torch
from encoder.tiny_encoders import tiny_classifier
from hub_server import HubServer
from recordings import PARITY
from transformers import (
    AutoConfig,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    pipeline,
)

from stigma_hf import load_spans
from stigma_hf.encoder.configuration import AnchorPooledConfig
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.publishing import NotPublishable
from stigma_hf.training.starting_point import invented_tokenizer

CLOSED = "push_to_hub is closed: .*`stigma-hf publish FOLDER REPOSITORY`"


@pytest.fixture(scope="module")
def model():
    return tiny_classifier()


@pytest.fixture(scope="module")
def rows():
    return load_spans(PARITY / "baseline" / "mimic-iv", PARITY / "baseline" / "annotations.csv")


class Wrapping(torch.nn.Module):
    """A model with one of ours inside, as adapters have."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner


def test_a_stock_trainer_cannot_push_our_model(model, tmp_path):
    for trained in (model, Wrapping(model)):
        arguments = TrainingArguments(str(tmp_path / "out"), push_to_hub=True, hub_model_id="olga/m", use_cpu=True)
        with pytest.raises(NotPublishable, match=CLOSED):
            Trainer(trained, arguments)
        trainer = Trainer(trained, TrainingArguments(str(tmp_path / "out"), use_cpu=True))
        with pytest.raises(NotPublishable, match=CLOSED):
            trainer.push_to_hub()
        with pytest.raises(NotPublishable, match=CLOSED):
            trainer._push_from_checkpoint(str(tmp_path))


def test_a_stock_trainer_goes_its_way_with_other_models(tmp_path, monkeypatch):
    other = BertForSequenceClassification(
        BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9)
    )
    asked = []
    monkeypatch.setattr("huggingface_hub.HfApi.create_repo", lambda *a, **k: asked.append(k) or SomeUrl())
    Trainer(other, TrainingArguments(str(tmp_path), push_to_hub=True, hub_model_id="olga/m", use_cpu=True))
    assert len(asked) == 1


class SomeUrl:
    repo_id = "olga/m"


@pytest.mark.parametrize(
    "push",
    [
        lambda model, folder: model.push_to_hub("olga/m", private=True),
        lambda model, folder: model.save_pretrained(folder / "new", push_to_hub=True, repo_id="olga/m"),
        lambda model, folder: model.config.push_to_hub("olga/m"),
        lambda model, folder: AutoConfig.from_pretrained(folder).push_to_hub("olga/m"),
        lambda model, folder: AutoTokenizer.from_pretrained(folder).push_to_hub("olga/m"),
        lambda model, folder: PreTrainedTokenizerFast.from_pretrained(folder).push_to_hub("olga/m"),
        lambda model, folder: pipeline("stigma-classification", model=str(folder)).push_to_hub("olga/m"),
        lambda model, folder: pipeline("stigma-classification", model=str(folder)).tokenizer.push_to_hub("olga/m"),
        lambda model, folder: AnchorPooledClassifier.from_pretrained(folder).push_to_hub("olga/m", private=True),
    ],
)
def test_nothing_in_the_folder_of_a_model_can_be_pushed(model, tmp_path, push):
    model.save_pretrained(tmp_path)
    invented_tokenizer(200, 40).save_pretrained(tmp_path)
    with pytest.raises(NotPublishable, match=CLOSED):
        push(model, tmp_path)
    assert not (tmp_path / "new").exists()


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_configuration_saved_with_push_to_hub_does_not_go_up(hub: HubServer, model, tmp_path):
    config = AnchorPooledConfig.from_dict(model.config.to_dict())
    with pytest.raises(NotPublishable, match=CLOSED):
        config.save_pretrained(str(tmp_path), push_to_hub=True, repo_id="olga/m")
    assert "commit" not in hub.log


def test_another_tokenizer_is_not_ours(tmp_path, monkeypatch):
    tokenizer = invented_tokenizer(200, 40)
    tokenizer.save_pretrained(tmp_path)
    monkeypatch.setattr("transformers.utils.hub.PushToHubMixin._upload_modified_files", lambda *a, **k: "pushed")
    monkeypatch.setattr("huggingface_hub.HfApi.create_repo", lambda *a, **k: SomeUrl())
    monkeypatch.setattr("transformers.utils.hub.create_and_tag_model_card", lambda *a, **k: Card())
    assert AutoTokenizer.from_pretrained(tmp_path).push_to_hub("olga/t") == "pushed"


class Card:
    def save(self, path):
        """Nothing to write."""


MADE_OF_ROWS = [
    lambda rows: rows,
    lambda rows: rows["train"],
    lambda rows: rows["train"].map(lambda row: {"more": 1}),
    lambda rows: rows["train"].select(range(2)).remove_columns(["clean_start", "clean_end", "note_id"]),
    lambda rows: rows["train"].train_test_split(0.5),
    lambda rows: rows["train"].to_iterable_dataset(),
    lambda rows: datasets.IterableDatasetDict({"train": rows["train"].to_iterable_dataset()}),
    lambda rows: datasets.DatasetDict({"all": datasets.concatenate_datasets([rows["train"], rows["test"]])}),
    lambda rows: datasets.Dataset.from_pandas(rows["train"].to_pandas()),
    lambda rows: rows["train"].select_columns(["context"]).rename_column("context", "text"),
    lambda rows: datasets.Dataset.from_list([{"anchor": "claims", "context": "he claims", "label": 1}]),
]


@pytest.mark.parametrize("make", MADE_OF_ROWS)
def test_rows_of_load_spans_cannot_be_pushed_whatever_became_of_them(rows, make):
    with pytest.raises(NotPublishable, match=CLOSED):
        make(rows).push_to_hub("olga/spans", private=True)


def test_other_rows_go_their_way():
    other = datasets.Dataset.from_dict({"text": ["invented"], "label": [0]})
    with pytest.raises(ConnectionError):
        other.push_to_hub("olga/other")


@pytest.mark.parametrize("variable", ["HF_HUB_DISABLE_TELEMETRY", "STIGMA_HF_ALLOW_PUSH", "HF_ENDPOINT", "DEBUG"])
def test_no_variable_opens_it(model, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    with pytest.raises(NotPublishable, match=CLOSED):
        model.push_to_hub("olga/m", private=True, token=True, force=True, yes_i_may=True)


def test_closing_doors_imports_no_library():
    code = "import sys, stigma_hf.publishing.doors as d; d.close_doors(); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "datasets", "transformers"} & set(eval(done.stdout))
    assert importlib.import_module("stigma_hf.publishing.doors").close_doors() is None
