import json
import re

import pytest
import typer
from release_copies import BERT, ENCODER, MAJORITY, STATISTICAL, expected_rows, write_rows
from typer.testing import CliRunner

from stigma_hf.cli.convert import convert

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(convert)


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def test_convert_prints_what_was_proven_and_where_it_is(release, tmp_path):
    rows = [row for row in expected_rows() if row["model"].endswith("overall")]
    expected = write_rows(tmp_path / "expected.jsonl", rows)
    status, said = run(release / MAJORITY, "--out", tmp_path / "out", "--expected", expected)
    assert status == 0
    assert "Credibility & Obstinacy, recomputed 100 0.0e+00 0" in said
    assert "Descriptors, expected 106 0.0e+00 0" in said
    assert re.search(r"wrote .*/out/mimic-iv-discharge_majority_overall \(0\.01 MB, \d+\.\d s\)", said)
    assert "share them on PhysioNet only, under the same agreement" in said


def test_convert_shows_differences_and_refusals_of_an_encoder(bert, tmp_path):
    rows = [row for row in expected_rows() if row["model"] == BERT]
    expected = write_rows(tmp_path / "expected.jsonl", rows)
    status, said = run(bert, "--out", tmp_path / "out", "--encoder", ENCODER, "--expected", expected)
    assert status == 0
    assert re.search(r"Compliance, expected 103 \d\.\de-0[678] 2", said)
    assert "adamant: weights without effect on any answer: _bert._bert.embeddings.position_ids, " in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tmp}/absent"], "error: {tmp}/absent: expected a folder with released models, found none"),
        (["{release}/" + STATISTICAL, "--fold", "4"], "expected fold 4, found 0"),
        (
            ["{release}/" + BERT, "--checkpoint", "4", "--encoder", ENCODER],
            "expected checkpoint-4, found checkpoint-50",
        ),
        (["{release}/" + MAJORITY, "--expected", "{tmp}/absent"], "expected a file of JSON lines, found none"),
        (["{release}/" + BERT], "emilyalsentzer/Bio_ClinicalBERT: the release holds no configuration"),
    ],
)
def test_mistakes_are_one_message_and_status_1(release, tmp_path, arguments, message):
    filled = [argument.format(release=release, tmp=tmp_path) for argument in arguments]
    status, said = run(*filled, "--out", tmp_path / "out")
    assert status == 1 and "Traceback" not in said
    assert message.format(tmp=tmp_path) in said


def test_expected_predictions_that_differ_stop_the_conversion(release, tmp_path):
    rows = [row for row in expected_rows() if row["model"].endswith("overall")]
    rows[7]["probabilities"] = {"difficult": 1.0, "disbelief": 0.0, "exclude": 0.0}
    status, said = run(release / MAJORITY, "--out", tmp_path / "out", "--expected", write_rows(tmp_path / "e", rows))
    assert status == 1
    assert "error: adamant, expected answers: expected probabilities within 1e-09" in said
    assert not list((tmp_path / "out").iterdir())


def test_expected_predictions_of_other_labels_are_refused(release, tmp_path):
    rows = [row for row in expected_rows() if row["model"].endswith("overall")]
    rows[0]["probabilities"] = {"yes": 1.0}
    status, said = run(release / MAJORITY, "--out", tmp_path / "out", "--expected", write_rows(tmp_path / "e", rows))
    assert status == 1 and "expected the labels difficult, disbelief, exclude, found 1 others" in said


def test_nothing_said_or_written_holds_a_context(release, tmp_path):
    rows = [row for row in expected_rows() if row["model"].endswith("overall")]
    rows[7]["probabilities"] = {"difficult": 1.0, "disbelief": 0.0, "exclude": 0.0}
    _, said = run(release / MAJORITY, "--out", tmp_path / "out", "--expected", write_rows(tmp_path / "e", rows))
    assert not any(row["context"] in said for row in rows if len(row["context"]) > 10)
    run(release / MAJORITY, "--out", tmp_path / "out")
    record = json.loads((tmp_path / "out/mimic-iv-discharge_majority_overall/conversion.json").read_text())
    assert set(record) == {
        "name", "stigma_hf_version", "released_files", "released_label_order", "proofs", "notes",
    }  # fmt: skip
