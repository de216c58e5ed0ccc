import pytest
from hub_server import Fault

from stigma_hf.errors import UsageError
from stigma_hf.publishing.access import Access

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ANSWERS = {"PhysioNet user name": "rita", "I have signed the data use agreements": True}


@pytest.fixture
def there(hub):
    repository = hub.add("olga/model", {"README.md": b"# Model\n"})
    repository.requests["rita"] = {"status": "pending", "fields": ANSWERS}
    return repository


def test_requests_are_listed_with_their_answers(there):
    (request,) = Access("olga/model").requests()
    assert (request.user, request.status, request.fields) == ("rita", "pending", ANSWERS)
    assert Access("olga/model").requests("accepted") == []


def test_a_request_is_granted_and_taken_back(there):
    access = Access("olga/model")
    assert not there.is_read_by("rita")
    access.grant("rita")
    assert there.is_read_by("rita")
    access.reject("rita", "left the project")
    assert not there.is_read_by("rita")


def test_access_is_granted_without_a_request(there):
    Access("olga/model").grant("sam")
    assert there.is_read_by("sam")


@pytest.mark.parametrize("route", ["handle", "grant"])
def test_a_grant_that_the_hub_did_not_make_is_an_error(hub, there, route):
    hub.faults = [Fault(route, "ignored")]
    with pytest.raises(UsageError, match="the hub did not do it"):
        Access("olga/model").grant("rita" if route == "handle" else "sam")


def test_a_rejection_that_the_hub_did_not_make_is_an_error(hub, there):
    Access("olga/model").grant("rita")
    hub.faults = [Fault("handle", "ignored", nth=1)]
    with pytest.raises(UsageError, match="the hub did not do it, 'rita' is not rejected"):
        Access("olga/model").reject("rita")


def test_mistakes_say_what_to_do(hub, there, monkeypatch):
    with pytest.raises(UsageError, match="expected a request of 'sam', found none"):
        Access("olga/model").reject("sam")
    with pytest.raises(UsageError, match="expected a status among pending, accepted, rejected, found 'open'"):
        Access("olga/model").requests("open")
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    with pytest.raises(UsageError, match="the token may not do this .403."):
        Access("olga/model").requests()
