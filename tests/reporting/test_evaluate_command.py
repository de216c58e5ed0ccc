import json
import re

import pytest

from reporting.small_data import write_data

FAST = ("--resamples", 20, "--batch-size", 64)


def flat(text):
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


def test_headline_fits_eighty_columns(run, models, data, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("stigma_hf.cli.console.out._width", 80)
    result = run(*models.values(), "--data", data, "--out", tmp_path / "report", *FAST)
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if "majority" in line and str(tmp_path) not in line]
    assert len(lines) == 6 and all(len(line) <= 80 and re.search(r"0\.\d{3} \(\.\d{3}-", line) for line in lines)
    assert "SYNTHETIC" in result.stdout
    assert (tmp_path / "report" / "report.html").is_file()


def test_what_failed_is_said_and_the_rest_written(run, models, data, tmp_path):
    path = models["majority-overall"]
    result = run(path, tmp_path / "absent", "--data", data, "--out", tmp_path / "report", "--by", "unit", *FAST)
    assert result.exit_code == 0
    assert "not all could be computed: 2 under Problems in the report" in flat(result.stdout)
    problems = json.loads((tmp_path / "report" / "report.json").read_text())["problems"]
    assert len(problems) == 2
    assert "the spans have no column unit" in (tmp_path / "report" / "report.md").read_text()


def test_text_of_notes_comes_with_a_warning(run, models, data, tmp_path):
    path = models["majority-overall"]
    result = run(path, "--data", data, "--out", tmp_path / "report", "--errors-with-text", *FAST)
    assert "holds text of patients' notes: only you can read it" in flat(result.stderr)


def test_a_temperature_is_stored_only_when_asked_and_fitted(run, models, data, tmp_path):
    path = models["majority-overall"]
    result = run(path, "--data", data, "--out", tmp_path / "report", "--store-temperature", *FAST)
    assert result.exit_code == 1
    assert "expected --calibrate with --store-temperature" in flat(result.stderr)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split", "dev"], "expected a split among train, validation, test, found 'dev'"),
        (["--by", "gender"], "expected groups by anchor, sex"),
        (["--tasks", "obstinacy"], "expected tasks among adamant, compliance, other, found 'obstinacy'"),
        (["--level", "95"], "expected a level between 0 and 1"),
    ],
)
def test_mistakes_end_in_one_message_and_write_nothing(run, models, data, tmp_path, arguments, message):
    result = run(models["majority-overall"], "--data", data, "--out", tmp_path / "report", *arguments, *FAST)
    assert result.exit_code == 1
    assert message in flat(result.stderr)
    assert not (tmp_path / "report").exists()


def test_a_folder_without_spans_is_named(run, models, tmp_path):
    result = run(models["majority-overall"], "--data", tmp_path, "--out", tmp_path / "report", *FAST)
    assert result.exit_code == 1
    assert "expected a folder of `stigma-hf build-dataset" in flat(result.stderr)


def test_other_sources_are_told_to_stay_where_the_notes_are(run, models, rows, tmp_path):
    data = write_data(tmp_path / "data", rows, source="mimic-iv")
    result = run(models["majority-overall"], "--data", data, "--out", tmp_path / "report", *FAST)
    assert "Source of the spans: mimic-iv. Figures are aggregates." in flat(result.stdout)
