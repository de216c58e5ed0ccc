import base64
import errno
import io
import logging
import stat
from dataclasses import replace

import pytest
from physionet_server import PhysioNetServer

from stigma_hf.mimic import download as module
from stigma_hf.mimic.download import SOURCES, Credentials, DownloadError, Source, download, find_credentials

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NOTES = bytes(range(256)) * 4096 * 3  # three megabytes: several chunks
DISCHARGE = "mimic-iv-note/2.2/note/discharge.csv.gz"
SUMS = "mimic-iv-note/2.2/SHA256SUMS.txt"
FILES = {
    **{f"mimiciv/2.2/{path}": path.encode() * 100 for path in SOURCES["mimic-iv"].wanted},
    "mimiciv/2.2/hosp/labevents.csv.gz": b"not needed",
    DISCHARGE: NOTES,
    "mimic-iv-note/2.2/note/radiology.csv.gz": b"not needed",
    "stigmatizing-language/1.0.0/annotations/annotations.csv": b"encounter_note_id,label\n",
    "stigmatizing-language/1.0.0/models/a/adamant_fold-0/targets.json": b"{}",
    "stigmatizing-language/1.0.0/models/b/c #1%20?/model.pth": b"weights",
}
NOTE_SOURCE = [SOURCES["mimic-iv-note"]]
JANE = Credentials("jane", "p:ässword")


@pytest.fixture
def server():
    with PhysioNetServer(FILES) as server:
        yield server


