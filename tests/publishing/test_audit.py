import io
import json
import os
import pickle
import shutil
import zipfile

import numpy as np
import pytest
from encoder.tiny_encoders import tiny_classifier
from pyarrow import parquet

from stigma_hf.baseline.modeling import BaselineClassifier
from stigma_hf.baseline.training_data import labelled_windows
from stigma_hf.errors import UsageError
from stigma_hf.publishing import NotPublishable
from stigma_hf.publishing.audit import audit
from stigma_hf.publishing.plan import STATEMENT, make_plan
from stigma_hf.publishing.provenance import Origin
from stigma_hf.publishing.pruning import prune
from stigma_hf.publishing.training_text import read_training_text
from stigma_hf.publishing.vocabulary import count_notes
from stigma_hf.training.starting_point import invented_tokenizer


class Boom:
    def __reduce__(self):
        return (print, ("executed",))


def archive_of(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def object_array():
    file = io.BytesIO()
    np.save(file, np.array([Boom()], dtype=object), allow_pickle=True)
    return file.getvalue()


def safetensors_with(extra=b"", **metadata):
    header = json.dumps({"__metadata__": metadata, "w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})
    return len(header).to_bytes(8, "little") + header.encode() + b"\0\0\0\0" + extra


def schema(**entries):
    return archive_of("schema.json", json.dumps(entries))


TOKEN = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWx"
CATCHES = [
    # states, logs, caches, folders of a training
    ("optimizer.pt", b"x", "state of a training"),
    ("trainer_state.json", b"{}", "state of a training"),
    ("training_args.bin", b"x", "state of a training"),
    ("rng_state_0.pth", b"x", "state of a training"),
    ("checkpoints/run.json", b"{}", "folder of a training, logs or caches"),
    ("checkpoint-50/config.json", b"{}", "folder of a training, logs or caches"),
    ("runs/events.out.tfevents.1", b"x", "folder of a training, logs or caches"),
    ("training.log", b"x", "log"),
    ("events.out.tfevents.17", b"x", "log"),
    ("train-00000.arrow", b"x", "cache"),
    ("config.json.lock", b"x", "cache"),
    # pickles by name and by content
    ("model.pkl", b"x", "pickle or other file"),
    ("pytorch_model.bin", b"x", "pickle or other file"),
    ("counts.npy", b"x", "pickle or other file"),
    ("tokenizer.json", pickle.dumps(Boom()), "pickle by its content"),
    ("vocab.txt", pickle.dumps(Boom(), protocol=0), "no text by its content"),
    ("model.safetensors", archive_of("model/data.pkl", b"x"), "archive by its content"),
    ("vocab.txt", object_array(), "array or compressed file by its content"),
    ("vocab.txt", b"\x1f\x8b rest", "array or compressed file by its content"),
    ("model.skops", pickle.dumps(Boom()), "pickle by its content"),
    ("model.skops", archive_of("data.pkl", pickle.dumps(Boom())), "members that are no arrays"),
    ("model.skops", archive_of("1.npy", object_array()), "pickled objects in an array"),
    ("model.skops", archive_of("1.npz", archive_of("a.npy", object_array())), "pickled objects in an array"),
    ("model.safetensors", b"not weights", "no safetensors file"),
    ("model.safetensors", safetensors_with(b"notes behind the weights"), "bytes behind its tensors"),
    ("model.safetensors", b"", "empty file"),
    ("tokenizer.json", b"not JSON", "no readable .json file"),
    ("tokenizer.json", b"[1]", "no JSON object"),
    ("vocab.txt", b"\xff\xfe", "no readable .txt file"),
    # other kinds of files
    ("notes.csv", b"x", "rows or answers of notes"),
    ("all/train.parquet", b"x", "rows or answers of notes"),
    ("modeling.py", b"x", "code"),
    ("photo.png", b"x", "not known to need"),
    ("sub/config.json", b"{}", "not known to need"),
    (".env", b"x", "hidden file"),
    (".git/config", b"x", "hidden file"),
    # paths and secrets, wherever they stand
    ("tokenizer_config.json", b'{"name_or_path": "/home/jane/mimic/model"}', "absolute path of a machine"),
    ("tokenizer_config.json", b'{"a": [{"b": "C:\\\\Users\\\\jane"}]}', "absolute path of a machine"),
    ("tokenizer_config.json", b'{"/data/mimic/notes.csv": 1}', "absolute path of a machine"),
    ("LICENSE", b"see ~/notes/mimic for it", "absolute path of a machine"),
    ("LICENSE", b"see file:///x", "absolute path of a machine"),
    ("model.safetensors", safetensors_with(source="/mnt/share/notes"), "absolute path of a machine"),
    ("model.skops", schema(source="/mnt/share/notes"), "absolute path of a machine"),
    ("LICENSE", TOKEN.encode(), "access token of a hub"),
    ("tokenizer_config.json", json.dumps({"token": TOKEN}).encode(), "access token of a hub"),
    ("model.skops", schema(token=TOKEN), "access token of a hub"),
    ("LICENSE", b"AKIA" + b"ABCDEFGHIJKLMNOP", "key of a cloud"),
    ("LICENSE", b"-----BEGIN RSA PRIVATE " + b"KEY-----", "private key"),
    ("LICENSE", b"ghp_" + b"a" * 36, "access token"),
    ("LICENSE", b"https://jane:secret@physionet.org/files", "password"),
    ("LICENSE", b"password: correcthorse", "password"),
]


@pytest.mark.parametrize(("name", "content", "kind"), CATCHES)
def test_what_must_not_go_up_is_found(make_folder, name, content, kind):
    folder = make_folder()
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    found = audit(folder, Origin.SYNTHETIC).findings
    assert any(kind in finding.kind for finding in found), [str(finding) for finding in found]
    assert all(TOKEN not in str(finding) and "jane" not in str(finding) for finding in found)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("LICENSE", b"see https://physionet.org/content/mimiciv/2.2/ and/or w/o and 5/10/2020, he/she/they"),
        ("tokenizer.json", json.dumps({"model": {"vocab": {"/usr/bin/": 0, "##/etc/x": 1}}}).encode()),
        ("vocab.txt", b"/usr/bin/env\n"),
        ("model.safetensors", safetensors_with()),
        ("tokenizer_config.json", b'{"name_or_path": "emilyalsentzer/Bio_ClinicalBERT", "pad_token": "[PAD]"}'),
    ],
)
def test_what_only_looks_like_it_is_not(encoder_folder, name, content):
    (encoder_folder / name).write_bytes(content)
    assert not audit(encoder_folder, Origin.SYNTHETIC).findings


@pytest.fixture
def encoder_folder(tmp_path):
    tiny_classifier().save_pretrained(tmp_path / "encoder")
    invented_tokenizer(400, 40).save_pretrained(tmp_path / "encoder")
    (tmp_path / "encoder" / "README.md").write_text("# Card\n")
    return tmp_path / "encoder"


def test_an_encoder_as_it_is_saved_is_fit(encoder_folder, spans_folder):
    assert not audit(encoder_folder, Origin.PATIENTS, training_data=spans_folder).findings


def test_weights_of_another_model_are_no_part_of_it(make_folder):
    folder = make_folder()
    (folder / "model.safetensors").write_bytes(safetensors_with())
    (finding,) = audit(folder, Origin.SYNTHETIC).findings
    assert (finding.file, finding.kind) == ("model.safetensors", "no part of the model that config.json describes")


def test_a_model_of_another_package_is_refused(make_folder):
    folder = make_folder()
    (folder / "config.json").write_text('{"model_type": "bert", "provenance": {"source": "synthetic"}}')
    (finding,) = audit(folder, Origin.SYNTHETIC).findings
    assert finding.kind == "not that of a model of this package"


def test_rows_with_whole_notes_are_refused(spans_folder, tmp_path):
    shutil.copytree(spans_folder, tmp_path / "spans")
    file = tmp_path / "spans" / "all" / "test.parquet"
    rows = parquet.read_table(file)
    parquet.write_table(rows.append_column("note", [["word " * 30] * len(rows)]), file)
    (finding,) = audit(tmp_path / "spans", Origin.PATIENTS, "dataset").findings
    assert (finding.file, finding.kind) == ("all/test.parquet", "column with longer text than a window")


def test_fewer_notes_than_five_cannot_be_asked_for(make_folder):
    with pytest.raises(UsageError, match="--min-notes from 5 on, found 4"):
        make_plan(make_folder(), "olga/model", min_notes=4)


def test_links_are_refused_and_not_followed(make_folder, tmp_path):
    folder = make_folder()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "notes.csv").write_text("x")
    os.symlink(tmp_path / "outside", folder / "all")
    os.symlink(tmp_path / "outside" / "notes.csv", folder / "LICENSE")
    os.mkfifo(folder / "vocab.txt")
    found = {finding.file: finding.kind for finding in audit(folder, Origin.SYNTHETIC).findings}
    assert found == {"all": "link", "LICENSE": "link", "vocab.txt": "neither a file nor a folder"}


