"""`stigma-hf publish` and `stigma-hf access`: to a private, gated repository, and who may read it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stigma_hf.cli.console import command, err, out
from stigma_hf.errors import UsageError

if TYPE_CHECKING:
    from stigma_hf.publishing.plan import Plan

Repository = Annotated[str, typer.Argument(help="Repository, OWNER/NAME.")]
RepositoryType = Annotated[str, typer.Option("--type", help="model or dataset.")]

access = typer.Typer(help="See and answer requests for access to a gated repository.", no_args_is_help=True)


@command
def publish(
    folder: Annotated[Path, typer.Argument(help="Folder of a model, or of build-dataset with --type dataset.")],
    repository: Annotated[str, typer.Argument(help="Repository, OWNER/NAME.")],
    upload: Annotated[
        bool, typer.Option("--upload", help="Do it; without, it is only said what would be done.")
    ] = False,
    repo_type: RepositoryType = "model",
    public: Annotated[
        bool, typer.Option("--public", help="Let everybody read it: only for synthetic data and published counts.")
    ] = False,
    yes_i_may: Annotated[
        str | None, typer.Option(help="The statement that what is derived from patients needs, in so many words.")
    ] = None,
    training_data: Annotated[
        Path | None, typer.Option(help="Folder of build-dataset that the model was trained on, to compare with.")
    ] = None,
    min_notes: Annotated[int, typer.Option(help="Notes that each feature of a vocabulary must stand in.", min=5)] = 5,
    report: Annotated[
        Path | None, typer.Option(help="report.json of evaluate, for the card of a folder without one.")
    ] = None,
    prune: Annotated[
        Path | None, typer.Option(help="Write a baseline without features of fewer notes to this folder, and stop.")
    ] = None,
    physionet_bundle: Annotated[
        Path | None, typer.Option(help="Write a ZIP file to submit to PhysioNet instead, and stop.")
    ] = None,
) -> None:
    """Look through a folder, and upload it to a private repository whose readers you approve by hand.

    Without --upload nothing is sent and no connection is opened.
    """
    from stigma_hf.publishing.plan import make_plan

    if prune:
        _prune(folder, prune, training_data, min_notes)
        return

    def plan_with(statement: str | None) -> "Plan":
        return make_plan(
            folder,
            repository,
            repo_type=repo_type,  # type: ignore[arg-type]  # make_plan says what the choices are
            is_public=public,
            statement=statement,
            training_data=training_data,
            min_notes=min_notes,
            report=report,
        )

    plan = plan_with(yes_i_may)
    for line in plan.lines():
        out.print(line, markup=False, soft_wrap=True)
    if physionet_bundle:
        from stigma_hf.publishing.bundle import write_bundle

        size = write_bundle(plan, physionet_bundle)
        out.print(f"wrote {physionet_bundle}, {size:,} bytes; nothing was sent", markup=False, soft_wrap=True)
        return
    _recommend_physionet(plan)
    if not upload:
        ready = "add --upload to do it" if not plan.obstacles() else "it cannot go on like this"
        out.print(f"nothing was sent; {ready}", markup=False, soft_wrap=True)
        return
    _upload(_stated(plan, plan_with) if yes_i_may is None else plan)


def _prune(folder: Path, out_folder: Path, training_data: Path | None, min_notes: int) -> None:
    from stigma_hf.publishing.provenance import provenance_of
    from stigma_hf.publishing.pruning import prune
    from stigma_hf.publishing.training_text import read_training_text

    if training_data is None:
        raise UsageError("expected --training-data with --prune, the data set that the model was trained on")
    left_out = prune(folder, out_folder, read_training_text(training_data, provenance_of(folder).origin), min_notes)
    told = ", ".join(f"{task} {number:,}" for task, number in left_out.items()) or "none"
    out.print(f"wrote {out_folder}; features left out: {told}", markup=False, soft_wrap=True)
    out.print("windows without any of them get the same answers; evaluate it again for its scores", soft_wrap=True)


def _recommend_physionet(plan: "Plan") -> None:
    from stigma_hf.publishing.provenance import Origin

    if plan.provenance.origin is Origin.PATIENTS:
        out.print(
            "advice      PhysioNet asks that what is made from its data be shared there, under the same agreement: "
            "--physionet-bundle FILE writes the same content for it",
            soft_wrap=True,
        )


def _stated(plan: "Plan", plan_with: Callable[[str | None], "Plan"]) -> "Plan":
    """The plan with the statement that the person types, if nothing else is missing and somebody is there to type."""
    from stigma_hf.publishing.plan import STATEMENT

    is_all = all(each.startswith("statement:") for each in plan.obstacles())
    if not plan.obstacles() or not is_all or not err.is_terminal:
        return plan
    out.print(f"If it is true, type this sentence:\n{STATEMENT}", markup=False, soft_wrap=True)
    return plan_with(typer.prompt("", prompt_suffix="> "))


def _upload(plan: "Plan") -> None:
    from huggingface_hub.utils import disable_progress_bars

    from stigma_hf.publishing.publish import publish

    disable_progress_bars()
    published = publish(plan)
    out.print(f"published {published.url} in one commit, {published.commit}", markup=False, soft_wrap=True)
    if not plan.is_public:
        kind = "" if plan.repo_type == "model" else f" --type {plan.repo_type}"
        out.print(
            f"requests for access: stigma-hf access list {plan.repository}{kind}; before you grant one, look the "
            "person up on PhysioNet: credentialed, and signed the data use agreement",
            markup=False,
            soft_wrap=True,
        )


@access.command("list")
@command
def list_requests(
    repository: Repository,
    status: Annotated[str, typer.Option(help="pending, accepted or rejected.")] = "pending",
    repo_type: RepositoryType = "model",
) -> None:
    """List requests for access, with what each person answered."""
    from stigma_hf.publishing.access import Access

    found = Access(repository, repo_type).requests(status)  # type: ignore[arg-type]  # they say what the choices are
    for request in found:
        answers = "; ".join(f"{question}: {answer}" for question, answer in request.fields.items())
        out.print(f"{request.user}  {answers}", markup=False, soft_wrap=True)
    out.print(f"{len(found)} {status}; stigma-hf access grant|reject {repository} USER", markup=False, soft_wrap=True)


@access.command("grant")
@command
def grant(
    repository: Repository,
    user: Annotated[str, typer.Argument(help="User of the hub.")],
    repo_type: RepositoryType = "model",
) -> None:
    """Let somebody read the repository."""
    from stigma_hf.publishing.access import Access

    Access(repository, repo_type).grant(user)  # type: ignore[arg-type]
    out.print(f"{user} may read {repository}", markup=False, soft_wrap=True)


@access.command("reject")
@command
def reject(
    repository: Repository,
    user: Annotated[str, typer.Argument(help="User of the hub.")],
    reason: Annotated[str | None, typer.Option(help="What the user is told.")] = None,
    repo_type: RepositoryType = "model",
) -> None:
    """Do not let somebody read the repository, or no longer."""
    from stigma_hf.publishing.access import Access

    Access(repository, repo_type).reject(user, reason)  # type: ignore[arg-type]
    out.print(f"{user} may not read {repository}", markup=False, soft_wrap=True)
