"""Who may read a gated repository: requests for access, and answers to them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from stigma_hf.errors import UsageError
from stigma_hf.publishing.folder_files import RepoType
from stigma_hf.publishing.hub_problems import explain
from stigma_hf.publishing.publish import hub_api

Status = Literal["pending", "accepted", "rejected"]


@dataclass(frozen=True)
class AccessRequest:
    """A request for access.

    Attributes:
        user: Name of the user on the hub.
        status: What has become of it.
        fields: What the user answered to the questions of the card.
    """

    user: str
    status: Status
    fields: dict[str, Any]


class Access:
    """The requests for access to a repository.

    Args:
        repository: Name of the repository, `owner/name`.
        repo_type: Whether it is a model or a data set.
        token: Token of the hub; that of `hf auth login` if None.
    """

    def __init__(self, repository: str, repo_type: RepoType = "model", token: str | bool | None = None) -> None:
        self.repository = repository
        self._of_repo = {"repo_id": repository, "repo_type": repo_type}
        self._api = hub_api(token)

    def requests(self, status: Status = "pending") -> list[AccessRequest]:
        """The requests with a status.

        Args:
            status: `pending`, `accepted` or `rejected`.

        Raises:
            UsageError: If the status is none of these, or the hub refuses.
        """
        if status not in get_args(Status):
            raise UsageError(f"expected a status among {', '.join(get_args(Status))}, found {status!r}")
        found = self._ask(lambda: list(getattr(self._api, f"list_{status}_access_requests")(**self._of_repo)))
        return [AccessRequest(str(each.username or each.request_id), status, each.fields or {}) for each in found]

    def grant(self, user: str) -> None:
        """Let somebody read, who has asked or not, and see that the hub has done it.

        Args:
            user: Name of the user on the hub.

        Raises:
            UsageError: If the hub refuses, or did not do it.
        """
        if user in self._users("accepted"):
            return
        if user in self._users("pending") + self._users("rejected"):
            self._ask(lambda: self._api.accept_access_request(**self._of_repo, user=user))
        else:
            self._ask(lambda: self._api.grant_access(**self._of_repo, user=user))
        self._check(user, "accepted")

    def reject(self, user: str, reason: str | None = None) -> None:
        """Do not let somebody read, or no longer, and see that the hub has done it.

        Args:
            user: Name of the user on the hub.
            reason: What the user is told.

        Raises:
            UsageError: If there is no such request, the hub refuses, or it did not do it.
        """
        if user not in self._users("pending") + self._users("accepted"):
            raise UsageError(f"{self.repository}: expected a request of {user!r}, found none; see `access list`")
        self._ask(lambda: self._api.reject_access_request(**self._of_repo, user=user, rejection_reason=reason))
        self._check(user, "rejected")

    def _users(self, status: Status) -> list[str]:
        return [request.user for request in self.requests(status)]

    def _check(self, user: str, status: Status) -> None:
        if user not in self._users(status):
            raise UsageError(f"{self.repository}: the hub did not do it, {user!r} is not {status}; see its settings")

    def _ask(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except OSError as error:
            reason = explain(error, self.repository) or str(error).strip().splitlines()[0]
            raise UsageError(reason) from error
