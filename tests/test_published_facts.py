"""The published counts of an anchor, as a person sees them beside its spans."""

import pytest

from stigma_hf.published_facts import facts_about
from stigma_hf.tasks import load_tasks


def test_counts_of_an_anchor_stand_in_label_order_with_zeros():
    facts = facts_about("refused")
    assert (facts.anchor, facts.task) == ("refused", "compliance")
    assert dict(facts.counts) == {"negative": 59, "neutral": 1, "positive": 0}
    assert tuple(facts.counts) == load_tasks()["compliance"].labels
    assert facts.total == 60
    assert "Harrigian et al. 2023" in facts.source


def test_case_of_an_anchor_does_not_matter():
    assert facts_about("Drug-Seeking") == facts_about("drug-seeking")


@pytest.mark.parametrize("anchor", ["malingers", "argumentatively", "diabetes", ""])
def test_anchor_without_annotated_spans_has_no_facts(anchor):
    assert facts_about(anchor) is None


def test_facts_of_the_lexicon_add_up_to_the_published_spans(lexicon):
    facts = {anchor: facts_about(anchor) for anchors in lexicon.anchors.values() for anchor in anchors}
    assert sum(found.total for found in facts.values() if found) == 5043
    for task, anchors in lexicon.anchors.items():
        assert {facts[anchor].task for anchor in anchors if facts[anchor]} == {task}


def test_counts_cannot_be_changed():
    with pytest.raises(TypeError):
        facts_about("claims").counts["disbelief"] = 0
