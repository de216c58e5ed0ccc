"""Identifiers of invented patients: eight digits, none of which MIMIC-IV uses, and the split that a patient is in."""

from random import Random

from stigma_hf.mimic.splits import hash_split, released_split
from stigma_hf.synthetic.shares import SPLITS, Split

FIRST_SUBJECT, LAST_SUBJECT = 90_000_000, 99_999_999
"""Range of subject ids; those of MIMIC-IV lie between 10,000,000 and 19,999,999."""
FIRST_ADMISSION, FIRST_TRANSFER = 80_000_000, 70_000_000
"""Smallest admission and transfer ids; those of MIMIC-IV lie between 20,000,000 and 39,999,999."""

_PRIME = 9_999_991
_STRIDE = 7_368_787


def draw_subjects(count: int, rng: Random) -> tuple[list[int], list[Split]]:
    """Ascending ids of so many patients, and the split of each.

    The released split goes by the place of a patient among all, the hash split by the id. The ids are drawn so that
    both say the same: whichever is used on the tree, no sentence of one split is seen in another.

    Args:
        count: Number of patients.
        rng: Source of the ids.

    Raises:
        ValueError: If there are too many patients for the range of ids.
    """
    width = (LAST_SUBJECT - FIRST_SUBJECT + 1) // max(count, 1)
    if width < 200:
        raise ValueError(f"expected at most {(LAST_SUBJECT - FIRST_SUBJECT + 1) // 200:,} patients, found {count:,}")
    names: dict[str, Split] = {split: split for split in SPLITS}
    splits = [names[split] for split in released_split(range(count)).values()]
    subjects = [0] * count
    open_places = list(range(count))
    while open_places:
        for place in open_places:
            subjects[place] = FIRST_SUBJECT + place * width + int(rng.random() * width)
        drawn = hash_split(subjects[place] for place in open_places)
        open_places = [place for place in open_places if drawn[subjects[place]] != splits[place]]
    return subjects, splits


def scattered(first: int, index: int) -> int:
    """The id number `index` of a kind: distinct for every index, in no order that can be seen."""
    return first + index * _STRIDE % _PRIME
