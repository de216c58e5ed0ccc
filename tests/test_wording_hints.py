"""The wording hints of the package are sound, and the checker sees what is not."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from stigma_hf.search import AnchorSearch
from stigma_hf.tasks import RESOURCES, load_tasks
from stigma_hf.wording_hints import HARMFUL, LONGEST, check_hints, hints_for, load_hints

HINTS = load_hints()
HINT = next(hint for hint in HINTS if hint.family == "claim")
NEVER_HARMFUL = {"charming", "delightful", "lovely", "pleasant", "pleasantly", "well groomed", "well-groomed"}


def problems_with(**changes):
    """What the checker says once the first hint for "claims" is changed, apart from what is then missing."""
    changed = [replace(hint, **changes) if hint is HINT else hint for hint in HINTS]
    return [problem for problem in check_hints(changed) if not problem.startswith("no hint for")]


def write(folder, change):
    """A file of hints with a change."""
    content = yaml.safe_load((RESOURCES / "wording_hints.yaml").read_text(encoding="utf-8"))
    change(content)
    file = folder / "hints.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def test_hints_of_the_package_have_no_problem():
    assert check_hints() == []


def test_every_anchor_has_hints_but_those_that_only_ever_praised(lexicon):
    for task, anchors in lexicon.anchors.items():
        for anchor in anchors:
            hints = [hint for label in HARMFUL[task] for hint in hints_for(anchor, label)]
            assert bool(hints) is (anchor not in NEVER_HARMFUL), anchor
            assert {hint.task for hint in hints} <= {task}


def test_labels_that_may_harm_are_labels_of_their_task():
    for task, labels in HARMFUL.items():
        assert set(labels) <= set(load_tasks()[task].labels)


@pytest.mark.parametrize(
    ("anchor", "label"), [("claims", "exclude"), ("refused", "neutral"), ("pleasant", "negative"), ("sad", "negative")]
)
def test_harmless_labels_and_other_words_have_no_hint(anchor, label):
    assert hints_for(anchor, label) == []


def test_doubt_and_difficulty_have_hints_of_their_own():
    (doubt,), (difficulty,) = hints_for("Insists", "disbelief"), hints_for("insists", "difficult")
    assert doubt.family == difficulty.family == "insist"
    assert doubt.example_before != difficulty.example_before
    assert doubt.source_url == "https://doi.org/10.1007/s11606-021-06682-z"


def test_examples_are_about_women_and_men():
    examples = " ".join(f"{hint.example_before} {hint.example_after}" for hint in HINTS).lower()
    women, men = (len(re.findall(rf"\b(?:{words})\b", examples)) for words in ("she|her|woman", "he|his|him|man"))
    assert 0.5 < women / men < 2


def test_every_source_is_used_and_tells_its_year():
    content = yaml.safe_load((RESOURCES / "wording_hints.yaml").read_text(encoding="utf-8"))
    used = {hint["source"] for family in content["families"] for hint in family["hints"]}
    assert used == set(content["sources"])
    for name, source in content["sources"].items():
        assert name.rsplit("-", 1)[1] in source["citation"], name


def test_no_example_after_holds_an_anchor():
    search = AnchorSearch()
    assert not any(search.search(hint.example_after) for hint in HINTS)
    assert all(search.search(hint.example_before) for hint in HINTS)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"example_after": "She insists on it."}, "claim: the anchor 'insists' in the example after"),
        ({"example_before": "She says so."}, "claim: expected an anchor of the family in the example before"),
        ({"example_before": "He claims to be angry."}, "claim: 'angry' of another family in the example before"),
        ({"example_after": "  "}, f"claim: expected 1 to {LONGEST} characters in the example after, found 0"),
        ({"principle": "a" * 400}, f"claim: expected 1 to {LONGEST} characters in the principle, found 400"),
        ({"source_url": "doi:1"}, "claim: expected an address with https, found 'doi:1'"),
        ({"labels": ("exclude",)}, "claim: 'exclude' is no label of the task 'adamant' that may harm"),
        ({"anchors": ("claims", "swears")}, "claim: 'swears' is no anchor of the task 'adamant'"),
        ({"family": "other"}, "expected 'claims' in one family, found it in 2"),
    ],
)
def test_checker_names_the_problem(changes, problem):
    assert problem in problems_with(**changes)


def test_checker_wants_every_example_once():
    assert problems_with(example_after=HINTS[0].example_after) == [
        f"expected every example once, found 2 times: {HINTS[0].example_after}"
    ]


def test_checker_wants_a_hint_for_every_published_use_that_may_harm():
    problems = check_hints(hint for hint in HINTS if hint.family != "historian")
    assert problems == ["no hint for 'historian' labelled 'negative'"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c["families"][0]["hints"][0].update(source="nobody-1999"),
            "family 'adamant': expected a source among",
        ),
        (
            lambda c: c["families"][0]["hints"][0].pop("before"),
            "family 'adamant': expected the keys labels, principle, be",
        ),
        (lambda c: c["families"][0].update(replacement="states"), "family 'adamant': expected the keys name, task"),
        (lambda c: c["sources"]["sun-2022"].pop("url"), "source 'sun-2022': expected the keys citation, url, says"),
        (lambda c: c.pop("sources"), "wording hints: expected the keys sources, families, found families"),
    ],
)
def test_files_with_missing_or_unknown_entries_are_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        load_hints(write(tmp_path, change))


def test_hints_are_read_without_torch():
    code = "import sys; from stigma_hf.wording_hints import check_hints; check_hints(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
