import json

import pytest
from encoder.tiny_encoders import tiny_classifier
from hub_server import Fault
from transformers import pipeline

from stigma_hf import AnchorPooledClassifier, BaselineClassifier
from stigma_hf.errors import UsageError
from stigma_hf.loading import load_pipeline
from stigma_hf.publishing.downloads import check_downloads
from stigma_hf.training.starting_point import invented_tokenizer

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NOTE = "He insists that he took every dose."
REPOSITORY = "olga/model"


def let_in(there, user="rita"):
    there.requests[user] = {"status": "accepted", "fields": {}}


@pytest.fixture
def baseline(hub, make_folder):
    """A private, gated repository with a baseline."""
    folder = make_folder("logistic-regression-context-anchor")
    return hub.add(REPOSITORY, {path.name: path.read_bytes() for path in folder.iterdir()})


@pytest.fixture
def encoder(hub, tmp_path):
    """A private, gated repository with an encoder."""
    tiny_classifier().save_pretrained(tmp_path / "encoder")
    invented_tokenizer(400, 40).save_pretrained(tmp_path / "encoder")
    return hub.add(REPOSITORY, {path.name: path.read_bytes() for path in (tmp_path / "encoder").iterdir()})


@pytest.fixture
def as_user(monkeypatch):
    def become(token):
        monkeypatch.setenv("HF_TOKEN", token)
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "/nowhere/token")

    return become


def load_with_pipeline(**options):
    return pipeline("stigma-classification", model=REPOSITORY, **options)


def load_encoder(**options):
    return AnchorPooledClassifier.from_pretrained(REPOSITORY, **options)


def load_baseline(**options):
    return BaselineClassifier.from_pretrained(REPOSITORY, **options)


WAYS = [("baseline", load_with_pipeline), ("encoder", load_with_pipeline)]
WAYS += [("encoder", load_encoder), ("baseline", load_baseline)]


@pytest.mark.parametrize("kind", ["baseline", "encoder"])
def test_who_was_let_in_loads_and_labels(request, as_user, kind):
    let_in(request.getfixturevalue(kind))
    as_user("hf_reader")
    (span,) = load_with_pipeline()(NOTE)
    assert (span["word"], span["task"]) == ("insists", "adamant")


@pytest.mark.parametrize(("kind", "load"), WAYS)
@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "no such public repository.*401.*hf auth login"),
        ("hf_reader", "gated, and your request for access has not been approved.*403.*ask for it on the page"),
        ("hf_stranger", "no repository of this name that your token may see.*404.*ask the owner"),
    ],
)
def test_who_was_not_let_in_is_told_what_to_do(request, as_user, kind, load, token, message):
    request.getfixturevalue(kind)
    as_user(token)
    with pytest.raises(OSError, match=message):
        load()


def test_a_public_gated_repository_asks_who_it_is(request, hub, baseline, as_user):
    baseline.private = False
    as_user("")
    with pytest.raises(OSError, match="it is gated, and the hub does not know who asks.*401.*hf auth login"):
        load_with_pipeline()


@pytest.mark.parametrize(("kind", "load"), WAYS)
def test_a_name_that_does_not_exist_is_said_to_be_none(hub, monkeypatch, kind, load):
    monkeypatch.setattr("test_loading.REPOSITORY", "olga/nothing")
    with pytest.raises(OSError, match="olga/nothing: no repository of this name.*404"):
        load()


@pytest.mark.parametrize(("kind", "load"), WAYS)
def test_offline_says_how_to_bring_it_along(request, monkeypatch, kind, load):
    request.getfixturevalue(kind)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="hub cannot be reached.*hf download olga/model --local-dir FOLDER"):
        load()


@pytest.mark.parametrize(("kind", "load"), WAYS)
def test_a_cut_connection_says_so(request, hub, kind, load):
    request.getfixturevalue(kind)
    hub.faults = [Fault("resolve", "cut-before", times=99), Fault("info", "cut-before", times=99)]
    with pytest.raises(OSError, match="hub cannot be reached"):
        load()


def test_what_is_in_the_cache_loads_offline(baseline, monkeypatch):
    load_with_pipeline()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert len(load_with_pipeline()(NOTE)) == 1


def test_the_command_line_says_it_in_one_message(baseline, as_user):
    as_user("hf_reader")
    with pytest.raises(UsageError, match="olga/model: it is gated, and your request for access has not been approved"):
        load_pipeline(REPOSITORY)


@pytest.mark.parametrize(("kind", "load"), WAYS)
def test_a_revision_is_pinned(request, kind, load):
    there = request.getfixturevalue(kind)
    first = there.head
    config = json.loads(there.files["config.json"])
    there.commit({**there.files, "config.json": json.dumps({**config, "title": "Newer"}).encode()})

    def title(loaded):
        return getattr(loaded, "model", loaded).config.title

    assert title(load()) == "Newer"
    assert title(load(revision=first)) == config["title"] != "Newer"
    with pytest.raises(OSError, match="it has no such revision"):
        load(revision="0" * 40)


def test_no_remote_code_is_needed(encoder):
    assert load_with_pipeline(trust_remote_code=False)(NOTE)


@pytest.mark.parametrize(("kind", "load"), WAYS)
def test_what_was_changed_on_the_way_is_refused(request, hub, kind, load):
    there = request.getfixturevalue(kind)
    # A space more in a comment-like place changes the content and nothing else.
    name = "config.json"
    there.files[name] = there.files[name] + b" "
    load()
    blobs = [path for path in _cache().rglob("*") if path.is_file() and not path.is_symlink() and _is_blob(path)]
    changed = next(path for path in blobs if path.read_bytes() == there.files[name])
    changed.write_bytes(there.files[name][:-1] + b"\n")
    with pytest.raises((UsageError, OSError), match="config.json in the cache is not what the hub announced.*delete"):
        load()


def _cache():
    from pathlib import Path

    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _is_blob(path):
    return path.parent.name == "blobs"


def test_a_tokenizer_that_was_changed_is_refused(encoder):
    load_with_pipeline()
    changed = next(
        path for path in _cache().rglob("*") if _is_blob(path) and path.read_bytes() == encoder.files["tokenizer.json"]
    )
    changed.write_bytes(encoder.files["tokenizer.json"].replace(b"insists", b"insistz"))
    with pytest.raises(UsageError, match="tokenizer.json in the cache is not what the hub announced"):
        load_with_pipeline()


def test_folders_are_not_checked(make_folder):
    assert check_downloads(str(make_folder())) == 0