def test_a_name_that_could_be_text_is_not_shown(make_folder):
    folder = make_folder()
    (folder / "he insists that he took every dose.md").write_text("x")
    (folder / "he_insists_that_he_took_every_dose.md").write_text("x")
    found = audit(folder, Origin.SYNTHETIC).findings
    assert [finding.file for finding in found] == ["(file 4 by name, not shown)", "(file 5 by name, not shown)"]


# text of notes


@pytest.fixture(scope="session")
def eight_words(spans_folder):
    context = parquet.read_table(spans_folder / "all" / "validation.parquet")["context"][0].as_py()
    return context.split()[3:11]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("README.md", lambda words: f"# Card\n\nFor example, {' '.join(words).upper()}!\n"),
        ("README.md", lambda words: "# Card\n\n" + "\n- ".join(words)),
        ("tokenizer_config.json", lambda words: json.dumps({"example": " ".join(words)})),
        ("tokenizer_config.json", lambda words: json.dumps({"added": words})),
        ("tokenizer.json", lambda words: json.dumps({"model": {"merges": words}})),
        ("vocab.txt", lambda words: "\n".join(words)),
        ("model.safetensors", lambda words: safetensors_with(example=" ".join(words))),
    ],
)
def test_eight_words_of_a_window_are_found_and_not_shown(make_folder, spans_folder, eight_words, name, write):
    folder = make_folder()
    content = write(eight_words)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found = audit(folder, Origin.PATIENTS, training_data=spans_folder).findings
    assert (name, "8 words in a row of a training window") in [(each.file, each.kind) for each in found]
    assert not any(set(eight_words) <= set(str(each).split()) for each in found)


