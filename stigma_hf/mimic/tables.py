"""What MIMIC-IV knows of each admission: the patient, the stay, its last service and unit, its billing codes."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stigma_hf.mimic import categories
from stigma_hf.mimic.csv_input import read_table
from stigma_hf.mimic.files import MimicFiles

_CATEGORY = pa.dictionary(pa.int32(), pa.string())
_TIME = pa.timestamp("s")

ADMISSIONS = {
    "subject_id": pa.int64(),
    "hadm_id": pa.int64(),
    "admittime": pa.string(),
    "dischtime": pa.string(),
    "admission_type": _CATEGORY,
    "insurance": _CATEGORY,
    "language": _CATEGORY,
    "marital_status": _CATEGORY,
    "race": _CATEGORY,
}
PATIENTS = {
    "subject_id": pa.int64(),
    "gender": _CATEGORY,
    "anchor_age": pa.int32(),
    "anchor_year_group": _CATEGORY,
}
SERVICES = {"hadm_id": pa.int64(), "transfertime": _TIME, "curr_service": _CATEGORY}
TRANSFERS = {"hadm_id": pa.int64(), "intime": _TIME, "careunit": _CATEGORY}
DIAGNOSES = {"hadm_id": pa.int64(), "seq_num": pa.int32(), "icd_code": pa.string(), "icd_version": pa.int8()}


class AdmissionTable:
    """The metadata of every admission, one row each, looked up by `hadm_id`.

    Attributes:
        rows: One row per admission in file order: `subject_id, hadm_id, admittime, dischtime, admission_type, race,
            language, marital_status, insurance, sex, age, time_period, service, unit, icd_9_codes, icd_10_codes`.
            What is not known is missing. `age` is the patient's age in the anchor year, as published.
        counts: How many rows of which table stand alone: no patient for an admission, no admission for a service.
        languages: The languages as recorded; their spelling tells releases apart.

    Args:
        files: Where the tables are.
    """

    def __init__(self, files: MimicFiles) -> None:
        self.counts: Counter[str] = Counter()
        admissions = read_table(files.admissions, ADMISSIONS)
        self._index = _Index(_keys(admissions["hadm_id"]))
        self._subjects = _keys(admissions["subject_id"])
        self._count("admissions that stand twice", len(admissions) - self._index.distinct)
        self.languages = frozenset(pc.unique(admissions["language"].cast(pa.string())).to_pylist())
        races = pc.value_counts(admissions["race"].cast(pa.string())).to_pylist()
        unknown = [race["counts"] for race in races if race["values"] and not categories.is_known_race(race["values"])]
        self._count("admissions of a race without a published group", sum(unknown))
        columns = {
            **{name: admissions[name] for name in ("subject_id", "hadm_id", "admittime", "dischtime")},
            "admission_type": _categories(admissions["admission_type"], categories.title),
            "race": _categories(admissions["race"], categories.race_group),
            "language": _categories(admissions["language"], categories.language),
            "marital_status": _categories(admissions["marital_status"], categories.title),
            "insurance": _categories(admissions["insurance"], categories.title),
            **self._patients(files, admissions["subject_id"]),
            "service": self._last(files, "services", SERVICES),
            "unit": self._last(files, "transfers", TRANSFERS),
            **self._codes(files),
        }
        self.rows = pa.table(columns)

    def take(self, hadm_ids: pa.Array) -> pa.Table:
        """The rows of some admissions, in the order asked for; all missing where there is no such admission."""
        places = self._index.find(_keys(hadm_ids))
        return self.rows.take(pa.array(places, mask=places < 0))

    def subjects_of(self, hadm_ids: pa.Array) -> np.ndarray:
        """The patient of each admission asked for, -1 where there is no such admission; shape (len(hadm_ids),)."""
        places = self._index.find(_keys(hadm_ids))
        return np.where(places < 0, -1, self._subjects[places])

    def _patients(self, files: MimicFiles, subject_ids: pa.ChunkedArray) -> dict[str, pa.Array]:
        patients = read_table(files.patients, PATIENTS)
        index = _Index(_keys(patients["subject_id"]))
        self._count("patients that stand twice", len(patients) - index.distinct)
        places = index.find(_keys(subject_ids))
        self._count("admissions without a patient", np.count_nonzero(places < 0))
        found = patients.take(pa.array(places, mask=places < 0))
        return {
            "sex": _categories(found["gender"], categories.sex),
            "age": found["anchor_age"],
            "time_period": _categories(found["anchor_year_group"], str),
        }

    def _last(self, files: MimicFiles, name: str, schema: dict[str, pa.DataType]) -> pa.Array:
        """The last value of each admission by time; a value that is empty, as of a discharge, does not count."""
        keys, time, value = schema
        table = read_table(files.paths[name], schema)
        table = table.filter(pc.and_(pc.is_valid(table[keys]), pc.not_equal(table[value].cast(pa.string()), "")))
        places = self._places(table[keys], name)
        times = table[time].cast(pa.int64()).fill_null(np.iinfo(np.int64).min).to_numpy()
        order = np.lexsort((times, places))
        is_last = np.append(np.diff(places[order]) != 0, True)[: len(order)]
        last = np.full(len(self._index), -1)
        last[places[order][is_last]] = order[is_last]
        return _categories(table[value].take(pa.array(last, mask=last < 0)), str)

    def _codes(self, files: MimicFiles) -> dict[str, pa.Array]:
        """Codes of each admission in their recorded order, by version of the classification."""
        table = read_table(files.diagnoses_icd, DIAGNOSES)
        places = self._places(table["hadm_id"], "diagnoses_icd")
        ranks = table["seq_num"].fill_null(0).to_numpy()
        versions = table["icd_version"].fill_null(0).to_numpy()
        unknown = np.count_nonzero(~np.isin(versions, (9, 10)))
        self._count("diagnoses_icd rows of another version than 9 or 10", unknown)
        codes = table["icd_code"].combine_chunks()
        lists = {}
        for version in (9, 10):
            rows = np.flatnonzero((versions == version) & (places >= 0))
            order = rows[np.lexsort((ranks[rows], places[rows]))]
            counts = np.bincount(places[rows], minlength=len(self._index))
            offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
            lists[f"icd_{version}_codes"] = pa.ListArray.from_arrays(offsets, codes.take(pa.array(order)))
        return lists

    def _places(self, hadm_ids: pa.ChunkedArray, table: str) -> np.ndarray:
        """The admission of each row of a table, -1 where there is none; those are counted."""
        places = self._index.find(_keys(hadm_ids))
        self._count(f"{table} rows without an admission", np.count_nonzero(places < 0))
        return places

    def _count(self, what: str, rows: int | np.integer[Any]) -> None:
        if rows:
            self.counts[what] += int(rows)


class _Index:
    """Finds the row of a key; the first one where a key stands twice."""

    def __init__(self, keys: np.ndarray) -> None:
        self._order = np.argsort(keys, kind="stable").astype(np.int32)
        self._sorted = keys[self._order]
        self.distinct = len(keys) - int(np.count_nonzero(np.diff(self._sorted) == 0))

    def __len__(self) -> int:
        return len(self._order)

    def find(self, keys: np.ndarray) -> np.ndarray:
        """The row of each key, -1 where there is none; shape (len(keys),)."""
        if not len(self):
            return np.full(len(keys), -1, np.int32)
        places = np.minimum(np.searchsorted(self._sorted, keys), len(self) - 1)
        return np.where((self._sorted[places] == keys) & (keys >= 0), self._order[places], -1)


def _keys(ids: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Ids as numbers; -1 where there is none, which is no id in MIMIC-IV."""
    keys: np.ndarray = ids.fill_null(-1).to_numpy()
    return keys


def _categories(values: pa.ChunkedArray, convert: Callable[[str], str]) -> pa.Array:
    """A column of categories, each converted once; empty ones become missing."""
    column = values.combine_chunks()
    names = [convert(name) or None for name in column.dictionary.to_pylist()]
    return pa.array(names, pa.string()).dictionary_encode().take(column.indices)
