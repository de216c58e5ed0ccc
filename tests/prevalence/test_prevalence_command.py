import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from stigma_hf.cli.prevalence import prevalence

SECRET = "xylophone"


def run(*arguments):
    app = typer.Typer()
    app.command()(prevalence)
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [str(argument) for argument in arguments])


def flat(text):
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


@pytest.fixture
def files(tmp_path):
    """Predictions for 900 spans, labels for 150 of them, and metadata."""
    rng = np.random.default_rng(0)
    with (
        open(tmp_path / "predictions.jsonl", "w") as predictions,
        open(tmp_path / "labels.csv", "w", newline="") as labels,
        open(tmp_path / "metadata.csv", "w", newline="") as metadata,
    ):
        rows = csv.writer(labels)
        rows.writerow(["note_id", "task", "anchor", "start", "end", "label"])
        people = csv.writer(metadata)
        people.writerow(["note_id", "subject_id", "sex"])
        for number in range(900):
            true = rng.choice(["negative", "neutral", "positive"], p=[0.3, 0.5, 0.2])
            said = true if rng.random() < 0.8 else "negative"
            shares = {label: 0.8 if label == said else 0.1 for label in ("negative", "neutral", "positive")}
            span = {"note_id": f"n{number}", "task": "compliance", "anchor": "refused", "start": 4, "end": 11}
            about = {"label": said, "probabilities": shares, "context": f"{SECRET} refused {number}"}
            predictions.write(json.dumps(span | about) + "\n")
            people.writerow([f"n{number}", number // 2, "F" if number // 2 % 3 else "M"])
            if number < 150:
                rows.writerow([*span.values(), true])
    return tmp_path


def arguments(files):
    return [files / "predictions.jsonl", "--labelled", files / "labels.csv", "--metadata", files / "metadata.csv"]


def test_the_command_prints_a_table_and_writes_all_figures(files):
    out = files / "report.json"
    result = run(*arguments(files), "--group", "sex", "--reference", "sex=M", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert max(map(len, result.stdout.splitlines()[:12])) <= 80
    printed = flat(result.stdout)
    assert "Compliance" in printed
    assert "negative by sex" in printed
    assert f"wrote {out}" in printed
    (task,) = json.loads(out.read_text())["tasks"]
    corpus, women, men = task["groups"]
    share = corpus["shares"][0]
    assert share["label"] == "negative"
    assert share["corrected"]["low"] < 0.3 < share["corrected"]["high"] < share["counted"]
    assert f"{100 * share['corrected']['value']:.1f}" in printed
    assert (women["group"], women["reference"], men["reference"]) == ("F", "M", None)
    assert corpus["n_patients"] == 450
    table = files / "report.csv"
    assert run(*arguments(files), "--group", "sex", "--out", table).exit_code == 0
    rows = list(csv.DictReader(open(table, newline="")))
    values = [row["value"] for row in rows if row["by"] == "all" and row["method"] == "corrected"]
    assert float(values[0]) == share["corrected"]["value"]
    for written in (result.stdout, result.stderr, out.read_text(), table.read_text()):
        assert SECRET not in written


def test_what_is_left_out_is_said(files):
    result = run(*arguments(files), "--group", "sex", "--min-cell", "200")
    assert result.exit_code == 0
    assert "note: sex M: fewer than 200 patients" in flat(result.stdout)
    assert "note: fewer than 200 labelled spans" in flat(result.stdout)


def test_reports_are_not_overwritten_unasked(files):
    out = files / "report.json"
    out.write_text("mine")
    result = run(*arguments(files), "--out", out)
    assert result.exit_code == 1
    assert "exists already; choose another name or allow --overwrite" in flat(result.stderr)
    assert out.read_text() == "mine"
    assert run(*arguments(files), "--out", out, "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--out", "report.txt"], "expected an output file that ends in .json or .csv"),
        (["--reference", "sex"], "expected --reference GROUP=VALUE with a column named by --group, found 'sex'"),
        (["--reference", "sex=F"], "with a column named by --group, found 'sex=F'"),
        (["--group", "race"], "expected the columns race, found note_id, subject_id, sex"),
    ],
)
def test_mistakes_are_explained(files, given, message):
    result = run(*arguments(files), *given)
    assert result.exit_code == 1
    assert message in flat(result.stderr)


def test_the_command_is_light_until_it_runs():
    heavy = ["torch", "scipy", "pyarrow"]
    code = f"import sys, stigma_hf.cli.prevalence; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
