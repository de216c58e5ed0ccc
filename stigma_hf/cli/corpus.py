"""Commands for data sets: `download`, `synthesize`, `build-dataset`, `sample` and `import-labels`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stigma_hf.cli.console import command, counting, err, out
from stigma_hf.errors import UsageError

Annotations = Annotated[Path | None, typer.Option(help="The annotations.csv of the published resource.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output file if it exists.")]


@command
def synthesize(
    folder: Annotated[Path, typer.Argument(help="Folder to write; new or empty.")],
    notes: Annotated[int | None, typer.Option(help="Notes in all; the published 4,710 if not given.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    release: Annotated[Literal["2.2", "3.1"], typer.Option(help="Release of MIMIC-IV to imitate.")] = "2.2",
) -> None:
    """Write a synthetic MIMIC-IV: real file names, invented patients and notes, annotations as published in number."""
    from stigma_hf.synthetic import synthesize as write_tree
    from stigma_hf.synthetic.published import NOTES

    with err.status("writing invented patients and notes"):
        tree = write_tree(folder, notes or NOTES, seed, release)
    out.print(
        f"{tree.notes:,} notes of {tree.patients:,} invented patients, {tree.spans:,} annotated spans in "
        f"{tree.annotated_notes:,} notes\nfiles: {tree.folder}\nannotations: {tree.annotations}",
        soft_wrap=True,
    )


@command
def build_dataset(
    mimic: Annotated[list[Path], typer.Argument(help="Folder of MIMIC-IV and MIMIC-IV-Note, or several.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder to write; new.")],
    annotations: Annotations = None,
    config: Annotated[
        Literal["spans", "matches"], typer.Option(help="Annotated spans, or every unlabelled match.")
    ] = "spans",
    split: Annotated[
        Literal["released", "hash"],
        typer.Option(help="released repeats the published assignment, on 2.2 only; hash works on any release."),
    ] = "released",
    seed: Annotated[int, typer.Option(help="Seed of the assignment; the published one is 42.")] = 42,
    split_admissions: Annotated[
        Path | None, typer.Option(help="Admissions file of 2.2, to draw the published assignment on another release.")
    ] = None,
    duplicates: Annotated[
        Literal["mark", "drop"], typer.Option(help="What matches does with repeated texts.")
    ] = "mark",
    num_proc: Annotated[int, typer.Option(help="Processes that search notes.", min=1)] = 1,
) -> None:
    """Rebuild the annotated spans, or collect every match, from local MIMIC-IV files."""
    from stigma_hf.dataset_folder import build_dataset as build

    with counting("notes") as advance:
        report = build(
            mimic, out_folder, annotations, config, split, seed, split_admissions, duplicates, num_proc, advance
        )
    for line in report.lines():
        out.print(line, markup=False, soft_wrap=True)
    for what, rows in sorted(report.labels.items()):
        out.print(f"  {what:<32} {rows:>8,}", markup=False)
    out.print(f"wrote {out_folder}; it holds text of notes and is readable by you alone", soft_wrap=True)


@command
def download(
    folder: Annotated[
        Path, typer.Argument(help="Folder to download to; interrupted downloads go on where they were.")
    ],
    source: Annotated[
        list[str] | None,
        typer.Option(help="mimic-iv, mimic-iv-note, annotations or models; all if not given. Repeatable."),
    ] = None,
    username: Annotated[str | None, typer.Option(help="PhysioNet user name; asked for if it is nowhere.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of the files, if not PhysioNet's own.")] = None,
    user_agent: Annotated[
        str | None, typer.Option(help="Name that PhysioNet knows your program by, where it refuses ours.")
    ] = None,
) -> None:
    """Fetch the needed files from PhysioNet with your own credentials, checked against the published sums.

    The password is asked for, or taken from PHYSIONET_PASSWORD or the netrc file; it is never stored or shown.
    """
    from rich.progress import Progress as Bars

    from stigma_hf.mimic import download as physionet

    def ask(name: str | None) -> tuple[str, str]:
        return name or typer.prompt("PhysioNet user name"), typer.prompt("PhysioNet password", hide_input=True)

    names = source or list(physionet.SOURCES)
    unknown = [name for name in names if name not in physionet.SOURCES]
    if unknown:
        raise UsageError(f"expected sources among {', '.join(physionet.SOURCES)}, found {unknown[0]!r}")
    address = base_url or physionet.BASE_URL
    credentials = physionet.find_credentials(address, username, prompt=ask)
    sources = [physionet.SOURCES[name] for name in names]
    with Bars(console=err) as bars:
        rows = {}

        def show(progress: physionet.Progress) -> None:
            if progress.name not in rows:
                rows[progress.name] = bars.add_task(progress.name, total=progress.n_total)
            bars.update(rows[progress.name], completed=progress.n_bytes, total=progress.n_total)

        agent = user_agent or physionet.USER_AGENT
        files = physionet.download(folder, credentials, sources, base_url=address, user_agent=agent, progress=show)
    present = sum(file.was_present for file in files)
    out.print(f"{len(files)} files in {folder}, {present} of them were there already", soft_wrap=True)


@command
def sample(
    matches: Annotated[Path, typer.Argument(help="Folder of build-dataset --config matches.")],
    out_file: Annotated[Path, typer.Option("--out", help="File for the annotators: .csv or .jsonl.")],
    per_anchor: Annotated[int, typer.Option(help="Instances of each anchor, if there are as many.", min=0)] = 30,
    per_task: Annotated[int, typer.Option(help="Instances that each task is filled up to.", min=0)] = 500,
    seed: Annotated[int, typer.Option(help="Another seed, another sample.")] = 0,
    exclude: Annotated[
        list[Path] | None, typer.Option(help="Samples of earlier rounds, not to be drawn again.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw matches for annotation by the published protocol."""
    from collections import Counter

    from stigma_hf.dataset_folder import read_matches
    from stigma_hf.mimic.labelling import read_sample, write_sample
    from stigma_hf.mimic.sampling import sample_matches

    earlier = [match for file in exclude or () for match in read_sample(file)]
    with counting("matches") as advance:
        drawn = sample_matches(read_matches(matches, advance), per_anchor, per_task, seed, earlier)
    write_sample(drawn.matches, out_file, overwrite)
    for task, instances in Counter(match.task for match in drawn.matches).items():
        out.print(f"{task}: {instances:,} instances")
    out.print(f"wrote {out_file}; it holds text of notes", soft_wrap=True)


@command
def import_labels(
    sample_file: Annotated[Path, typer.Argument(help="The file that was handed to the annotators.")],
    labelled: Annotated[list[Path], typer.Argument(help="The files that came back.")],
    out_file: Annotated[Path, typer.Option("--out", help="Annotations to write, as build-dataset reads them: .csv.")],
    annotator: Annotated[
        list[str] | None,
        typer.Option(help="Who filled in the labels of a file, as annotator_1=FILE. Repeatable."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Turn the labels of annotators into an annotations file."""
    from stigma_hf.mimic.labelling import import_labels as take_labels
    from stigma_hf.mimic.labelling import read_sample, write_annotations

    by_annotator = {}
    for entry in annotator or ():
        name, separator, file = entry.partition("=")
        if not separator:
            raise UsageError(f"expected --annotator NAME=FILE, found {entry!r}")
        by_annotator[name] = Path(file)
    imported = take_labels(read_sample(sample_file), labelled, by_annotator)
    write_annotations(imported.annotations, out_file, overwrite)
    out.print(imported.summary(), markup=False, soft_wrap=True)
    out.print(f"wrote {out_file}", soft_wrap=True)