def test_seven_words_of_a_window_are_not(make_folder, spans_folder, eight_words):
    folder = make_folder()
    (folder / "README.md").write_text(" ".join(eight_words[:7]))
    assert not audit(folder, Origin.PATIENTS, training_data=spans_folder).findings


def test_a_repository_named_by_a_window_is_found(make_folder, spans_folder, eight_words):
    name = "olga/" + "-".join("".join(filter(str.isalnum, word)) or "x" for word in eight_words)
    plan = make_plan(make_folder(), name, statement=STATEMENT, training_data=spans_folder)
    assert any("in the name" in obstacle for obstacle in plan.obstacles())
    assert not any(name in obstacle for obstacle in plan.obstacles())


def test_a_model_from_patients_must_be_compared_with_its_notes(make_folder):
    (finding,) = audit(make_folder(), Origin.PATIENTS).findings
    assert "--training-data" in finding.advice


def test_training_data_of_another_origin_is_refused(make_folder, spans_folder):
    with pytest.raises(UsageError, match="training data of something synthetic, found data that is derived from pat"):
        audit(make_folder(), Origin.SYNTHETIC, training_data=spans_folder)


def test_training_data_with_fewer_spans_than_were_learned_from_is_refused(make_folder, spans_folder):
    folder = make_folder()
    config = json.loads((folder / "config.json").read_text())
    config["training"]["tasks"]["adamant"]["spans"]["train"] += 1
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="training spans of adamant .* give the data set that it was trained on"):
        audit(folder, Origin.PATIENTS, training_data=spans_folder)


# features of few notes


@pytest.fixture(scope="session")
def training(spans_folder):
    return read_training_text(spans_folder, Origin.PATIENTS)


def test_features_of_few_notes_are_counted_and_not_shown(make_folder, spans_folder):
    folder = make_folder("logistic-regression-context-anchor")
    (finding,) = audit(folder, Origin.PATIENTS, training_data=spans_folder, min_notes=5).findings
    assert finding.file == "model.skops"
    assert finding.kind.endswith("features of fewer than 5 training notes")
    assert "--prune" in finding.advice


def test_notes_of_a_feature_are_those_its_windows_are_of(trained, training):
    model = trained["logistic-regression-context-anchor"]
    vocabulary = next(v for v in count_notes(model, training) if (v.task, v.step) == ("other", "vocabularycounter"))
    counter = dict(model.estimators["other"].steps)["vocabularycounter"]
    assert vocabulary.notes.keys() == counter.vocabulary_.keys()
    tokens_of = model.estimators["other"][:-3].transform
    for feature in list(counter.vocabulary_)[::60]:
        notes = {
            note
            for window, note in zip(training.windows, training.notes, strict=True)
            if window.task == "other" and feature in list(tokens_of([window]))[0]
        }
        assert vocabulary.notes[feature] == len(notes)


