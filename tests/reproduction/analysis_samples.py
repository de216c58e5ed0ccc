"""Small folders of invented spans with annotators, and how the commands on them are run."""

import random
import re

import pytest
import typer
from reporting.small_data import all_rows, write_data
from typer.testing import CliRunner

from stigma_hf.tasks import load_tasks

NOTE_WORD = "zebrafinch"
"""A word of every window, which must not leave the windows."""

RACES = ("Black or African American", "White or Caucasian", "Asian", "Unknown")


def annotated_rows():
    """Splits of spans with patients of four recorded races; some spans were labelled by two annotators of three."""
    random_ = random.Random(5)
    splits = all_rows()
    for rows in splits.values():
        for row in rows:
            pronoun = "she" if row["sex"] == "Female" else "he"
            row["context"] = f"{pronoun} {NOTE_WORD} {row['context']}"
            row["race"] = RACES[row["subject_id"] % len(RACES)]
            row |= dict.fromkeys(("annotator_1", "annotator_2", "annotator_3"))
            row["annotator_2"] = row["label"]
            if random_.random() < 0.6:
                labels = load_tasks()[row["task"]].labels
                row["annotator_3"] = row["label"] if random_.random() < 0.8 else random_.choice(labels)
    return splits


def write_annotated(folder, splits=None):
    return write_data(folder, splits or annotated_rows())


def run(command, *arguments):
    """What a command says, in one line of plain text under `flat`."""
    app = typer.Typer()
    app.command()(command)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stigma_hf.cli.console.out._width", 100)
        result = CliRunner().invoke(app, [*map(str, arguments)])
    result.flat = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())
    return result


def table_lines(result):
    """The lines of the tables, which have to fit the terminal."""
    return [line for line in result.stdout.splitlines() if re.search(r"\d\.\d|─", line) and "/" not in line]
