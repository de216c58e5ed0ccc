"""What a hub's refusal means, and what to do about it."""

from collections.abc import Iterator


def explain(error: BaseException, name: str) -> str | None:
    """What a person can do about a hub that does not give a repository; None if it is about something else.

    Args:
        error: What was raised; its causes are looked at, too.
        name: The repository.
    """
    from huggingface_hub import errors

    chain = list(_chain(error))
    for kind, answer in (
        (errors.GatedRepoError, _gated),
        (errors.RevisionNotFoundError, _no_revision),
        (errors.RepositoryNotFoundError, _not_found),
        (errors.HfHubHTTPError, _by_status),
    ):
        found = next((cause for cause in chain if isinstance(cause, kind)), None)
        if found is not None:
            return answer(name, _status(found))
    if any(_is_offline(cause) for cause in chain):
        return (
            f"{name}: the hub cannot be reached, and the files are not in the cache of this machine; connect and "
            f"unset HF_HUB_OFFLINE, or fetch them where there is a network, `hf download {name} --local-dir FOLDER`, "
            "and give that folder"
        )
    return None


def _gated(name: str, status: int | None) -> str:
    if status == 401:
        return f"{name}: it is gated, and the hub does not know who asks (401); `hf auth login`, or give token="
    return (
        f"{name}: it is gated, and your request for access has not been approved (403); ask for it on the page of "
        "the repository, with your PhysioNet profile, and wait until its owner has approved it"
    )


def _no_revision(name: str, status: int | None) -> str:
    return f"{name}: it has no such revision ({status}); leave revision= out, or give a branch, tag or commit of it"


def _not_found(name: str, status: int | None) -> str:
    if status == 401:
        return (
            f"{name}: there is no such public repository, and the hub does not know who asks (401); if it is a "
            "private one, `hf auth login` with a token that may read it, or give token="
        )
    return (
        f"{name}: no repository of this name that your token may see ({status}); check the name, and ask the owner of "
        "a private one to let you in"
    )


def _by_status(name: str, status: int | None) -> str | None:
    if status == 401:
        return f"{name}: the hub refuses the token (401); make a new one, and `hf auth login`"
    if status == 403:
        return f"{name}: the token may not do this (403); use one that may, of a person who may"
    if status is not None and status >= 500:
        return f"{name}: the hub has trouble of its own ({status}); try again later"
    return None


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _is_offline(error: BaseException) -> bool:
    import httpx2
    from huggingface_hub import errors

    kinds = (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, httpx2.TransportError, ConnectionError)
    return isinstance(error, kinds)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
