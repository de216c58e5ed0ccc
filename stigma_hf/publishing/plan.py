"""What would be published: the files, the settings, what the audit found, and what is missing to go on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from stigma_hf.errors import UsageError
from stigma_hf.publishing.audit import Audit, audit
from stigma_hf.publishing.findings import MIN_NOTES
from stigma_hf.publishing.folder_files import RepoType
from stigma_hf.publishing.guard import NotPublishable
from stigma_hf.publishing.provenance import MAY_BE_PUBLIC, Origin, Provenance, provenance_of

STATEMENT = (
    "I may share this: I have signed the data use agreement of the notes it was made from, and I will let in only "
    "people who have signed it too."
)
"""What a person must say in so many words before anything made from patients' notes goes up."""

_CARD = "README.md"
_NEEDED = {"model": "config.json", "dataset": "provenance.json"}


@dataclass(frozen=True)
class Plan:
    """What would be published, and how.

    Attributes:
        folder: The folder.
        repository: Name of the repository, `owner/name`.
        repo_type: Whether it is a model or a data set.
        provenance: Where it comes from.
        is_public: Whether everybody may read it.
        audit: What is in the folder, and what must not be.
        missing: What stands in the way besides.
    """

    folder: Path
    repository: str
    repo_type: RepoType
    provenance: Provenance
    is_public: bool
    audit: Audit
    missing: tuple[str, ...]

    @property
    def visibility(self) -> str:
        """The settings, in words."""
        return "public" if self.is_public else "private, every request for access approved by hand"

    def obstacles(self) -> list[str]:
        """All that stands in the way, with what to do about each."""
        return [*(str(finding) for finding in self.audit.findings), *self.missing]

    def check(self) -> None:
        """Raise if something stands in the way.

        Raises:
            NotPublishable: With everything that does.
        """
        if obstacles := self.obstacles():
            raise NotPublishable(f"{self.folder} is not published:\n" + "\n".join(f"- {each}" for each in obstacles))

    def lines(self) -> Iterator[str]:
        """The plan for people to read."""
        from huggingface_hub import constants

        yield f"repository  {self.repository} ({self.repo_type}) at {constants.ENDPOINT}"
        yield f"settings    {self.visibility}"
        yield f"provenance  {self.provenance.origin} ({'; '.join(self.provenance.records) or 'no record'})"
        for file in self.audit.files:
            yield f"file        {file.name}, {file.size:,} bytes{', made for the upload' if file.content else ''}"
        yield f"audit       {self._audited()}"
        for obstacle in self.obstacles():
            yield f"missing     {obstacle}"

    def _audited(self) -> str:
        if self.audit.findings:
            return f"{len(self.audit.findings)} findings"
        if not self.audit.compared_notes:
            return "nothing found; not compared with training text, for there is none of patients"
        windows = f"{self.audit.compared_notes:,} training windows"
        return f"nothing found; compared with {windows}, features in at least {self.audit.min_notes} notes"


def make_plan(
    folder: str | Path,
    repository: str,
    *,
    repo_type: RepoType = "model",
    is_public: bool = False,
    statement: str | None = None,
    training_data: str | Path | None = None,
    min_notes: int = MIN_NOTES,
    report: Path | None = None,
) -> Plan:
    """Look through a folder and say what would be published; opens no connection and writes nothing.

    Args:
        folder: A folder of `save_pretrained`, or of `build-dataset`.
        repository: Name of the repository, `owner/name`.
        repo_type: Whether it is a model or a data set.
        is_public: Whether everybody may read it; never of what is derived from patients.
        statement: `STATEMENT`, as the person has typed it; needed for what is derived from patients.
        training_data: The data set of `build-dataset` that a model was trained on; needed likewise.
        min_notes: Notes that each feature of a vocabulary must stand in.
        report: `report.json` of `stigma-hf evaluate` on this model, for the card of a folder that has none.

    Raises:
        UsageError: If there is no such folder, the name is none of a repository, or the training data does not fit.
    """
    root = Path(folder)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise UsageError(f"expected a repository as OWNER/NAME, found {repository!r}")
    if repo_type not in get_args(RepoType):
        raise UsageError(f"expected a repository type among {', '.join(get_args(RepoType))}, found {repo_type!r}")
    if min_notes < MIN_NOTES:
        raise UsageError(f"expected --min-notes from {MIN_NOTES} on, found {min_notes}")
    provenance = provenance_of(root)
    missing = list(_missing(root, repo_type, provenance, is_public, statement))
    made, problem = _card(root, repo_type, report, is_gated=not is_public)
    audited = audit(
        root,
        provenance.origin,
        repo_type,
        training_data,
        min_notes,
        names={repository: "(the repository)"},
        made=made,
    )
    return Plan(root, repository, repo_type, provenance, is_public, audited, (*missing, *problem))


def is_stated(statement: str | None) -> bool:
    """Whether a person has said what must be said, word by word; blanks and the full stop do not matter.

    Args:
        statement: What was typed.
    """
    return statement is not None and " ".join(statement.split()).rstrip(".") == STATEMENT.rstrip(".")


def _missing(
    root: Path, repo_type: RepoType, provenance: Provenance, is_public: bool, statement: str | None
) -> Iterator[str]:
    """What a person has to do before it can go on, besides what the audit finds."""
    needed = _NEEDED[repo_type]
    if not (root / needed).is_file():
        yield f"no {needed}: this is no folder of a {repo_type} of ours; see --type"
    if provenance.origin is Origin.UNKNOWN:
        yield (
            f"provenance: unknown, {provenance.problem}; build the data set and train the model again with this "
            "package, which records it"
        )
    if is_public and provenance.origin not in MAY_BE_PUBLIC:
        yield f"--public: only what is {' or '.join(MAY_BE_PUBLIC)} may be public; leave it out"
    if provenance.origin is Origin.PATIENTS and not is_stated(statement):
        yield f"statement: --yes-i-may with this sentence, in so many words, if it is true: {STATEMENT}"


def _card(root: Path, repo_type: RepoType, report: Path | None, is_gated: bool) -> tuple[dict[str, bytes], list[str]]:
    """A card made for a folder without one, or why there is none."""
    if (root / _CARD).exists():
        return {}, []
    if repo_type == "dataset":
        return {}, [f"no {_CARD}: build-dataset writes one"]
    from stigma_hf.cards import render_model_card

    try:
        card = render_model_card(root, report, is_gated=is_gated)
    except UsageError as error:
        return {}, [f"no {_CARD}, and none can be made: {error}"]
    return {_CARD: card.encode("utf-8")}, []
