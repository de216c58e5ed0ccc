"""Reports: groups, standardised ratios, bounds, and what is left out."""

import json

import numpy as np
import pytest

from stigma_hf.errors import UsageError
from stigma_hf.prevalence.estimate import estimate_prevalence
from stigma_hf.prevalence.spans import CorpusSpans

LABELS = ("negative", "neutral")


def corpus(seed=0, n=3000, labelled=400, unsampled=(), **changes):
    """Two groups, alike within each anchor, but one of them uses the harsher anchor more."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["F", "M"], n)
    anchor = np.where(rng.random(n) < np.where(group == "F", 0.7, 0.3), "refused", "declined")
    true = np.where(rng.random(n) < np.where(anchor == "refused", 0.9, 0.3), "negative", "neutral")
    said = np.where(rng.random(n) < 0.85, true, "neutral")
    gold = np.where((np.arange(n) < labelled) & ~np.isin(anchor, unsampled), true, None)
    columns = {
        "anchors": anchor,
        "patients": np.arange(n) // 2,
        "notes": np.arange(n) // 2,
        "predicted": said,
        "gold": gold,
        "groups": {"sex": group},
    }
    return CorpusSpans.from_columns("compliance", LABELS, **(columns | changes))


def test_ratios_compare_groups_at_the_same_mix_of_anchors():
    report = estimate_prevalence([corpus()], references={"sex": "M"}).task("compliance")
    women, men = report.group("sex", "F"), report.group("sex", "M")
    crude = women.share("negative").corrected.value / men.share("negative").corrected.value
    ratio = women.ratio("negative").corrected
    assert crude > 1.3
    assert ratio.low < 1 < ratio.high
    assert women.reference == "M"
    assert women.share_of_standard == 1
    assert men.reference is None
    assert men.ratios == ()


def test_the_largest_group_is_the_reference_if_none_is_named():
    sizes = corpus().groups["sex"]
    largest = sizes.names[np.bincount(sizes.codes).argmax()]
    report = estimate_prevalence([corpus()]).tasks[0]
    assert {group.reference for group in report.groups[1:]} == {None, largest}


def test_a_reference_that_is_no_group_is_refused():
    with pytest.raises(UsageError, match="expected the reference of sex among F, M, found 'X'"):
        estimate_prevalence([corpus()], references={"sex": "X"})


def test_anchors_that_were_never_sampled_are_named_and_widen_the_limits():
    report = estimate_prevalence([corpus(unsampled=["refused"])]).tasks[0]
    assert list(report.unsampled_anchors) == ["refused"]
    assert any(remark.startswith("never sampled: refused (49.") for remark in report.remarks)
    share = report.group().share("negative")
    spans = corpus()
    n_sampled = np.count_nonzero(spans.anchor == spans.anchors.index("declined"))
    assert report.group().n_spans == n_sampled
    part = n_sampled / len(spans)
    expected = share.corrected.low * part, share.corrected.high * part + 1 - part
    assert share.whole == pytest.approx(expected)
    assert share.whole[0] < 0.6 < share.whole[1]
    assert estimate_prevalence([corpus()]).tasks[0].group().share("negative").whole is None


def test_an_anchor_with_one_labelled_text_is_named():
    spans = corpus()
    gold = np.array([None if code < 0 else LABELS[code] for code in spans.gold], dtype=object)
    rare = np.array([spans.anchors[code] for code in spans.anchor])
    rare[[5, 700, 701]] = "refuses"
    report = estimate_prevalence([corpus(anchors=rare, gold=gold)]).tasks[0]
    assert "one labelled text only: refuses; how they vary is taken from the other anchors" in report.remarks


def test_small_groups_are_left_out_without_their_counts():
    groups = np.array(["F"] * 2980 + ["X"] * 20)
    report = estimate_prevalence([corpus(groups={"sex": groups})]).tasks[0].group("sex", "X")
    assert report.n_spans is report.n_patients is report.n_labelled is None
    assert report.shares == ()
    assert report.remarks == ("fewer than 20 patients",)


def test_groups_with_few_labels_are_counted_only():
    groups = np.where(np.arange(3000) < 381, "F", "M")
    report = estimate_prevalence([corpus(groups={"sex": groups})]).tasks[0]
    few = report.group("sex", "M")
    assert few.n_labelled == 19
    assert few.share("negative").corrected is few.share("negative").adjusted is None
    assert few.share("negative").counted > 0
    assert few.ratios == report.group("sex", "F").ratios == ()


def test_spans_without_a_group_are_counted():
    groups = np.where(np.arange(3000) % 10, "F", None)
    report = estimate_prevalence([corpus(groups={"sex": groups})]).tasks[0]
    assert "sex is not known for 300 spans; they are in no group of it" in report.remarks
    assert report.group("sex", "F").n_spans == 2700


def test_one_label_only_gives_an_interval_that_says_how_little_that_means():
    report = estimate_prevalence([corpus(gold=np.where(np.arange(3000) < 60, "neutral", None))]).tasks[0]
    assert "no adjusted count: no labelled span is negative" in report.remarks
    share = report.group().share("negative")
    assert share.adjusted is None
    # Of 60 labels none: 3 / 60, the rule of three, for one-sided 95 %.
    assert share.corrected.low == 0
    assert 0.04 < share.corrected.high < 0.2
    assert report.group().notes is None


def test_a_task_without_labels_says_so():
    report = estimate_prevalence([corpus(labelled=0)]).tasks[0]
    assert report.groups == ()
    assert report.remarks == ("no labelled span, nothing can be corrected",)


def test_notes_with_one_span_are_counted_and_others_bounded():
    alone = estimate_prevalence([corpus(notes=np.arange(3000))]).tasks[0].group()
    assert alone.notes.least == pytest.approx(alone.notes.largest)
    assert alone.notes.least == pytest.approx(alone.share("negative").corrected.value)
    pairs = estimate_prevalence([corpus()]).tasks[0].group().notes
    assert pairs.n == 1500
    assert alone.notes.least < pairs.least < pairs.largest <= 1


def test_harmful_labels_are_reported_together_where_there_are_several():
    spans = corpus()
    report = estimate_prevalence([spans], harmful={"compliance": LABELS}).tasks[0].group()
    assert report.share("harmful").corrected.value == pytest.approx(1)
    with pytest.raises(StopIteration):
        estimate_prevalence([spans]).tasks[0].group().share("harmful")


@pytest.mark.parametrize("settings", [{"min_cell": 0}, {"confidence": 1.0}])
def test_settings_that_cannot_be_are_refused(settings):
    with pytest.raises(UsageError, match="expected min_cell from 1 on, confidence between 0 and 1"):
        estimate_prevalence([corpus()], **settings)


def test_a_higher_confidence_gives_wider_intervals():
    narrow, wide = (
        estimate_prevalence([corpus()], confidence=level).tasks[0].group().share("negative").corrected
        for level in (0.8, 0.99)
    )
    assert wide.low < narrow.low < narrow.value == wide.value < narrow.high < wide.high


def test_reports_are_plain_json_and_rows():
    report = estimate_prevalence([corpus()], references={"sex": "M"})
    again = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert again["tasks"][0]["groups"][0]["shares"][0]["label"] == "negative"
    rows = list(report.rows())
    assert {row["measure"] for row in rows} == {
        "share",
        "rate ratio",
        *(f"{unit} with a harmful span, at {end}" for unit in ("notes", "patients") for end in ("least", "most")),
    }
    (ratio,) = [r for r in rows if (r["measure"], r["label"], r["method"]) == ("rate ratio", "negative", "corrected")]
    assert (ratio["by"], ratio["group"], ratio["reference"]) == ("sex", "F", "M")
    assert ratio["low"] < ratio["value"] < ratio["high"]
