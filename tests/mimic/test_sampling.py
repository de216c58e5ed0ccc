import random
import tracemalloc
from collections import Counter

import pytest

from stigma_hf import AnchorSearch
from stigma_hf.errors import UsageError
from stigma_hf.mimic.sampling import (
    sample_matches,
    split_context,
)


def row(number, anchor="claims", task="adamant", text=None):
    left = text or f"seen on day {number} she"
    return {
        "note_id": f"{10_000_000 + number}-DS-1",
        "task": task,
        "anchor": anchor,
        "clean_start": 500 + number,
        "clean_end": 500 + number + len(anchor),
        "context": f"{left} {anchor} to be well",
    }


def rows(**n_by_anchor):
    return [row(number, anchor) for anchor, n in n_by_anchor.items() for number in range(n)]


def anchors(sample):
    return Counter(match.anchor for match in sample.matches)


def test_every_anchor_gives_its_share_and_the_task_is_filled_up():
    sample = sample_matches(rows(claims=400, insists=12, adamant=100), per_anchor=30, per_task=200)
    assert len(sample.matches) == 200
    assert anchors(sample)["insists"] == 12
    assert min(anchors(sample)["claims"], anchors(sample)["adamant"]) > 30
    assert sample.n_seen == {("adamant", "claims"): 400, ("adamant", "insists"): 12, ("adamant", "adamant"): 100}


def test_task_is_not_filled_up_when_its_anchors_give_enough():
    assert anchors(sample_matches(rows(claims=90, insists=90), per_anchor=30, per_task=50)) == {
        "claims": 30,
        "insists": 30,
    }
    assert anchors(sample_matches(rows(claims=90, insists=5), per_anchor=50, per_task=0)) == {
        "claims": 50,
        "insists": 5,
    }


def test_small_pool_is_drawn_whole():
    assert len(sample_matches(rows(claims=40, insists=3)).matches) == 43


def test_tasks_are_drawn_each_for_itself_and_come_in_their_order():
    both = [row(n, "refused", "other") for n in range(60)] + rows(claims=60)
    sample = sample_matches(both, per_anchor=10, per_task=20)
    assert [match.task for match in sample.matches] == ["adamant"] * 20 + ["other"] * 20


def test_no_matches_give_an_empty_sample():
    assert sample_matches([]).matches == ()


def test_sample_does_not_depend_on_the_order_of_the_matches():
    pool = [row(n % 300, anchor) for anchor in ("claims", "insists") for n in range(600)]
    expected = sample_matches(pool, per_anchor=20, per_task=100, seed=3)
    for seed in range(5):
        shuffled = random.Random(seed).sample(pool, len(pool))
        assert sample_matches(iter(shuffled), per_anchor=20, per_task=100, seed=3) == expected


def test_another_seed_draws_another_sample():
    first, second = (sample_matches(rows(claims=1000), per_task=0, seed=seed) for seed in (1, 2))
    assert len({match.id for match in first.matches} & {match.id for match in second.matches}) < 10


def test_repeated_texts_count_once_and_the_first_note_stands_for_them():
    repeated = [row(number, text="template says he") for number in (7, 3, 9)]
    sample = sample_matches([*repeated, row(1)])
    assert sorted(match.note_id for match in sample.matches) == ["10000001-DS-1", "10000003-DS-1"]
    assert sample.n_seen == {("adamant", "claims"): 4}


def test_repeats_have_no_greater_chance():
    pool = [row(number, text="template says he") for number in range(500)] + rows(claims=20)
    drawn = sum("template" in sample_matches(pool, 1, 0, seed).matches[0].context_left for seed in range(100))
    assert drawn < 20


def test_every_match_is_drawn_as_often_as_the_others():
    pool = rows(claims=40)
    counts = Counter(
        match.note_id
        for seed in range(400)
        for match in sample_matches(pool, per_anchor=10, per_task=0, seed=seed).matches
    )
    assert len(counts) == 40
    assert all(60 < count < 145 for count in counts.values())  # 100 expected, standard deviation 9


def test_filling_up_favours_no_anchor():
    pool = rows(claims=45, insists=15)  # 40 and 10 are left when 5 of each are drawn; 10 of these 50 follow
    filled = [
        anchors(sample_matches(pool, per_anchor=5, per_task=20, seed=seed))["insists"] - 5 for seed in range(300)
    ]
    assert 1.7 < sum(filled) / len(filled) < 2.3


def test_later_rounds_leave_out_earlier_instances_and_their_repeats():
    pool = [row(n % 100) for n in range(200)]
    first = sample_matches(pool, per_anchor=60, per_task=0)
    again = [{**match, "note_id": "19999999-DS-9"} for match in pool]
    second = sample_matches(again, per_anchor=60, per_task=0, exclude=first.matches)
    assert len(first.matches) == 60 and len(second.matches) == 40
    assert not {match.context_left for match in first.matches} & {match.context_left for match in second.matches}


def test_memory_does_not_grow_with_the_matches():
    def peak(n):
        tracemalloc.start()
        sample_matches((row(number) for number in range(n)), per_anchor=30, per_task=50)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    peak(1000)
    assert peak(20_000) < peak(2_000) * 1.5


def test_row_without_a_column_is_named():
    with pytest.raises(UsageError, match="match 1: expected columns note_id, .* missing anchor, context"):
        sample_matches([row(1), {k: v for k, v in row(2).items() if k not in ("anchor", "context")}])


def test_unknown_task_and_negative_counts_are_refused():
    with pytest.raises(UsageError, match="match 0: expected a task among adamant, compliance, other, found 'tone'"):
        sample_matches([row(1, task="tone")])
    with pytest.raises(UsageError, match="expected counts from 0 on, found per_anchor=-1"):
        sample_matches([], per_anchor=-1)


def test_window_without_its_anchor_is_counted(caplog):
    sample = sample_matches([row(1), {**row(2), "context": "nothing here"}])
    assert len(sample.matches) == 1 and sample.n_without_anchor == 1
    assert "1 matches left out" in caplog.text
    assert "nothing here" not in caplog.text


@pytest.mark.parametrize(
    "note",
    [
        "He claims to be well.",
        "Well\nas he   CLAIMS",
        "- claims pain, mother claims none, he claims both and claims more and claims to have claimed it.",
        "one two three four five six seven eight nine claims claims ten claims eleven claims twelve.",
        "Adamant. " + "She said so. " * 20 + "Remains adamant, adamant about it" + " and so on" * 20,
        "She is poorly   groomed, non-compliant (claims) caf\u00e9.",
        "Her affect is pleasant",
    ],
)
def test_window_is_split_around_the_match_itself(note):
    search = AnchorSearch()
    clean = " ".join(note.lower().replace("\u00e9", "e").split())
    for match in search.search(note):
        left, anchor, right = split_context(match.context, match.anchor, match.clean_start)
        before, after = clean[: match.clean_start].rstrip(), clean[match.clean_end :].lstrip()
        assert before.endswith(left)
        assert len(left.split()) == 10 or left == before.lstrip("- ")
        assert after.replace(" ", "").startswith(right.replace(" ", ""))
        assert anchor.replace(" ", "") == match.anchor.replace(" ", "")


def test_split_parts_make_the_window_again():
    match = AnchorSearch().search("Patient is drug seeking, per the nurse.")[0]
    assert split_context(match.context, match.anchor, match.clean_start) == (
        "patient is",
        "drug seeking",
        ", per the nurse.",
    )
