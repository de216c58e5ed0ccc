"""A synthetic tree has the published numbers, the real file layout and annotations that fall on their anchors."""

import gzip
import json
import re
import tracemalloc
from collections import Counter, defaultdict
from hashlib import sha256

import pytest

from stigma_hf.cleaning import clean_note
from stigma_hf.errors import UsageError
from stigma_hf.mimic.categories import race_group
from stigma_hf.mimic.files import find_files
from stigma_hf.mimic.splits import hash_split, released_split
from stigma_hf.search import AnchorSearch
from stigma_hf.synthetic import published, synthesize
from stigma_hf.synthetic.sentences import load_sentences
from stigma_hf.synthetic.shares import assign_shares
from stigma_hf.tasks import load_tasks


def as_the_builder_reads(note):
    return note.encode().decode("latin-1")


def checksums(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def test_default_has_the_published_totals(default_tree):
    assert len(default_tree.annotations) == default_tree.tree.spans == 5043
    assert len(default_tree.notes) == len(default_tree.rows("discharge.csv.gz")) == 4710
    assert {row["encounter_note_id"] for row in default_tree.annotations} == set(default_tree.notes)
    patients = [row["subject_id"] for row in default_tree.rows("patients.csv.gz")]
    assert len(patients) == len(set(patients)) == 4259
    assert {row["subject_id"] for row in default_tree.notes.values()} == set(patients)


def test_default_has_the_published_anchors_of_each_label(default_tree):
    found = Counter((r["keyword_category"], r["label"], r["keyword"]) for r in default_tree.annotations)
    expected = {
        (*cell, anchor): n for cell, counts in published.anchor_counts().items() for anchor, n in counts.items()
    }
    assert found == expected


def test_default_has_the_published_notes_and_patients_of_each_label(default_tree):
    notes, patients = defaultdict(set), defaultdict(set)
    for row in default_tree.annotations:
        cell = (row["keyword_category"], row["label"])
        notes[cell].add(row["encounter_note_id"])
        patients[cell].add(default_tree.subject(row))
    for cell, totals in published.label_totals().items():
        assert (len(notes[cell]), len(patients[cell])) == (totals.notes, totals.patients)


def test_default_has_the_published_sex_and_race_of_each_label(default_tree):
    groups = {"Black or African American": "black", "White or Caucasian": "white", "Unknown": "unknown"}
    race = {row["subject_id"]: groups.get(race_group(row["race"]), "other") for row in default_tree.admissions}
    sexes = {"F": "female", "M": "male"}
    sex = {row["subject_id"]: sexes[row["gender"]] for row in default_tree.rows("patients.csv.gz")}
    spans, patients = Counter(), defaultdict(set)
    for row in default_tree.annotations:
        subject = default_tree.subject(row)
        stratum = (row["keyword_category"], row["label"], race[subject], sex[subject])
        spans[stratum] += 1
        patients[stratum].add(subject)
    for cell, strata in published.stratum_totals().items():
        for stratum, totals in strata.items():
            key = (*cell, *stratum)
            assert (spans[key], len(patients[key])) == (totals.spans, totals.patients)


def test_every_annotation_falls_on_its_anchor(default_tree):
    search, windows = AnchorSearch(), []
    found = {note_id: search.search(as_the_builder_reads(row["text"])) for note_id, row in default_tree.notes.items()}
    for row in default_tree.annotations:
        place = (row["keyword_category"], int(row["start"]), int(row["end"]))
        (match,) = [m for m in found[row["encounter_note_id"]] if (m.task, m.clean_start, m.clean_end) == place]
        assert match.anchor == row["keyword"]
        windows.append(match.context)
    annotated = set(windows)
    assert len(annotated) == len(windows)
    everywhere = Counter(m.context for matches in found.values() for m in matches)
    assert all(everywhere[window] == 1 for window in annotated)


def test_about_half_of_the_notes_hold_other_anchors(default_tree):
    search = AnchorSearch()
    annotated = Counter(row["encounter_note_id"] for row in default_tree.annotations)
    more = sum(
        len(search.search(as_the_builder_reads(row["text"]))) > annotated[note_id]
        for note_id, row in default_tree.notes.items()
    )
    assert 0.4 < more / len(default_tree.notes) < 0.6


def test_notes_look_like_discharge_summaries(default_tree):
    texts = [row["text"] for row in default_tree.notes.values()]
    lengths = [len(text) for text in texts]
    assert 9_000 < sum(lengths) / len(lengths) < 11_000
    assert 0.07 < sum(not text.isascii() for text in texts) / len(texts) < 0.13
    for text in texts[:200]:
        assert max(map(len, text.splitlines())) <= 80
        assert "___" in text and "\nDischarge Medications:\n1. " in text and "Brief Hospital Course:\n# " in text
        assert not re.search(r"[{}\ue000-\uf8ff]", text)
    paragraphs = Counter(paragraph for text in texts for paragraph in set(text.split("\n\n")) if len(paragraph) > 200)
    assert paragraphs.most_common(1)[0][1] > 50


def test_some_anchors_of_two_words_are_broken_by_a_line_end(default_tree):
    broken = re.compile(r"(drug|narcotic)\nseeking|secondary\ngain|(well|poorly)\ngroomed")
    assert any(broken.search(row["text"]) for row in default_tree.notes.values())


def test_released_and_hash_split_agree(default_tree):
    ids = [int(row["subject_id"]) for row in default_tree.admissions]
    assert released_split(ids) == hash_split(ids)


def test_sentences_of_one_split_are_in_no_note_of_another(default_tree):
    search, windows = AnchorSearch(window_words=25), defaultdict(str)
    for row in default_tree.notes.values():
        matches = search.search(as_the_builder_reads(row["text"]))
        windows[default_tree.split[row["subject_id"]]] += "\n".join(match.context for match in matches)
    seen = 0
    for sentence, share in assign_shares(load_sentences()).items():
        parts = re.split(r"<[^>]*>", re.sub(r"[\[\]]", "", sentence.text))
        for piece in [clean_note(part) for part in parts if len(re.findall(r"[a-z]+", part)) >= 6 and "{" not in part]:
            assert not any(piece in windows[split] for split in windows if split != share), sentence.place
            seen += piece in windows[share]
    assert seen > 200


def test_annotators_see_spans_once_or_twice_and_mostly_agree(default_tree):
    labels = {task.id: task.labels for task in load_tasks().values()}
    twice = agreed = 0
    for row in default_tree.annotations:
        votes = [row[f"annotator_{i}"] for i in (1, 2, 3)]
        given = [vote for vote in votes if vote]
        assert set(given) <= set(labels[row["keyword_category"]]) and row["label"] in given
        if len(given) == 2:
            assert not votes[0]
            twice += 1
            agreed += given[0] == given[1]
    assert 1300 < twice < 1700
    assert 0.85 < agreed / twice < 0.97


def test_tables_agree_with_each_other(small_tree):
    admissions = {row["hadm_id"]: row["subject_id"] for row in small_tree.admissions}
    assert len(admissions) == len(small_tree.admissions)
    patients = {row["subject_id"] for row in small_tree.rows("patients.csv.gz")}
    assert set(admissions.values()) == patients
    for note in small_tree.notes.values():
        assert admissions[note["hadm_id"]] == note["subject_id"]
        assert note["note_id"] == f"{note['subject_id']}-DS-{note['note_seq']}"
    for table in ("services", "transfers", "diagnoses_icd"):
        rows = small_tree.rows(f"{table}.csv.gz")
        assert {row["hadm_id"] for row in rows if row["hadm_id"]} == set(admissions)
        assert all(admissions[row["hadm_id"]] == row["subject_id"] for row in rows if row["hadm_id"])
    transfers = small_tree.rows("transfers.csv.gz")
    assert len({row["transfer_id"] for row in transfers}) == len(transfers)
    dead = {row["subject_id"] for row in small_tree.admissions if row["hospital_expire_flag"] == "1"}
    assert dead == {row["subject_id"] for row in small_tree.rows("patients.csv.gz") if row["dod"]}


def test_ids_are_none_of_mimic(small_tree):
    assert all(90_000_000 <= int(row["subject_id"]) <= 99_999_999 for row in small_tree.admissions)
    assert all(80_000_000 <= int(row["hadm_id"]) <= 89_999_999 for row in small_tree.admissions)


def test_patients_are_in_ascending_order(small_tree):
    ids = [int(row["subject_id"]) for row in small_tree.rows("discharge.csv.gz")]
    assert ids == sorted(ids)


def test_same_seed_gives_the_same_bytes_and_another_seed_others(small_tree, tmp_path):
    again = synthesize(tmp_path / "again", notes=300, seed=3)
    other = synthesize(tmp_path / "other", notes=300, seed=4)
    assert checksums(again.folder) == checksums(small_tree.tree.folder)
    assert checksums(other.folder)["annotations.csv"] != checksums(again.folder)["annotations.csv"]


def test_more_notes_add_unannotated_ones_only(tmp_path):
    tree = synthesize(tmp_path / "tree", notes=6000)
    assert (tree.notes, tree.annotated_notes, tree.spans, tree.annotated_patients) == (6000, 4710, 5043, 4259)
    assert tree.patients > 4259 and tree.is_complete


def test_fewer_notes_are_a_sample_that_says_so(small_tree):
    tree = small_tree.tree
    assert tree.notes == tree.annotated_notes == len(small_tree.notes) == 300
    assert not tree.is_complete
    assert "This is a sample" in (tree.folder / "SYNTHETIC.md").read_text()
    assert len(small_tree.by_label()) >= 8


def test_memory_does_not_grow_with_the_notes(tmp_path):
    def peak(notes):
        tracemalloc.start()
        synthesize(tmp_path / str(notes), notes=notes)
        _, high = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return high

    peak(1)  # caches that live as long as the process
    assert peak(1500) < peak(400) + 3_000_000  # the notes between them are eleven million characters


@pytest.mark.parametrize(
    ("release", "languages", "insurances"),
    [
        ("2.2", {"ENGLISH", "?"}, {"Medicare", "Medicaid", "Other"}),
        ("3.1", {"English", "Spanish", ""}, {"Medicare", "Medicaid", "Private", "Other"}),
    ],
)
def test_categories_are_those_of_the_release(tmp_path, release, languages, insurances):
    tree = synthesize(tmp_path / "tree", notes=300, release=release)
    with gzip.open(tree.folder / f"mimic-iv-{release}" / "hosp" / "admissions.csv.gz", "rt") as file:
        text = file.read()
    header, *rows = [line.split(",") for line in text.splitlines()]
    found = {name: {row[header.index(name)] for row in rows} for name in ("language", "insurance")}
    assert languages <= found["language"] and insurances <= found["insurance"]
    assert ("ENGLISH" in found["language"]) == (release == "2.2")
    assert json.loads((tree.folder / "provenance.json").read_text())["release"] == release


def test_each_folder_says_that_it_is_synthetic(small_tree):
    folder = small_tree.tree.folder
    for place in (folder, folder / "mimic-iv-2.2", folder / "mimic-iv-note-2.2"):
        record = json.loads((place / "provenance.json").read_text())
        assert record["source"] == "synthetic" and record["seed"] == 3 and record["counts"]["notes"] == 300
        assert "nobody in it exists" in (place / "SYNTHETIC.md").read_text()
    assert find_files(folder).is_synthetic
    assert find_files([folder / "mimic-iv-2.2", folder / "mimic-iv-note-2.2"]).is_synthetic


def test_folder_with_something_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="expected a folder that is new or empty"):
        synthesize(tmp_path, notes=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_empty_folder_is_taken(tmp_path):
    (tmp_path / "tree").mkdir()
    assert synthesize(tmp_path / "tree", notes=2).notes == 2


def test_failed_run_leaves_no_folder(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("stigma_hf.synthetic.tree.write_marks", fail)
    with pytest.raises(OSError, match="disk full"):
        synthesize(tmp_path / "tree", notes=2)
    assert list(tmp_path.iterdir()) == []


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(UsageError, match="expected release among 2.2, 3.1, found '4.0'"):
        synthesize(tmp_path / "tree", release="4.0")
    with pytest.raises(UsageError, match="expected at least 1 note, found 0"):
        synthesize(tmp_path / "tree", notes=0)
