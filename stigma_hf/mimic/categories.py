"""The categories of MIMIC-IV's metadata, in the words of the published data set.

Releases before 3 write most categories in capitals, later ones as words; here both come out alike.
"""

RACE_GROUPS = {
    "AMERICAN INDIAN": "American Indian or Native",
    "ASIAN": "Asian",
    "BLACK": "Black or African American",
    "HISPANIC": "Hispanic or Latino",
    "MULTIPLE RACE": "Mixed",
    "NATIVE HAWAIIAN": "American Indian or Native",
    "OTHER": "Other",
    "PATIENT DECLINED": "Unknown",
    "PORTUGUESE": "Portuguese",
    "SOUTH AMERICAN": "South American",
    "UNABLE TO OBTAIN": "Unknown",
    "UNKNOWN": "Unknown",
    "WHITE": "White or Caucasian",
}
"""How a race in MIMIC-IV begins, and the published group it belongs to."""

_SEXES = {"F": "Female", "M": "Male"}


def is_known_race(race: str) -> bool:
    """Whether a race belongs to a published group."""
    return race.upper().startswith(tuple(RACE_GROUPS))


def race_group(race: str) -> str:
    """The published group of a race; one that belongs to none keeps its name, in title case."""
    group = next((group for start, group in RACE_GROUPS.items() if race.upper().startswith(start)), None)
    return group or race.title()


def sex(gender: str) -> str:
    """The sex that a gender code of MIMIC-IV stands for."""
    return _SEXES.get(gender.upper(), gender)


def language(name: str) -> str:
    """A language by its name; `?` is how releases before 3 write every language but English."""
    return "Unknown" if name == "?" else name.title()


def title(category: str) -> str:
    """A category in title case."""
    return category.title()
