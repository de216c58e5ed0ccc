"""The rows that the hospital tables hold about one invented patient."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Literal

from stigma_hf.synthetic.identifiers import FIRST_ADMISSION, FIRST_TRANSFER, scattered
from stigma_hf.synthetic.plan import UNKNOWN_RACE
from stigma_hf.synthetic.published import Stratum
from stigma_hf.synthetic.slots import Sex

Release = Literal["2.2", "3.1"]
Row = tuple[object, ...]

COLUMNS = {
    "admissions": "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,admit_provider_id,"
    "admission_location,discharge_location,insurance,language,marital_status,race,edregtime,edouttime,hospital_expire_flag",
    "patients": "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod",
    "diagnoses_icd": "subject_id,hadm_id,seq_num,icd_code,icd_version",
    "services": "subject_id,hadm_id,transfertime,prev_service,curr_service",
    "transfers": "subject_id,hadm_id,transfer_id,eventtype,careunit,intime,outtime",
}
"""Column names of the hospital tables, those of MIMIC-IV."""

SERVICES = {
    "MED": "MEDICINE",
    "SURG": "SURGERY",
    "NMED": "NEUROLOGY",
    "CMED": "CARDIOLOGY",
    "ORTHO": "ORTHOPAEDICS",
    "OMED": "ONCOLOGY",
    "NSURG": "NEUROSURGERY",
    "VSURG": "VASCULAR SURGERY",
    "TRAUM": "SURGERY",
    "PSYCH": "PSYCHIATRY",
}
"""Service codes, and how the head of a note names the service."""

_RACES = {
    "black": ("BLACK/AFRICAN AMERICAN",) * 6 + ("BLACK/CAPE VERDEAN", "BLACK/AFRICAN", "BLACK/CARIBBEAN ISLAND"),
    "white": ("WHITE",) * 12
    + ("WHITE - OTHER EUROPEAN", "WHITE - RUSSIAN", "WHITE - EASTERN EUROPEAN", "WHITE - BRAZILIAN"),
    "other": (
        "HISPANIC/LATINO - PUERTO RICAN|HISPANIC/LATINO - DOMINICAN|HISPANIC OR LATINO|ASIAN|ASIAN - CHINESE|"
        "ASIAN - SOUTH EAST ASIAN|ASIAN - ASIAN INDIAN|OTHER|OTHER|PORTUGUESE|SOUTH AMERICAN|MULTIPLE RACE/ETHNICITY|"
        "AMERICAN INDIAN/ALASKA NATIVE|NATIVE HAWAIIAN OR OTHER PACIFIC ISLANDER|HISPANIC/LATINO - CENTRAL AMERICAN"
    ).split("|"),
    UNKNOWN_RACE: ("UNKNOWN", "UNABLE TO OBTAIN", "PATIENT DECLINED TO ANSWER"),
}
_INSURANCES: dict[Release, list[str]] = {
    "2.2": ["Medicare"] * 4 + ["Medicaid"] + ["Other"] * 5,
    "3.1": ["Medicare"] * 9 + ["Private"] * 6 + ["Medicaid"] * 4 + ["Other", "No charge", ""],
}
_LANGUAGES: dict[Release, list[str]] = {
    "2.2": ["ENGLISH"] * 9 + ["?"],
    "3.1": ["English"] * 27 + ["Spanish", "Russian", "Chinese", "Kabuverdianu", "Portuguese", "Haitian", "Other", ""],
}
_YEAR_GROUPS: dict[Release, list[str]] = {
    "2.2": ["2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019"],
    "3.1": ["2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019", "2020 - 2022"],
}
_MARITAL = ("MARRIED", "MARRIED", "MARRIED", "SINGLE", "SINGLE", "SINGLE", "WIDOWED", "DIVORCED", "")
_TYPES = (
    "EW EMER.|EW EMER.|EW EMER.|OBSERVATION ADMIT|URGENT|SURGICAL SAME DAY ADMISSION|ELECTIVE|DIRECT EMER.|"
    "EU OBSERVATION|DIRECT OBSERVATION|AMBULATORY OBSERVATION"
).split("|")
_ORIGINS = (
    "EMERGENCY ROOM",
    "EMERGENCY ROOM",
    "PHYSICIAN REFERRAL",
    "TRANSFER FROM HOSPITAL",
    "WALK-IN/SELF REFERRAL",
)
_DESTINATIONS = ("HOME", "HOME", "HOME HEALTH CARE", "SKILLED NURSING FACILITY", "REHAB", "AGAINST ADVICE", "")
_UNITS = (
    "Medicine|Medicine|Medicine/Cardiology|Med/Surg|Neurology|Surgery/Trauma|Transplant|Hematology/Oncology|"
    "Psychiatry|Medical Intensive Care Unit (MICU)|Cardiac Vascular Intensive Care Unit (CVICU)|"
    "Surgical Intensive Care Unit (SICU)"
).split("|")
_ICD = {
    9: "4280|41401|25000|4019|5849|30391|30401|V1582|07070|5715|78959|0389|49392|2724|53081|E8889".split("|"),
    10: "I5022|I2510|E119|I10|N179|F1020|F1120|Z87891|B182|K7460|R4182|A419|J449|E785|K219|Z9114|Z794".split("|"),
}
_DEATH_SHARE = 0.1
"""Share of patients who die in a last stay that has no note."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A hospital stay.

    Attributes:
        hadm_id: Its id.
        admitted: When it began.
        discharged: When it ended.
        service: Code of the first service.
        is_fatal: Whether the patient died in it.
    """

    hadm_id: int
    admitted: datetime
    discharged: datetime
    service: str
    is_fatal: bool


class PeopleWriter:
    """Makes the rows of patients, one after the other.

    Args:
        release: Release of MIMIC-IV whose category values are used.
    """

    def __init__(self, release: Release) -> None:
        self._release: Release = release
        self._admissions = count()
        self._transfers = count()

    def write(
        self, subject: int, stratum: Stratum, note_count: int, rng: Random
    ) -> tuple[dict[str, list[Row]], list[Stay]]:
        """The rows of one patient, by table, and the stays that have a note, in time.

        Args:
            subject: Id of the patient.
            stratum: Race and sex.
            note_count: How many stays have a note; there may be more without.
            rng: Source of all choices.
        """
        rows: dict[str, list[Row]] = {table: [] for table in COLUMNS}
        without_note = rng.choice((0, 0, 0, 1, 2)) if note_count else 1
        has_note = [True] * note_count + [False] * without_note
        rng.shuffle(has_note)
        year = rng.randint(2110, 2200)
        now = datetime(year, rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59))
        person = self._person(stratum, rng)
        stays: list[Stay] = []
        for i, noted in enumerate(has_note):
            is_fatal = i == len(has_note) - 1 and not noted and rng.random() < _DEATH_SHARE
            stay = Stay(
                scattered(FIRST_ADMISSION, next(self._admissions)),
                now,
                now + timedelta(hours=rng.randint(10, 400), minutes=rng.randint(0, 59)),
                rng.choice(list(SERVICES)),
                is_fatal,
            )
            now = stay.discharged + timedelta(days=rng.randint(3, 500), minutes=rng.randint(0, 1439))
            rows["admissions"].append(self._admission(subject, stay, person, rng))
            rows["diagnoses_icd"] += _diagnoses(subject, stay, rng)
            rows["services"] += _services(subject, stay, rng)
            rows["transfers"] += self._transfer_rows(subject, stay, rng)
            if noted:
                stays.append(stay)
        if rng.random() < 0.2:
            leave = now + timedelta(hours=rng.randint(2, 20))
            rows["transfers"].append((subject, "", self._transfer_id(), "ED", "Emergency Department", now, leave))
        death = str(stay.discharged.date()) if stay.is_fatal else ""
        group = rng.choice(_YEAR_GROUPS[self._release])
        rows["patients"].append((subject, sex_of(stratum), rng.randint(18, 91), year, group, death))
        return rows, stays

    def _person(self, stratum: Stratum, rng: Random) -> Row:
        """Language, marital status and race, which stay the same from stay to stay."""
        return rng.choice(_LANGUAGES[self._release]), rng.choice(_MARITAL), rng.choice(_RACES[stratum.race])

    def _admission(self, subject: int, stay: Stay, person: Row, rng: Random) -> Row:
        death = stay.discharged if stay.is_fatal else ""
        kind, origin = rng.choice(_TYPES), rng.choice(_ORIGINS)
        from_ed = origin == "EMERGENCY ROOM"
        return (
            subject,
            stay.hadm_id,
            stay.admitted,
            stay.discharged,
            death,
            kind,
            f"P{rng.randrange(100_000):05d}",
            origin,
            "DIED" if stay.is_fatal else rng.choice(_DESTINATIONS),
            rng.choice(_INSURANCES[self._release]),
            *person,
            stay.admitted - timedelta(hours=6) if from_ed else "",
            stay.admitted + timedelta(minutes=40) if from_ed else "",
            int(stay.is_fatal),
        )

    def _transfer_rows(self, subject: int, stay: Stay, rng: Random) -> list[Row]:
        """The units of a stay: admitted, moved or not, discharged."""
        moves = rng.choice((0, 0, 1, 2))
        step = (stay.discharged - stay.admitted) / (moves + 1)
        times = [(stay.admitted + step * i).replace(microsecond=0) for i in range(moves + 1)] + [stay.discharged]
        rows: list[Row] = [
            (
                subject,
                stay.hadm_id,
                self._transfer_id(),
                "transfer" if i else "admit",
                rng.choice(_UNITS),
                *times[i : i + 2],
            )
            for i in range(moves + 1)
        ]
        rows.append((subject, stay.hadm_id, self._transfer_id(), "discharge", "", stay.discharged, ""))
        return rows

    def _transfer_id(self) -> int:
        return scattered(FIRST_TRANSFER, next(self._transfers))


def sex_of(stratum: Stratum) -> Sex:
    """The sex of a demographic group as the patients table writes it."""
    return "F" if stratum.sex == "female" else "M"


def _diagnoses(subject: int, stay: Stay, rng: Random) -> list[Row]:
    """Billing codes of a stay."""
    version = rng.choice((9, 10))
    codes = rng.sample(_ICD[version], rng.randint(1, 8))
    return [(subject, stay.hadm_id, number, code, version) for number, code in enumerate(codes, 1)]


def _services(subject: int, stay: Stay, rng: Random) -> list[Row]:
    """The services of a stay, of which some have two."""
    rows: list[Row] = [(subject, stay.hadm_id, stay.admitted, "", stay.service)]
    if rng.random() < 0.2:
        later = stay.admitted + (stay.discharged - stay.admitted) / 2
        other = rng.choice([code for code in SERVICES if code != stay.service])
        rows.append((subject, stay.hadm_id, later.replace(microsecond=0), stay.service, other))
    return rows
