import pytest
from hub_server import Fault

from stigma_hf.publishing import NotPublishable
from stigma_hf.publishing.publish import publish
from stigma_hf.publishing.steps import PublishingStopped

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ORDER = ["info", "create", "settings", "info", "validate", "preupload", "commit", "info", "tree"]


def test_files_go_up_last_and_only_to_a_private_and_gated_repository(hub, make_folder, make_ready_plan):
    folder = make_folder()
    published = publish(make_ready_plan(folder))
    assert hub.log == ORDER
    assert hub.at_commit == [(True, "manual")]
    repository = hub.repositories["models", "olga/model"]
    there = {name: content for name, content in repository.files.items() if name != ".gitattributes"}
    assert there == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert (repository.private, repository.gated, repository.head) == (True, "manual", published.commit)
    assert published.url == f"{hub.url}/olga/model"
    assert not hub.seen_by_others


FAULTS = [
    # before anything is made
    (Fault("info", "cut-before"), "nothing was sent"),
    (Fault("info", "500-before"), "nothing was sent"),
    (Fault("create", "cut-before"), "nothing is left"),
    (Fault("create", "500-before"), "nothing is left"),
    # the repository is made, and the answer never comes
    (Fault("create", "cut-after"), "nothing is left"),
    (Fault("create", "500-after"), "nothing is left"),
    (Fault("create", "ignored"), "nothing is left"),
    # it is made and not closed
    (Fault("settings", "cut-before"), "nothing is left"),
    (Fault("settings", "500-before"), "nothing is left"),
    (Fault("settings", "cut-after"), "nothing is left"),
    (Fault("settings", "500-after"), "nothing is left"),
    (Fault("settings", "ignored"), "nothing is left"),
    (Fault("settings", "altered"), "nothing is left"),
    # it is not seen to be closed
    (Fault("info", "cut-before", 1), "nothing is left"),
    (Fault("info", "500-before", 1), "nothing is left"),
    (Fault("info", "altered", 1), "nothing is left"),
    # the files do not go up, or not as they are
    (Fault("validate", "cut-before"), "nothing is left"),
    (Fault("validate", "500-before"), "nothing is left"),
    (Fault("preupload", "cut-before", times=9), "nothing is left"),
    (Fault("preupload", "500-before", times=9), "nothing is left"),
    (Fault("preupload", "altered"), "nothing is left"),
    (Fault("commit", "cut-before", times=9), "nothing is left"),
    (Fault("commit", "500-before", times=9), "nothing is left"),
    (Fault("commit", "cut-after", times=9), "nothing is left"),
    (Fault("commit", "500-after", times=9), "nothing is left"),
    (Fault("commit", "ignored"), "nothing is left"),
    (Fault("commit", "altered"), "nothing is left"),
    # they are not seen to be there, closed and as they are
    (Fault("info", "cut-before", 2), "nothing is left"),
    (Fault("info", "500-before", 2), "nothing is left"),
    (Fault("info", "altered", 2), "nothing is left"),
    (Fault("tree", "cut-before", times=9), "nothing is left"),
    (Fault("tree", "500-before", times=9), "nothing is left"),
    (Fault("tree", "altered"), "nothing is left"),
]


def name_of(value):
    return f"{value.kind} {value.route} {value.nth}" if isinstance(value, Fault) else None


@pytest.mark.parametrize(("fault", "left"), FAULTS, ids=name_of)
def test_after_every_failure_nothing_is_on_the_hub(hub, ready_plan, fault, left):
    hub.faults = [fault]
    with pytest.raises(PublishingStopped, match=left):
        publish(ready_plan)
    assert not hub.repositories
    assert not hub.seen_by_others
    assert set(hub.at_commit) <= {(True, "manual")}


@pytest.mark.parametrize("fault", [Fault("create", "altered"), Fault("preupload", "500-before")], ids=name_of)
def test_what_a_later_step_or_another_try_makes_good_is_no_failure(hub, ready_plan, fault):
    hub.faults = [fault]
    publish(ready_plan)
    assert hub.at_commit == [(True, "manual")]
    assert not hub.seen_by_others


STOPS_AFTER_CREATING = [fault for fault, _ in FAULTS[4:] if fault.kind in ("cut-after", "altered")]


@pytest.mark.parametrize("fault", STOPS_AFTER_CREATING, ids=name_of)
def test_what_cannot_be_deleted_is_private_and_said_aloud(hub, ready_plan, fault):
    hub.faults = [fault, Fault("delete", "500-before", times=99)]
    with pytest.raises(PublishingStopped, match="WARNING: .* COULD NOT BE DELETED. It is private"):
        publish(ready_plan)
    (repository,) = hub.repositories.values()
    assert repository.private
    assert not hub.seen_by_others


