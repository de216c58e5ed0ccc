"""Fetch the needed files from PhysioNet with the person's own credentials: resumable, verified, owner-only.

Every file is written to `<name>.part`, compared with the project's `SHA256SUMS.txt` and only then given its name; one
that has its name is complete. Credentials stay in memory, go to the given server alone and appear in no file, log or
error.
"""

import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from netrc import NetrcParseError, netrc
from pathlib import Path, PurePosixPath
from typing import NamedTuple, NoReturn
from urllib.parse import quote, urlsplit

import httpx2

from stigma_hf.errors import UsageError

logger = logging.getLogger(__name__)

BASE_URL = "https://physionet.org/files"
USER_AGENT = "stigma-hf"
SUMS = "SHA256SUMS.txt"
_LONGEST_WAIT_SECONDS = 60.0
_TRANSIENT = {408, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Source:
    """Files wanted from one PhysioNet project.

    Attributes:
        slug: The project's name in addresses.
        version: Published version.
        title: What people call it.
        wanted: Paths in the project; `*` stands for anything, slashes included.
    """

    slug: str
    version: str
    title: str
    wanted: tuple[str, ...]

    @property
    def page(self) -> str:
        """Where the project is described and its agreement is signed."""
        return f"https://physionet.org/content/{self.slug}/{self.version}/"


_TABLES = ("admissions", "patients", "diagnoses_icd", "services", "transfers")
SOURCES = {
    "mimic-iv": Source("mimiciv", "2.2", "MIMIC-IV", tuple(f"hosp/{table}.csv.gz" for table in _TABLES)),
    "mimic-iv-note": Source("mimic-iv-note", "2.2", "MIMIC-IV-Note", ("note/discharge.csv.gz",)),
    "annotations": Source(
        "stigmatizing-language", "1.0.0", "Characterization of Stigmatizing Language", ("annotations/annotations.csv",)
    ),
    "models": Source("stigmatizing-language", "1.0.0", "Characterization of Stigmatizing Language", ("models/*",)),
}


class DownloadError(UsageError):
    """A file could not be fetched; the message says what to do."""


class Credentials:
    """A PhysioNet user name and password. The password shows in no representation."""

    def __init__(self, username: str, password: str) -> None:
        if not username or not password or ":" in username:
            raise DownloadError("expected a PhysioNet user name without a colon, and a password")
        self.username = username
        self.basic_auth = httpx2.BasicAuth(username, password)

    def __repr__(self) -> str:
        return "Credentials(...)"


class Progress(NamedTuple):
    """How far one file is: its address below the base URL, bytes on disk, bytes in all (None while unknown)."""

    name: str
    n_bytes: int
    n_total: int | None


class DownloadedFile(NamedTuple):
    """A verified file, and whether it was already there."""

    path: Path
    was_present: bool


def find_credentials(
    base_url: str = BASE_URL,
    username: str | None = None,
    password: str | None = None,
    prompt: Callable[[str | None], tuple[str, str]] | None = None,
) -> Credentials:
    """Credentials from the arguments, the environment, netrc or a prompt, in this order.

    Args:
        base_url: The server they are for; its host is looked up in the netrc file.
        username: PhysioNet user name; `PHYSIONET_USERNAME` when None.
        password: Its password; `PHYSIONET_PASSWORD` when None, unless that one belongs to another user name.
        prompt: Asks the person. Gets the user name if it is known, returns user name and password.

    Raises:
        DownloadError: If there are none.
    """
    from_environment = os.environ.get("PHYSIONET_USERNAME")
    name = username or from_environment
    if name and not password and from_environment in (None, "", name):
        password = os.environ.get("PHYSIONET_PASSWORD")
    if name and password:
        return Credentials(name, password)
    login, secret = _from_netrc(urlsplit(base_url).hostname or "")
    if login and secret and name in (None, "", login):
        return Credentials(login, secret)
    if prompt:
        return Credentials(*prompt(name))
    raise DownloadError(
        "expected PhysioNet credentials, found none: set PHYSIONET_USERNAME and PHYSIONET_PASSWORD, or add the host "
        "to the netrc file"
    )


def download(
    out: str | Path,
    credentials: Credentials,
    sources: Iterable[Source] = tuple(SOURCES.values()),
    *,
    base_url: str = BASE_URL,
    user_agent: str = USER_AGENT,
    progress: Callable[[Progress], None] | None = None,
    max_retries: int = 5,
    backoff_seconds: float = 1.0,
) -> list[DownloadedFile]:
    """Fetch the wanted files into `<out>/<slug>/<version>/`; go on where an earlier run stopped.

    Args:
        out: Folder for the files. Folders are created for the owner only, files likewise.
        credentials: From `find_credentials`.
        sources: What to fetch; see `SOURCES`. Another version: `dataclasses.replace(source, version="3.1")`.
        base_url: The server. https, or http on this machine.
        user_agent: How this program names itself. PhysioNet takes passwords only from programs that it has listed.
        progress: Called as bytes arrive.
        max_retries: How often a file is tried again after a broken connection or a busy server.
        backoff_seconds: Wait before the first retry; it doubles each time.

    Returns:
        The files, verified, in the order of the published sums.

    Raises:
        DownloadError: If a file is refused, missing or corrupted, the connection stays broken or the disk is full.
        UsageError: If the base URL would send the password unencrypted, or holds one.
    """
    _check_base_url(base_url)
    headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
    files = []
    with httpx2.Client(headers=headers, follow_redirects=True, timeout=60.0) as client:
        for source in sources:
            fetcher = _Fetcher(
                client, credentials, base_url.rstrip("/"), source, progress, max_retries, backoff_seconds
            )
            files += fetcher.fetch_all(Path(out) / source.slug / source.version)
    n_present = sum(file.was_present for file in files)
    logger.info("%d files verified, %d of them already there", len(files), n_present)
    return files


@dataclass(frozen=True)
class _Fetcher:
    """Fetches the files of one source."""

    client: httpx2.Client
    credentials: Credentials
    base_url: str
    source: Source
    progress: Callable[[Progress], None] | None
    max_retries: int
    backoff_seconds: float

    def fetch_all(self, folder: Path) -> list[DownloadedFile]:
        """The wanted files of the source, below `folder`."""
        _make_private_folder(folder)
        sums_part = folder / f"{SUMS}.part"
        sums_part.unlink(missing_ok=True)
        self._fetch(SUMS, sums_part)
        sums = self._wanted(sums_part.read_bytes())
        os.replace(sums_part, folder / SUMS)
        return [self._obtain(path, folder / path, digest) for path, digest in sums.items()]

    def _name(self, path: str) -> str:
        return f"{self.source.slug}/{self.source.version}/{path}"

    def _wanted(self, published: bytes) -> dict[str, str]:
        """The published sums of the wanted files."""
        lines = published.decode("utf-8", "replace").splitlines()
        parsed = [re.fullmatch(r"([0-9a-fA-F]{64})[ \t]+\*?(?:\./)?(.+)", line) for line in lines if line.strip()]
        if not parsed or not all(parsed):
            raise DownloadError(
                f"{self._name(SUMS)}: expected lines of checksums, found something else, perhaps a log-in page; "
                f"open {self.source.page} to see whether PhysioNet is at work"
            )
        sums = {match[2]: match[1].lower() for match in parsed if match}
        missing = [pattern for pattern in self.source.wanted if not any(fnmatchcase(path, pattern) for path in sums)]
        if missing:
            raise DownloadError(
                f"{self._name(SUMS)} lists no {', '.join(missing)}; check version {self.source.version} at "
                f"{self.source.page}"
            )
        wanted = {
            path: digest for path, digest in sums.items() if any(fnmatchcase(path, p) for p in self.source.wanted)
        }
        if any(not _is_inside(path) for path in wanted):
            raise DownloadError(
                f"{self._name(SUMS)}: expected paths inside the project, found one that leads out of it"
            )
        return wanted

    def _obtain(self, path: str, target: Path, digest: str) -> DownloadedFile:
        """The file at `target`, verified; fetched unless it is already complete."""
        if target.exists():
            if _sha256(target) == digest:
                self._report(path, target.stat().st_size, target.stat().st_size)
                return DownloadedFile(target, was_present=True)
            logger.warning("%s: the file on disk is not the published one; fetching it again", self._name(path))
        _make_private_folder(target.parent)
        part = target.with_name(f"{target.name}.part")
        while True:
            is_resumed = part.exists()
            self._fetch(path, part)
            if _sha256(part) == digest:
                os.replace(part, target)
                return DownloadedFile(target, was_present=False)
            part.unlink()
            if not is_resumed:
                break
            logger.warning("%s: the file begun earlier is not the published one; starting over", self._name(path))
        raise DownloadError(
            f"{self._name(path)}: the file arrived corrupted (its SHA-256 is not the published {digest[:12]}...) and "
            "was removed; run again, and if it happens again ask whoever runs your network or proxy"
        )

    def _fetch(self, path: str, part: Path) -> None:
        """Complete `part`, trying again a bounded number of times."""
        for attempt in range(self.max_retries + 1):
            wait = min(self.backoff_seconds * 2**attempt, _LONGEST_WAIT_SECONDS)
            try:
                self._fetch_once(path, part)
                return
            except _Busy as busy:
                cause: Exception = busy
                wait = max(wait, min(busy.retry_after_seconds, _LONGEST_WAIT_SECONDS))
            except httpx2.TransportError as error:
                cause = error
            except httpx2.HTTPError as error:
                raise DownloadError(f"{self._name(path)}: {type(error).__name__}: {error}") from error
            logger.info("%s: attempt %d failed (%s)", self._name(path), attempt + 1, type(cause).__name__)
            if attempt < self.max_retries:
                time.sleep(wait)
        raise DownloadError(
            f"{self._name(path)}: gave up after {self.max_retries + 1} attempts ({type(cause).__name__}: {cause}); "
            "what has arrived is kept, run again to go on from there"
        ) from cause

    def _fetch_once(self, path: str, part: Path) -> None:
        """Append what is missing to `part`, or write it from the start where the server does not serve ranges."""
        n_have = part.stat().st_size if part.exists() else 0
        url = f"{self.base_url}/{quote(self._name(path))}"
        headers = {"Range": f"bytes={n_have}-"} if n_have else {}
        with self.client.stream("GET", url, headers=headers, auth=self.credentials.basic_auth) as response:
            if response.status_code == 416 and n_have:
                return  # Nothing after what we have: the checksum decides whether it is the file.
            if response.status_code not in (200, 206):
                self._refuse(path, url, response)
            if response.status_code == 200:
                n_have = 0
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {n_have}-"):
                part.unlink(missing_ok=True)
                raise _Busy("the server sent another range than asked for")
            length = response.headers.get("Content-Length", "")
            n_total = n_have + int(length) if length.isdigit() else None
            self._check_room(path, part, (n_total or 0) - n_have)
            self._write(path, part, response, n_have, n_total)

    def _write(self, path: str, part: Path, response: httpx2.Response, n_done: int, n_total: int | None) -> None:
        """Write the body behind the first `n_done` bytes of `part`."""
        try:
            with open(part, "ab" if n_done else "wb", opener=_open_private) as file:
                self._report(path, n_done, n_total)
                for chunk in response.iter_raw():  # As it arrives: a chunk size would lose a broken chunk.
                    file.write(chunk)
                    n_done += len(chunk)
                    self._report(path, n_done, n_total)
        except OSError as error:
            raise DownloadError(
                f"{self._name(path)}: could not write to {part} ({error.strerror}); make room or choose another "
                "folder, then run again to go on from there"
            ) from error

    def _check_room(self, path: str, part: Path, n_missing: int) -> None:
        n_free = shutil.disk_usage(part.parent).free
        if n_missing > n_free:
            raise DownloadError(
                f"{self._name(path)}: {n_missing:,} bytes to fetch, {n_free:,} free in {part.parent}; make room or "
                "choose another folder"
            )

    def _report(self, path: str, n_bytes: int, n_total: int | None) -> None:
        if self.progress:
            self.progress(Progress(self._name(path), n_bytes, n_total))

    def _refuse(self, path: str, url: str, response: httpx2.Response) -> NoReturn:
        """Raise what the status means."""
        status, source = response.status_code, self.source
        if status in _TRANSIENT:
            raise _Busy(f"status {status}", response.headers.get("Retry-After", ""))
        project = f"{source.title} {source.version}"
        agreement = f"sign the data use agreement of {project} at the foot of {source.page}"
        if status == 401:
            raise DownloadError(
                f"{project}: PhysioNet did not accept this user name and password (401); check them, and if you have "
                f"not yet, {agreement}"
            )
        # Without a log-in PhysioNet answers 401 to the programs that may give one, and 403 to all others.
        if status == 403 and self.client.head(url).status_code == 403:
            raise DownloadError(
                f"{project}: PhysioNet takes passwords only from programs that it has listed by name, and "
                f"{response.request.headers['User-Agent']!r} is not one of them (403). Fetch the files with the wget "
                f"command given at the foot of {source.page}; the dataset builder reads the folders that it makes"
            )
        if status == 403:
            raise DownloadError(
                f"{project}: PhysioNet knows you but refuses access (403); become a credentialed user, complete the "
                f"required training, {agreement}, then run again"
            )
        if status == 404:
            raise DownloadError(f"{self._name(path)}: not found (404); check the version at {source.page}")
        raise DownloadError(f"{self._name(path)}: expected status 200 or 206, found {status}")


class _Busy(Exception):
    """The server asks, or seems, to be tried again later."""

    def __init__(self, reason: str, retry_after: str = "") -> None:
        super().__init__(reason)
        self.retry_after_seconds = float(retry_after) if retry_after.isdigit() else 0.0


def _from_netrc(host: str) -> tuple[str | None, str | None]:
    """Login and password of the host in the person's netrc file; a file that cannot be used counts as none."""
    try:
        entry = netrc(os.environ.get("NETRC")).authenticators(host)
    except OSError:
        return None, None
    except (NetrcParseError, UnicodeDecodeError):
        # The error quotes the file, which holds passwords.
        logger.warning("the netrc file is not used: it cannot be parsed, or others than you may read it (chmod 600)")
        return None, None
    return (entry[0], entry[2]) if entry else (None, None)


def _check_base_url(base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.username or parts.password:
        raise UsageError("expected a base URL without user name and password in it; give them as credentials")
    if parts.scheme != "https" and not (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    ):
        raise UsageError(f"expected an https address, or http on this machine, found {base_url!r}")


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts and not set(path) & set("\\:")


def _make_private_folder(folder: Path) -> None:
    """Make a folder and its missing parents, each for the owner only."""
    for level in [*reversed(folder.parents), folder]:
        if not level.exists():
            level.mkdir(mode=0o700, exist_ok=True)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
