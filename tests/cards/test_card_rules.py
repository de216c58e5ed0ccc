import json

import pytest
from huggingface_hub import ModelCard

from stigma_hf.cards.rendering import check_card
from stigma_hf.errors import UsageError
from stigma_hf.search import AnchorSearch
from stigma_hf.tasks import RESOURCES, load_tasks

FINE = {
    "license": "other",
    "license_name": "some-license-1.0",
    "license_link": "https://example.org/license",
    "language": ["en"],
    "base_model": "owner/encoder",
    "datasets": ["some-data"],
    "extra_gated_fields": {"Name": "text", "Country": {"type": "select", "options": ["A", "B"]}},
}


def card(**changes):
    front = {key: value for key, value in (FINE | changes).items() if value is not None}
    return ModelCard(f"---\n{json.dumps(front)}\n---\ntext")


def test_metadata_that_keeps_the_rules_passes():
    check_card(card())
    check_card(card(license="apache-2.0", license_name=None, license_link=None, extra_gated_fields=None))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"license": None}, "expected a license, found none"),
        ({"license_name": None}, "expected a license_name .* found None"),
        ({"license_name": "Some License"}, "expected a license_name .* found 'Some License'"),
        ({"license_link": "LICENSE"}, "expected an https link as license_link .* found 'LICENSE'"),
        ({"language": "english"}, "expected ISO 639 codes as language, found 'english'"),
        ({"base_model": "/data/encoder"}, "expected ids of repositories as base_model, found '/data/encoder'"),
        ({"datasets": ["a/b/c"]}, "expected ids of repositories as datasets, found 'a/b/c'"),
        ({"extra_gated_fields": {"Name": "string"}}, "expected 'Name' to be checkbox, .* found 'string'"),
        ({"extra_gated_fields": {"Country": {"type": "select"}}}, "expected 'Country' .* found 'select'"),
    ],
)
def test_metadata_that_a_hub_would_refuse_is_refused_first(changes, message):
    with pytest.raises(UsageError, match=message):
        check_card(card(**changes))


def test_each_label_has_an_invented_example_with_an_anchor_of_its_task():
    labels = json.loads((RESOURCES / "cards" / "labels.json").read_text(encoding="utf-8"))
    assert {task: tuple(of_task) for task, of_task in labels.items()} == {
        task.id: task.labels for task in load_tasks().values()
    }
    search = AnchorSearch()
    for task, of_task in labels.items():
        for about in of_task.values():
            assert task in [match.task for match in search.search(about["example"])], about["example"]