def test_a_hub_that_goes_away_is_said_aloud(hub, ready_plan):
    hub.faults = [Fault(route, "cut-before", nth, 99) for route, nth in (("settings", 1), ("info", 2), ("delete", 0))]
    with pytest.raises(PublishingStopped, match="IT IS NOT KNOWN WHO CAN READ .*/olga/model/settings now"):
        publish(ready_plan)
    assert not hub.seen_by_others


def test_a_person_who_stops_it_leaves_nothing(hub, ready_plan, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("huggingface_hub.HfApi.list_repo_tree", interrupt)
    with pytest.raises(KeyboardInterrupt):
        publish(ready_plan)
    assert not hub.repositories


def test_a_file_that_changes_after_the_audit_does_not_go_up(hub, make_folder, make_ready_plan):
    folder = make_folder()
    plan = make_ready_plan(folder)
    (folder / "README.md").write_text("# Something else\n")
    with pytest.raises(PublishingStopped, match="README.md has changed since it was looked through"):
        publish(plan)
    assert not hub.repositories
    assert "commit" not in hub.log


# repositories that are there already


def test_a_public_repository_is_not_touched(hub, ready_plan):
    there = hub.add("olga/model", {"README.md": b"# Mine\n"}, private=False, gated=False)
    with pytest.raises(NotPublishable, match="is there and public"):
        publish(ready_plan)
    assert hub.log == ["info"]
    assert not there.private and there.files == {"README.md": b"# Mine\n"}


def test_a_private_repository_gets_a_new_commit_and_a_gate(hub, ready_plan):
    there = hub.add("olga/model", {"README.md": b"# Old\n"}, gated=False)
    publish(ready_plan)
    assert there.gated == "manual" and there.private
    assert len(there.commits) == 3 and there.files["README.md"] != b"# Old\n"
    assert "create" not in hub.log


def test_a_private_repository_with_other_files_is_not_touched(hub, ready_plan):
    there = hub.add("olga/model", {"notes.csv": b"text"})
    with pytest.raises(NotPublishable, match="holds 1 files that are not in"):
        publish(ready_plan)
    assert there.files == {"notes.csv": b"text"}


def test_a_repository_that_was_there_is_never_deleted(hub, ready_plan):
    there = hub.add("olga/model", {"README.md": b"# Old\n"}, gated=False)
    hub.faults = [Fault("commit", "500-before", times=9)]
    with pytest.raises(PublishingStopped, match="was there before and is private"):
        publish(ready_plan)
    assert hub.repositories["models", "olga/model"] is there
    assert there.private and there.files == {"README.md": b"# Old\n"}


def test_somebody_elses_name_is_left_alone(hub, make_folder, make_ready_plan):
    there = hub.add("sam/model", {"README.md": b"# His\n"})
    there.owner, there.members = "sam", {"sam"}
    with pytest.raises(PublishingStopped, match="(?s)not to be seen.*nothing was made"):
        publish(make_ready_plan(make_folder(), "sam/model"))
    assert hub.repositories["models", "sam/model"] is there
    assert "delete" not in hub.log


# what may be public


def test_synthetic_models_are_opened_last(hub, make_folder, make_ready_plan):
    plan = make_ready_plan(make_folder(source="synthetic"), is_from_patients=False, is_public=True)
    publish(plan)
    repository = hub.repositories["models", "olga/model"]
    assert (repository.private, repository.gated) == (False, False)
    assert hub.log == [*ORDER, "settings", "info"]
    assert hub.at_commit == [(True, "manual")]


def test_synthetic_models_are_private_unless_told(hub, make_folder, make_ready_plan):
    publish(make_ready_plan(make_folder(source="synthetic"), is_from_patients=False))
    assert hub.repositories["models", "olga/model"].private


@pytest.mark.parametrize(
    "fault",
    [Fault("settings", "500-before", 1), Fault("settings", "ignored", 1), Fault("info", "500-before", 3)],
    ids=name_of,
)
def test_what_cannot_be_opened_is_deleted(hub, make_folder, make_ready_plan, fault):
    hub.faults = [fault]
    with pytest.raises(PublishingStopped, match="nothing is left"):
        publish(make_ready_plan(make_folder(source="synthetic"), is_from_patients=False, is_public=True))
    assert not hub.repositories


@pytest.mark.parametrize("token", ["", "hf_nobody"])
def test_without_a_token_nothing_is_sent(hub, ready_plan, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "/nowhere/token")
    with pytest.raises(PublishingStopped, match="nothing was sent: .*401.*hf auth login"):
        publish(ready_plan)
    assert hub.log == ["info"]


def test_a_token_that_is_revoked_in_between_is_not_taken_for_a_deleted_repository(hub, ready_plan):
    class Revoking(list):
        def append(self, route):
            super().append(route)
            if route == "commit":
                hub.tokens.clear()

    hub.log = Revoking()
    with pytest.raises(PublishingStopped, match="IT IS NOT KNOWN WHO CAN READ"):
        publish(ready_plan)
    assert hub.repositories["models", "olga/model"].private
    assert not hub.seen_by_others
