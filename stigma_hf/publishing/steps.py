"""The steps of an upload, in the one order in which nothing can leak, and their undoing.

A repository is made private, closed and looked at before the first file goes up, and is opened, if ever, after the
last look. Whatever goes wrong between two steps, what was made is deleted again, and if it cannot be, it is private.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.publishing.audit import AuditedFile
from stigma_hf.publishing.guard import NotPublishable
from stigma_hf.publishing.hub_problems import explain
from stigma_hf.publishing.plan import Plan
from stigma_hf.publishing.provenance import Origin

logger = logging.getLogger(__name__)

_WAITS = (0.0, 1.0, 4.0)
"""Seconds before each attempt to undo."""
_OF_THE_HUB = {".gitattributes"}
"""Files that a hub puts into every new repository."""
_CONFLICT = 409
_NOT_FOUND = 404


class PublishingStopped(UsageError):
    """Something differed from what was asked; the message says what, and what is left on the hub."""


class _Differs(RuntimeError):
    """What a hub answered is not what it was asked for."""


@dataclass(frozen=True)
class Published:
    """What is on the hub now.

    Attributes:
        url: Address of the repository.
        commit: The one commit that holds the files.
    """

    url: str
    commit: str


class Upload:
    """One upload of a plan that nothing stands in the way of.

    Args:
        plan: The plan.
        api: A `huggingface_hub.HfApi`, with the token of the person.
    """

    def __init__(self, plan: Plan, api: Any) -> None:
        self._plan, self._api = plan, api
        self._of_repo = {"repo_id": plan.repository, "repo_type": plan.repo_type}
        kind = "" if plan.repo_type == "model" else f"{plan.repo_type}s/"
        self.url = f"{api.endpoint}/{kind}{plan.repository}"
        self._was_there = False
        self._is_ours = False
        self._head: str | None = None
        self._commit = ""

    def run(self) -> Published:
        """Do all steps, or leave nothing behind.

        Raises:
            NotPublishable: If there is a repository of this name that must not be uploaded to; it is left as it is.
            PublishingStopped: If a step failed or its result is not what was asked for.
        """
        self._plan.check()
        self._look()
        steps: list[tuple[str, Callable[[], None]]] = [
            ("creating the repository", self._create),
            ("closing it", self._close),
            ("reading its settings back", self._check_closed),
            ("uploading the files", self._send),
            ("reading its settings back after the upload", self._check_closed),
            ("reading the files back", self._check_files),
        ]
        if self._plan.is_public:
            steps += [("opening it", self._open), ("reading back that it is open", self._check_open)]
        step = ""
        try:
            for step, do in steps:
                do()
                logger.info("%s: done", step)
        except BaseException as error:
            logger.warning("%s failed; undoing", step)
            left = self._undo()
            if not isinstance(error, Exception):
                raise
            reason = explain(error, self._plan.repository) or _short(error)
            raise PublishingStopped(f"stopped at {step}: {reason}\n{left}") from error
        return Published(self.url, self._commit)

    def _look(self) -> None:
        """See whether there is a repository of this name, and whether it may be uploaded to."""
        try:
            info = self._info()
        except Exception as error:
            reason = explain(error, self._plan.repository) or _short(error)
            raise PublishingStopped(f"nothing was sent: {reason}") from error
        if info is None:
            return
        self._was_there, self._head = True, info.sha
        if info.private is not True and not self._plan.is_public:
            raise NotPublishable(
                f"{self.url} is there and public; what is {self._plan.provenance.origin} is not uploaded to it as "
                "private, nor is its setting changed; choose another name"
            )
        if foreign := self._names(info) - {file.name for file in self._plan.audit.files}:
            raise NotPublishable(
                f"{self.url} is there and holds {len(foreign)} files that are not in {self._plan.folder}; choose "
                "another name, or delete them there first"
            )

    def _create(self) -> None:
        from huggingface_hub.errors import HfHubHTTPError

        if self._was_there:
            return
        self._is_ours = True
        try:
            self._api.create_repo(**self._of_repo, private=True, exist_ok=False)
        except HfHubHTTPError as error:
            # The hub says that it made nothing; without an answer, it may have made it all the same.
            self._is_ours = error.response is None or error.response.status_code >= 500
            if error.response is not None and error.response.status_code == _CONFLICT:
                raise _Differs("there is a repository of this name that was not there, or not to be seen") from error
            raise

    def _close(self) -> None:
        if self._was_there and self._plan.is_public:
            return
        self._api.update_repo_settings(**self._of_repo, private=True, gated="manual")

    def _check_closed(self) -> None:
        """Read back what decides who can read, and that nobody else has put something there."""
        if self._was_there and self._plan.is_public:
            return
        info = self._api.repo_info(**self._of_repo)
        if info.private is not True or info.gated != "manual":
            raise _Differs(f"expected a private repository gated manual, found private={info.private}, {info.gated=}")
        allowed = {file.name for file in self._plan.audit.files} if self._commit or self._was_there else set()
        if self._names(info) - allowed:
            raise _Differs("found files there that are not ours")
        if self._commit and info.sha != self._commit:
            raise _Differs("found another commit on top of ours")
        self._head = info.sha

    def _send(self) -> None:
        from huggingface_hub import CommitOperationAdd

        additions = []
        for file in self._plan.audit.files:
            addition = CommitOperationAdd(file.name, file.content or str(file.path))
            if addition.upload_info.sha256.hex() != file.sha256:
                raise _Differs(f"{file.name} has changed since it was looked through")
            additions.append(addition)
        self._commit = self._api.create_commit(
            **self._of_repo,
            operations=additions,
            commit_message="Publish with stigma-hf",
            commit_description=_record(self._plan),
            parent_commit=self._head,
        ).oid

    def _check_files(self) -> None:
        """Read back that the commit holds the files of the plan, byte for byte, and no other."""
        tree = self._api.list_repo_tree(**self._of_repo, recursive=True, revision=self._commit)
        found = {entry.path: entry for entry in tree if hasattr(entry, "blob_id")}
        names = found.keys() - _OF_THE_HUB
        expected = {file.name: file for file in self._plan.audit.files}
        if names != expected.keys():
            raise _Differs(
                f"expected {len(expected)} files there, found {len(names & expected.keys())} of them and "
                f"{len(names - expected.keys())} others"
            )
        for name, file in expected.items():
            if found[name].size != file.size or not _is_same(found[name], file):
                raise _Differs(f"{name}: expected it as it is here, found other content")

    def _open(self) -> None:
        self._api.update_repo_settings(**self._of_repo, private=False, gated=False)

    def _check_open(self) -> None:
        info = self._api.repo_info(**self._of_repo)
        if info.private is not False or info.gated is not False:
            raise _Differs(f"expected a public repository, found private={info.private}, {info.gated=}")

    def _undo(self) -> str:
        """Take back what was made; what is left, in words."""
        if not self._is_ours and not self._was_there:
            return "nothing was made"
        if self._was_there and self._plan.provenance.origin is not Origin.PATIENTS and self._plan.is_public:
            return f"{self.url} was there before and is as public as it was; look at its last commit"
        attempts = [self._make_private] if self._was_there else [self._delete, self._make_private]
        for attempt in attempts:
            for wait in _WAITS:
                time.sleep(wait)
                try:
                    return attempt()
                except Exception as error:
                    logger.warning("undoing: %s", _short(error))
        return (
            f"WARNING: IT IS NOT KNOWN WHO CAN READ {self.url}: it could neither be deleted nor looked at. Open "
            f"{self.url}/settings now, and make it private or delete it"
        )

    def _delete(self) -> str:
        try:
            self._api.delete_repo(**self._of_repo, missing_ok=True)
        except Exception as error:
            logger.warning("undoing: %s", _short(error))
        if self._info() is None:
            return "what was made is deleted again; nothing is left on the hub"
        raise _Differs("it is still there")

    def _info(self) -> Any:
        """What the hub says of the repository; None if it says that there is none, to somebody whom it knows."""
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

        try:
            return self._api.repo_info(**self._of_repo)
        except GatedRepoError:
            raise
        except RepositoryNotFoundError as error:
            if error.response is None or error.response.status_code != _NOT_FOUND:
                raise
            return None

    def _make_private(self) -> str:
        self._api.update_repo_settings(**self._of_repo, private=True, gated="manual")
        info = self._api.repo_info(**self._of_repo)
        if info.private is not True:
            raise _Differs("made private, and not private")
        if self._was_there:
            return f"{self.url} was there before and is private; look at its last commit"
        return f"WARNING: {self.url} COULD NOT BE DELETED. It is private; delete it at {self.url}/settings"

    def _names(self, info: Any) -> set[str]:
        return {sibling.rfilename for sibling in info.siblings or ()} - _OF_THE_HUB


def _record(plan: Plan) -> str:
    """What is written down with the commit about how it came to be."""
    from stigma_hf import __version__
    from stigma_hf.publishing.plan import STATEMENT

    lines = [f"stigma_hf {__version__}; provenance: {plan.provenance.origin}; {plan.visibility}"]
    if plan.provenance.origin is Origin.PATIENTS:
        lines.append(f"Stated by whoever uploaded it: {STATEMENT}")
    return "\n".join(lines)


def _is_same(entry: Any, file: AuditedFile) -> bool:
    """Whether a file there has the content of a file here: a hub knows large files by SHA-256, others as git does."""
    if entry.lfs:
        return bool(entry.lfs.sha256 == file.sha256)
    content = file.content if file.path is None else file.path.read_bytes()
    git = hashlib.sha1(f"blob {file.size}\0".encode() + (content or b""), usedforsecurity=False)
    return bool(entry.blob_id == git.hexdigest())


def _short(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