def test_pruning_leaves_no_rare_feature_and_other_answers_as_they_were(make_folder, spans_folder, training, tmp_path):
    folder = make_folder("logistic-regression-context-anchor")
    left_out = prune(folder, tmp_path / "pruned", training, min_notes=5)
    assert min(left_out.values()) > 0
    before, after = BaselineClassifier.from_pretrained(folder), BaselineClassifier.from_pretrained(tmp_path / "pruned")
    assert not any(vocabulary.rare(5) for vocabulary in count_notes(after, training))
    (tmp_path / "pruned" / "README.md").write_text("# Card\n")
    assert not audit(tmp_path / "pruned", Origin.PATIENTS, training_data=spans_folder).findings
    rare = {word for v in count_notes(before, training) for word in v.rare(5)}
    table = parquet.read_table(spans_folder / "all" / "test.parquet")
    windows = [w for w in labelled_windows(_rows(table)).windows if not rare & set(_tokens(before, w))]
    assert len(windows) > 5
    np.testing.assert_allclose(
        np.concatenate(before(windows)["probabilities"]), np.concatenate(after(windows)["probabilities"]), atol=1e-12
    )


def _rows(table):
    return [{**row, "label": "x"} for row in table.select(["task", "anchor", "context"]).to_pylist()]


def _tokens(model, window):
    return next(iter(model.estimators[window.task][:-3].transform([window])))


def test_features_that_cannot_be_left_out_alone_are_refused(make_folder, spans_folder, training, tmp_path):
    folder = make_folder("character-ngrams")
    (finding,) = audit(folder, Origin.PATIENTS, training_data=spans_folder).findings
    assert finding.advice == "train it again with a higher min_count or min_df"
    with pytest.raises(UsageError, match="'tfidfvectorizer' that cannot"):
        prune(folder, tmp_path / "pruned", training)
    assert not (tmp_path / "pruned").exists()


def test_anchors_of_a_majority_that_are_not_published_need_as_many_notes(
    make_folder, spans_folder, training, tmp_path
):
    folder = make_folder("majority-per-anchor")
    counts = json.loads((folder / "counts.json").read_text())
    counts["other"]["smithsonian"] = [1, 0, 0, 0]
    (folder / "counts.json").write_text(json.dumps(counts))
    found = audit(folder, Origin.PATIENTS, training_data=spans_folder).findings
    assert [finding.file for finding in found] == ["counts.json"]
    prune(folder, tmp_path / "pruned", training)
    assert "smithsonian" not in (tmp_path / "pruned" / "counts.json").read_text()


def test_estimators_that_cannot_be_looked_through_are_refused(make_folder, spans_folder):
    folder = make_folder("logistic-regression-context-anchor")
    (folder / "model.skops").write_bytes(schema(content={}))
    (finding,) = audit(folder, Origin.PATIENTS, training_data=spans_folder).findings
    assert "cannot be counted" in finding.kind


# the plan


def test_everything_that_stands_in_the_way_is_said_at_once(make_folder):
    folder = make_folder()
    (folder / "optimizer.pt").write_bytes(b"x")
    plan = make_plan(folder, "olga/model", is_public=True)
    with pytest.raises(NotPublishable, match="(?s)--training-data.*optimizer.pt.*--public.*--yes-i-may"):
        plan.check()


@pytest.mark.parametrize("said", [None, "yes", STATEMENT.lower(), STATEMENT[:-20], STATEMENT + " Not."])
def test_the_statement_is_needed_in_so_many_words(make_folder, make_ready_plan, said):
    (obstacle,) = make_ready_plan(make_folder(), statement=said).obstacles()
    assert STATEMENT in obstacle


def test_blanks_in_the_statement_do_not_matter(make_folder, make_ready_plan):
    make_ready_plan(make_folder(), statement=f"  {STATEMENT.replace(' ', '  ')} ").check()


@pytest.mark.parametrize("source", ["", "my own", "published counts"])
def test_unknown_provenance_is_refused_whatever_is_stated(make_folder, source, spans_folder):
    plan = make_plan(make_folder(source=source), "olga/model", statement=STATEMENT)
    with pytest.raises(NotPublishable, match="provenance: unknown"):
        plan.check()


def test_a_data_set_is_compared_with_itself(spans_folder):
    plan = make_plan(spans_folder, "olga/spans", repo_type="dataset", statement=STATEMENT)
    plan.check()
    assert plan.audit.compared_notes
    with pytest.raises(NotPublishable, match="no config.json.*see --type"):
        make_plan(spans_folder, "olga/spans", statement=STATEMENT, training_data=spans_folder).check()


@pytest.mark.parametrize("name", ["model", "a/b/c", "olga/mo del", ""])
def test_a_name_that_is_no_repository_is_refused(make_folder, name):
    with pytest.raises(UsageError, match="expected a repository as OWNER/NAME"):
        make_plan(make_folder(), name)


def test_a_card_is_made_for_a_model_without_one(make_folder, make_ready_plan):
    folder = make_folder()
    (folder / "README.md").unlink()
    plan = make_ready_plan(folder)
    plan.check()
    card = next(file for file in plan.audit.files if file.name == "README.md")
    assert card.content.startswith(b"---\n") and b"extra_gated_prompt" in card.content
    assert not (folder / "README.md").exists()
