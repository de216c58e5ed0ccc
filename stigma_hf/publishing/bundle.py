"""The same content as for a hub, as a file to submit to PhysioNet, which wants derived models under its own terms."""

import os
import zipfile
from pathlib import Path

from stigma_hf.errors import UsageError
from stigma_hf.publishing.plan import Plan

_TIME = (1980, 1, 1, 0, 0, 0)
_OWNER_ONLY = 0o600
_SUBMISSION = """\
# For the submission to PhysioNet

Files of a {repo_type} made with stigma_hf {version}. Provenance: {origin}. Begin a new project at
https://physionet.org/projects/, of the kind {kind}, choose credentialed access and the PhysioNet Credentialed Health
Data Licence with the data use agreement of its parent projects, and upload what stands beside this file.
`SHA256SUMS.txt` holds the sum of every file.

To be filled in by the authors: title, abstract, background, description, usage notes, ethics, conflicts of interest.
Parent projects to name: MIMIC-IV, MIMIC-IV-Note, and Characterization of Stigmatizing Language in Medical Records.
"""


def write_bundle(plan: Plan, out: str | Path) -> int:
    """Write what a plan would publish as a ZIP file with sums, readable by its owner alone.

    A statement is not needed: nothing leaves this machine.

    Args:
        plan: The plan.
        out: The file; it must not exist.

    Returns:
        Its size in bytes.

    Raises:
        UsageError: If the file exists, the origin is unknown, the audit found something, or a file has changed since.
    """
    from stigma_hf import __version__
    from stigma_hf.publishing.guard import NotPublishable

    path = Path(out)
    if path.exists():
        raise UsageError(f"expected a new file to write to, found one at {path}")
    obstacles = [each for each in plan.obstacles() if not each.startswith(("statement:", "--public:"))]
    if obstacles:
        raise NotPublishable(f"{plan.folder} is not bundled:\n" + "\n".join(f"- {each}" for each in obstacles))
    kind = "Model" if plan.repo_type == "model" else "Database"
    about = _SUBMISSION.format(repo_type=plan.repo_type, version=__version__, origin=plan.provenance.origin, kind=kind)
    sums = "".join(f"{file.sha256} {file.name}\n" for file in plan.audit.files)
    partial = path.with_name(f"{path.name}.incomplete")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for each in plan.audit.files:
                _add(archive, each.name, _content(plan, each.name))
            _add(archive, "SHA256SUMS.txt", sums.encode())
            _add(archive, "PHYSIONET.md", about.encode())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path.stat().st_size


def _content(plan: Plan, name: str) -> bytes:
    import hashlib

    file = next(file for file in plan.audit.files if file.name == name)
    content = file.content if file.path is None else file.path.read_bytes()
    if content is None or hashlib.sha256(content).hexdigest() != file.sha256:
        raise UsageError(f"{name} has changed since it was looked through; run it again")
    return content


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a member that is the same whenever it is written."""
    member = zipfile.ZipInfo(name, _TIME)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = _OWNER_ONLY << 16
    archive.writestr(member, content)