@pytest.fixture(autouse=True)
def no_credentials_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.delenv("PHYSIONET_USERNAME", raising=False)
    monkeypatch.delenv("PHYSIONET_PASSWORD", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


def fetch(server, out, sources=NOTE_SOURCE, credentials=JANE, **options):
    return download(out, credentials, sources, base_url=server.base_url, backoff_seconds=0, **options)


def test_fetches_the_needed_files_of_all_projects_and_no_others(server, tmp_path):
    files = fetch(server, tmp_path, SOURCES.values())
    wanted = {path for path in FILES if FILES[path] != b"not needed"}
    assert {str(file.path.relative_to(tmp_path)) for file in files} == wanted
    assert all((tmp_path / path).read_bytes() == FILES[path] for path in wanted)
    assert not any(file.was_present for file in files)
    assert not list(tmp_path.rglob("*.part"))


def test_published_sums_stay_beside_the_files(server, tmp_path):
    fetch(server, tmp_path)
    assert (tmp_path / SUMS).read_text().splitlines()[0].endswith(" note/discharge.csv.gz")


def test_bytes_are_asked_for_as_they_are_published(server, tmp_path):
    fetch(server, tmp_path)
    assert server.fetched(DISCHARGE)[0]["Accept-Encoding"] == "identity", "a compressed answer would not be the file"


def test_folders_and_files_are_for_the_owner_only(server, tmp_path):
    fetch(server, tmp_path / "new" / "data")
    made = [tmp_path / "new", *(tmp_path / "new").rglob("*")]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert {modes[name] for name in ("new", "data", "mimic-iv-note", "2.2", "note")} == {0o700}
    assert {modes[name] for name in ("discharge.csv.gz", "SHA256SUMS.txt")} == {0o600}


def test_complete_files_are_verified_and_not_fetched_again(server, tmp_path):
    fetch(server, tmp_path)
    (file,) = fetch(server, tmp_path)
    assert file.was_present
    assert len(server.fetched(DISCHARGE)) == 1


def test_file_on_disk_that_is_not_the_published_one_is_replaced(server, tmp_path):
    fetch(server, tmp_path)
    (tmp_path / DISCHARGE).write_bytes(NOTES[:1000])
    (file,) = fetch(server, tmp_path)
    assert not file.was_present
    assert file.path.read_bytes() == NOTES


def test_broken_connection_goes_on_where_it_stopped(server, tmp_path):
    server.break_after = {DISCHARGE: [1_200_000, 0, 700_000]}
    (file,) = fetch(server, tmp_path)
    assert file.path.read_bytes() == NOTES
    ranges = [headers.get("Range") for headers in server.fetched(DISCHARGE)]
    assert ranges == [None, "bytes=1200000-", "bytes=1200000-", "bytes=1900000-"]


def test_connection_that_keeps_breaking_is_given_up_and_the_next_run_resumes(server, tmp_path):
    server.break_after = {DISCHARGE: [500_000, 500_000, 500_000]}
    with pytest.raises(DownloadError, match=r"discharge.csv.gz: gave up after 3 attempts .*run again"):
        fetch(server, tmp_path, max_retries=2)
    assert not (tmp_path / DISCHARGE).exists()
    assert (tmp_path / f"{DISCHARGE}.part").read_bytes() == NOTES[:1_500_000]
    fetch(server, tmp_path)
    assert (tmp_path / DISCHARGE).read_bytes() == NOTES
    assert server.fetched(DISCHARGE)[-1]["Range"] == "bytes=1500000-"


def test_server_without_ranges_restarts_the_file(server, tmp_path):
    server.serves_ranges = False
    server.break_after = {DISCHARGE: [1_200_000]}
    (file,) = fetch(server, tmp_path)
    assert file.path.read_bytes() == NOTES


def test_server_that_sends_another_range_restarts_the_file(server, tmp_path):
    server.shifts_ranges = True
    server.break_after = {DISCHARGE: [1_200_000]}
    (file,) = fetch(server, tmp_path)
    assert file.path.read_bytes() == NOTES
    assert [headers.get("Range") for headers in server.fetched(DISCHARGE)] == [None, "bytes=1200000-", None]


def test_part_that_is_already_complete_is_verified_and_named(server, tmp_path):
    part = tmp_path / f"{DISCHARGE}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(NOTES)
    (file,) = fetch(server, tmp_path)
    assert file.path.read_bytes() == NOTES
    assert not part.exists()


@pytest.mark.parametrize("begun", [b"another file", NOTES + b"too long"])
def test_part_of_another_file_is_fetched_anew(server, tmp_path, begun):
    part = tmp_path / f"{DISCHARGE}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(begun)
    (file,) = fetch(server, tmp_path)
    assert file.path.read_bytes() == NOTES


def test_corrupted_file_is_removed_and_named(server, tmp_path):
    server.corrupted = {DISCHARGE}
    with pytest.raises(DownloadError, match=r"note/discharge.csv.gz: the file arrived corrupted .* was removed"):
        fetch(server, tmp_path)
    assert [path.name for path in (tmp_path / DISCHARGE).parent.iterdir()] == []


def test_wrong_password_names_the_agreement_and_its_page(server, tmp_path):
    with pytest.raises(DownloadError) as caught:
        fetch(server, tmp_path, credentials=Credentials("jane", "s3cret-guess"))
    message = str(caught.value)
    assert "did not accept this user name and password (401)" in message
    assert "sign the data use agreement of MIMIC-IV-Note 2.2" in message
    assert "https://physionet.org/content/mimic-iv-note/2.2/" in message
    assert "s3cret-guess" not in message and "jane" not in message
    assert len(server.requests) == 1, "a refusal is not tried again"


def test_unsigned_agreement_names_the_project_that_lacks_it(server, tmp_path):
    server.signed = {"mimiciv/2.2"}
    with pytest.raises(
        DownloadError, match=r"refuses access \(403\).*agreement of MIMIC-IV-Note 2.2.*mimic-iv-note/2.2/"
    ):
        fetch(server, tmp_path, [SOURCES["mimic-iv"], SOURCES["mimic-iv-note"]])
    assert (tmp_path / "mimiciv/2.2/hosp/patients.csv.gz").exists()


def test_program_that_physionet_has_not_listed_is_told_apart_from_an_unsigned_agreement(server, tmp_path):
    server.listed_agents = ("Wget/",)
    with pytest.raises(DownloadError, match=r"only from programs that it has listed.*'stigma-hf'.*wget"):
        fetch(server, tmp_path)
    with pytest.raises(DownloadError, match="'hospital/1.0'"):
        fetch(server, tmp_path, user_agent="hospital/1.0")


def test_unknown_version_is_not_found(server, tmp_path):
    with pytest.raises(DownloadError, match=r"mimic-iv-note/9.9/SHA256SUMS.txt: not found \(404\); check the version"):
        fetch(server, tmp_path, [replace(SOURCES["mimic-iv-note"], version="9.9")])


def test_files_that_the_project_does_not_list_are_named_together(server, tmp_path):
    source = replace(SOURCES["mimic-iv"], wanted=("hosp/patients.csv.gz", "hosp/gone.csv.gz", "icu/gone.csv.gz"))
    with pytest.raises(DownloadError, match=r"lists no hosp/gone.csv.gz, icu/gone.csv.gz; check version 2.2"):
        fetch(server, tmp_path, [source])


@pytest.mark.parametrize("page", [b"", b"<html>Log in</html>"])
def test_page_instead_of_sums_is_refused(server, tmp_path, page):
    server.files[SUMS] = page
    with pytest.raises(
        DownloadError, match="expected lines of checksums, found something else, perhaps a log-in page"
    ):
        fetch(server, tmp_path)


@pytest.mark.parametrize("path", ["../../evil", "/etc/evil", "a/../../../evil", "C:evil", "a\\evil"])
def test_sums_that_lead_out_of_the_folder_are_refused(server, tmp_path, path):
    server.files[SUMS] = f"{'0' * 64}  {path}\n".encode()
    with pytest.raises(DownloadError, match="found one that leads out of it"):
        fetch(server, tmp_path, [Source("mimic-iv-note", "2.2", "MIMIC-IV-Note", ("*",))])


@pytest.mark.parametrize("form", ["{} {}", "{}  {}", "{} *{}", "{}  ./{}"])
def test_sums_are_read_in_every_usual_form(server, tmp_path, form):
    digest = module.hashlib.sha256(NOTES).hexdigest().upper()
    server.files[SUMS] = form.format(digest, "note/discharge.csv.gz").encode() + b"\r\n\r\n"
    assert len(fetch(server, tmp_path)) == 1


def test_busy_server_is_asked_again(server, tmp_path):
    server.statuses = {DISCHARGE: [503, 429], SUMS: [500]}
    assert len(fetch(server, tmp_path)) == 1


def test_busy_server_is_given_up_after_the_retries(server, tmp_path):
    server.statuses = {SUMS: [503] * 10}
    with pytest.raises(DownloadError, match=r"gave up after 4 attempts .*status 503"):
        fetch(server, tmp_path, max_retries=3)
    assert len(server.requests) == 4


def test_waits_double_and_honour_retry_after(server, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    server.statuses = {SUMS: [503] * 4}
    download(tmp_path, JANE, NOTE_SOURCE, base_url=server.base_url, backoff_seconds=20)
    assert waits == [20, 40, 60, 60]


def test_absent_server_is_a_clear_error(server, tmp_path):
    gone = server.base_url
    server.__exit__()
    with pytest.raises(DownloadError, match=r"SHA256SUMS.txt: gave up after 2 attempts \(ConnectError"):
        download(tmp_path, JANE, NOTE_SOURCE, base_url=gone, backoff_seconds=0, max_retries=1)
    server.__enter__()


def test_unexpected_status_is_named(server, tmp_path):
    server.statuses = {SUMS: [418]}
    with pytest.raises(DownloadError, match="expected status 200 or 206, found 418"):
        fetch(server, tmp_path)


def test_redirect_within_the_server_keeps_the_log_in(server, tmp_path):
    server.files["mimic-iv-note/2.2/moved"] = NOTES
    server.redirects = {DISCHARGE: "/files/mimic-iv-note/2.2/moved"}
    assert len(fetch(server, tmp_path)) == 1


def test_redirect_to_another_server_carries_no_credentials(server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login jane password other-secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with PhysioNetServer(FILES) as other:
        server.redirects = {DISCHARGE: f"{other.base_url}/{DISCHARGE}"}
        with pytest.raises(DownloadError, match="401"):
            fetch(server, tmp_path / "out")
        assert len(other.requests) == 1
        assert not {name.lower() for name in other.requests[0][2]} & {"authorization", "cookie"}


def test_endless_redirects_end(server, tmp_path):
    server.redirects = {SUMS: f"/files/{SUMS}"}
    with pytest.raises(DownloadError, match="TooManyRedirects"):
        fetch(server, tmp_path)


def test_too_little_room_is_refused_before_the_first_byte(server, tmp_path, monkeypatch):
    usage = module.shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DownloadError, match=r"3,145,728 bytes to fetch, 1,000,000 free in .*; make room"):
        fetch(server, tmp_path)
    assert not (tmp_path / f"{DISCHARGE}.part").exists()


def test_disk_that_fills_up_is_a_clear_error(server, tmp_path, monkeypatch):
    class FullDisk(io.BytesIO):
        def write(self, chunk):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "open", lambda *args, **kwargs: FullDisk(), raising=False)
    with pytest.raises(DownloadError, match=r"could not write to .*No space left on device.*run again"):
        fetch(server, tmp_path)


def test_progress_grows_to_the_size_of_each_file(server, tmp_path):
    steps = []
    server.break_after = {DISCHARGE: [1_500_000]}
    fetch(server, tmp_path, progress=steps.append)
    notes = [step for step in steps if step.name == DISCHARGE]
    assert [step.n_bytes for step in notes] == sorted(step.n_bytes for step in notes)
    assert notes[0].n_bytes == 0 and notes[-1].n_bytes == len(NOTES)
    assert {step.n_total for step in notes} == {len(NOTES)}
    steps.clear()
    fetch(server, tmp_path, progress=steps.append)
    assert steps[-1] == (DISCHARGE, len(NOTES), len(NOTES))


def test_password_stays_out_of_logs_files_and_representations(server, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    server.break_after = {DISCHARGE: [10]}
    fetch(server, tmp_path)
    encoded = base64.b64encode("jane:p:ässword".encode()).decode()
    assert "1 files verified" in caplog.text
    for text in (caplog.text, repr(JANE), str(JANE), repr(vars(JANE))):
        assert "ässword" not in text and encoded not in text
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or encoded.encode() not in path.read_bytes()


@pytest.mark.parametrize("url", ["http://physionet.org/files", "ftp://127.0.0.1/files", "physionet.org/files"])
def test_base_url_without_encryption_is_refused(tmp_path, url):
    with pytest.raises(ValueError, match="expected an https address, or http on this machine"):
        download(tmp_path, JANE, base_url=url)


def test_base_url_with_a_password_is_refused_without_repeating_it(tmp_path):
    with pytest.raises(ValueError, match="without user name and password") as caught:
        download(tmp_path, JANE, base_url="https://jane:hidden@physionet.org/files")
    assert "hidden" not in str(caught.value)


def username_and_password(credentials):
    header = credentials.basic_auth._auth_header.removeprefix("Basic ")
    return tuple(base64.b64decode(header).decode().split(":", 1))


def test_arguments_come_before_environment_before_netrc_before_prompt(monkeypatch, tmp_path):
    def prompt(name):
        return name or "asked", "from-prompt"

    assert username_and_password(find_credentials(prompt=prompt)) == ("asked", "from-prompt")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine physionet.org login lisa password from-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert username_and_password(find_credentials(prompt=prompt)) == ("lisa", "from-netrc")
    monkeypatch.setenv("PHYSIONET_USERNAME", "eve")
    monkeypatch.setenv("PHYSIONET_PASSWORD", "from-env")
    assert username_and_password(find_credentials(prompt=prompt)) == ("eve", "from-env")
    assert username_and_password(find_credentials(username="jane", password="given")) == ("jane", "given")


def test_password_of_one_user_is_never_paired_with_another(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine physionet.org login lisa password from-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("PHYSIONET_USERNAME", "eve")
    monkeypatch.setenv("PHYSIONET_PASSWORD", "from-env")
    asked = []
    find_credentials(username="jane", prompt=lambda name: (asked.append(name) or name, "typed"))
    assert asked == ["jane"]
    assert username_and_password(find_credentials(username="lisa")) == ("lisa", "from-netrc")


def test_password_alone_in_the_environment_goes_with_the_given_user(monkeypatch):
    monkeypatch.setenv("PHYSIONET_PASSWORD", "from-env")
    assert username_and_password(find_credentials(username="jane")) == ("jane", "from-env")


def test_netrc_of_another_host_or_with_errors_counts_as_none(monkeypatch, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    netrc = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(netrc))
    for content in ("machine example.org login lisa password hidden\n", "machine physionet.org nonsense hidden\n"):
        netrc.write_text(content)
        with pytest.raises(DownloadError, match="expected PhysioNet credentials, found none: set PHYSIONET_USERNAME"):
            find_credentials()
    assert "hidden" not in caplog.text
    assert caplog.text.count("the netrc file is not used") == 1


@pytest.mark.parametrize(("username", "password"), [("", "x"), ("jane", ""), ("ja:ne", "x")])
def test_impossible_credentials_are_refused(username, password):
    with pytest.raises(DownloadError, match="user name without a colon, and a password"):
        Credentials(username, password)
