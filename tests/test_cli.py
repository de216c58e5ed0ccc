import csv
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from stigma_hf.cli import app

NOTE = "She insists she is adherent and was pleasant."


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def flat(text):
    return " ".join(plain(text).split())


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.txt").write_text(NOTE)
    (folder / "b.txt").write_text("Nothing to see.")
    return folder


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_search_writes_every_match_with_both_frames(notes, tmp_path, ending):
    path = tmp_path / f"out.{ending}"
    result = run("search", notes, "--out", path)
    assert result.exit_code == 0
    assert "3 spans in 1 of 2 notes (50%)" in result.stdout
    if ending == "jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    elif ending == "csv":
        rows = list(csv.DictReader(path.open(newline="")))
    else:
        rows = parquet.read_table(path).to_pylist()
    assert [row["word"] for row in rows] == ["insists", "adherent", "pleasant"]
    for row in rows:
        assert NOTE[int(row["start"]) : int(row["end"])] == row["word"]
        assert int(row["clean_end"]) - int(row["clean_start"]) == len(row["word"])


def test_predict_labels_spans_and_says_which_model_did(notes, tmp_path):
    path = tmp_path / "out.jsonl"
    result = run("predict", notes, "--out", path, "--task", "other", "--task", "adamant")
    assert result.exit_code == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["word"], row["label"]) for row in rows] == [("insists", "disbelief"), ("pleasant", "positive")]
    assert {row["model"] for row in rows} == {
        "Majority per anchor, from the label counts printed in Harrigian et al. 2023"
    }
    assert "model: Majority per anchor" in flat(result.stderr)


def test_highlight_prints_the_notes_with_labels_and_harmless_control_characters(notes, tmp_path):
    (notes / "c.txt").write_text("\x1b[2J refused\x07")
    result = run("predict", notes, "--out", tmp_path / "out.csv", "--highlight")
    assert "She insists disbelief 0.71  she is adherent" in flat(result.stdout).replace("0.71 she", "0.71  she")
    assert "\u00b7[2J refused negative 0.95 \u00b7" in flat(result.stdout)
    assert "\x1b[2J" not in result.stdout


def test_existing_output_is_refused_without_overwrite(notes, tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("precious")
    result = run("search", notes, "--out", path)
    assert result.exit_code == 1
    assert "exists already; choose another name or allow --overwrite" in flat(result.stderr)
    assert path.read_text() == "precious"
    assert run("search", notes, "--out", path, "--overwrite").exit_code == 0
    assert path.read_text().startswith("note_id,task")


def test_output_that_is_an_input_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\nrefused\n")
    result = run("search", path, "--out", path, "--overwrite")
    assert "is both input and output" in flat(result.stderr)
    assert path.read_text() == "text\nrefused\n"


def test_unreadable_note_stops_and_keeps_what_was_finished(tmp_path):
    source, path = tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"text": "refused"}\n{"text": "pleasant"}\n{"text": "SECRET')
    result = run("search", source, "--out", path)
    assert result.exit_code == 1
    assert "a.jsonl:3: expected one JSON object on the line" in flat(result.stderr)
    assert len(path.read_text().splitlines()) == 2
    result = run("search", source, "--out", path, "--overwrite", "--on-error", "skip")
    assert result.exit_code == 0
    assert "skipped 1: broken JSON line" in flat(result.stderr)
    assert "SECRET" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "stigma"], "expected tasks among adamant, compliance, other, found 'stigma'"),
        (["--window", "raw"], "'raw' is not one of 'trained', 'released-api'"),
        (["--lexicon", "absent.json"], "absent.json: No such file or directory"),
        (["--on-error", "ignore"], "'ignore' is not one of 'skip', 'stop'"),
        (["--encoding", "utf-88"], "unknown encoding 'utf-88'"),
    ],
)
@pytest.mark.parametrize("command", ["search", "predict"])
def test_bad_choices_are_one_message_and_no_traceback(notes, tmp_path, command, arguments, message):
    result = run(command, notes, "--out", tmp_path / "out.csv", *arguments)
    assert message in flat(result.stderr.replace("\u2502", " "))
    assert "Traceback" not in result.output
    assert result.exit_code in (1, 2)


def test_a_model_that_is_not_there_is_one_message(notes, tmp_path):
    result = run("predict", notes, "--out", tmp_path / "out.csv", "--model", tmp_path / "absent")
    assert result.exit_code == 1
    assert "no model folder here and none to be had from the hub" in flat(result.stderr)
    assert not (tmp_path / "out.csv").exists()


def test_own_lexicon_is_used(notes, tmp_path):
    lexicon = tmp_path / "lexicon.json"
    lexicon.write_text('{"other": ["nothing"]}')
    run("search", notes, "--out", tmp_path / "out.jsonl", "--lexicon", lexicon)
    assert json.loads((tmp_path / "out.jsonl").read_text())["word"] == "Nothing"


def test_models_lists_the_embedded_default_and_folders(pipe, tmp_path):
    pipe.save_pretrained(tmp_path / "mine")
    result = run("models", tmp_path)
    assert "(embedded default)" in result.stdout
    assert "published counts" in flat(result.stdout)
    assert flat(result.stdout).count("Majority per anchor") == 2
    assert "no such folder" in flat(run("models", tmp_path / "absent").stderr)


def test_doctor_reports_versions_devices_folders_and_network():
    result = run("doctor")
    assert result.exit_code == 0
    for finding in ("transformers", "cpu", "hub cache", "opens no connection unless", "HF_HUB_OFFLINE   on"):
        assert finding in plain(result.stdout)


def test_quickstart_labels_the_bundled_notes(tmp_path):
    result = run("quickstart", "--out", tmp_path / "spans.jsonl")
    assert result.exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "spans.jsonl").read_text().splitlines()]
    assert {row["task"] for row in rows} == {"adamant", "compliance", "other"}
    assert f"{len(rows)} spans in 5 of 6 notes" in result.stdout


def test_quickstart_refuses_a_wrong_output_before_it_trains(tmp_path):
    result = run("quickstart", "--train", "--folder", tmp_path / "work", "--out", tmp_path / "spans.txt")
    assert result.exit_code == 1
    assert "expected an output file that ends in .jsonl, .csv, .parquet" in flat(result.stderr)
    assert not (tmp_path / "work").exists()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_stays_flat_over_any_number_of_notes(tmp_path):
    code = (
        "import re, sys; from stigma_hf.cli import app; app(sys.argv[1:], standalone_mode=False)\n"
        "print('peak', re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    peaks = []
    for notes in (2_000, 40_000):
        source = tmp_path / f"{notes}.jsonl"
        source.write_text((json.dumps({"text": "word " * 400 + "refused"}) + "\n") * notes)
        command = [sys.executable, "-c", code, "search", source, "--out", tmp_path / f"{notes}.csv"]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("peak ")[1]))
    assert peaks[1] < peaks[0] + 16 * 1024  # KiB, where the notes alone are 80 MB


def test_doctor_names_the_mimic_files_found_or_missing(tmp_path):
    for name in ("admissions", "patients", "diagnoses_icd", "services", "transfers", "discharge"):
        (tmp_path / f"{name}.csv.gz").touch()
    assert f"discharge        {tmp_path}/discharge.csv.gz" in plain(run("doctor", "--mimic", tmp_path).stdout)
    (tmp_path / "discharge.csv.gz").unlink()
    assert "1 of 6 needed files are missing: note/discharge.csv.gz" in flat(run("doctor", "--mimic", tmp_path).stdout)


@pytest.fixture
def many_notes(tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"id": i, "text": f"{NOTE} Number {i}."}) + "\n" for i in range(2000)))
    return path


def killed_after(seconds, *arguments):
    """Run a command whose every note takes a moment, and kill it."""
    code = (
        "import sys, time\n"
        "import stigma_hf.checkpoint as checkpoint\n"
        "from stigma_hf.cli import app, notes\n"
        "from stigma_hf.summary import Summary\n"
        "checkpoint._SECONDS_BETWEEN = 0.05\n"
        "count = Summary.add\n"
        "def slowly(self, spans): time.sleep(0.002); count(self, spans)\n"
        "Summary.add = slowly\n"
        "app(sys.argv[1:])"
    )
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stderr=subprocess.DEVNULL)
    out = Path(arguments[arguments.index("--out") + 1])
    progress = out.with_name(f"{out.name}.progress")
    end = time.monotonic() + seconds
    while not (progress.exists() and json.loads(progress.read_text())["counts"]["notes"] > 100):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.wait()


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_killed_search_goes_on_where_it_was_and_ends_with_the_same_file(many_notes, tmp_path, ending):
    whole, cut = tmp_path / f"whole.{ending}", tmp_path / f"cut.{ending}"
    assert run("search", many_notes, "--out", whole).exit_code == 0
    killed_after(60, "search", many_notes, "--out", cut)
    assert cut.stat().st_size < whole.stat().st_size
    assert "go on with --resume" in flat(run("search", many_notes, "--out", cut).stderr)
    with open(cut, "a") as file:
        file.write('{"note_id": "half a')
    resumed = run("search", many_notes, "--out", cut, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert cut.read_bytes() == whole.read_bytes()
    assert "6,000 spans in 2,000 of 2,000 notes" in flat(resumed.stdout)
    assert not cut.with_name(f"{cut.name}.progress").exists()


def test_prediction_stopped_by_an_unreadable_note_resumes_with_another_answer_to_it(tmp_path):
    source, path = tmp_path / "notes.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join([json.dumps({"text": NOTE})] * 3 + ["{broken"] + [json.dumps({"text": NOTE})] * 2))
    stopped = run("predict", source, "--out", path)
    assert stopped.exit_code == 1
    assert "with --resume goes on" in flat(stopped.stderr)
    resumed = run("predict", source, "--out", path, "--resume", "--on-error", "skip")
    assert resumed.exit_code == 0, resumed.stderr
    assert [json.loads(line)["note_id"][-1] for line in path.read_text().splitlines()] == [*"111222333555666"]


def test_work_that_is_not_the_same_is_not_resumed(notes, tmp_path):
    path = tmp_path / "out.jsonl"
    assert run("search", notes, "--out", path, "--resume").exit_code == 0
    assert "is finished" in flat(run("search", notes, "--out", path, "--resume").stderr)
    (tmp_path / "out.jsonl.progress").write_text("{}")
    assert "expected a record of progress" in flat(run("search", notes, "--out", path, "--resume").stderr)
    counts = {"notes": 0, "notes_with_spans": 0, "spans": [], "anchors": {}}
    record = {"work": "other", "size": 0, "counts": counts}
    (tmp_path / "out.jsonl.progress").write_text(json.dumps(record))
    assert "other inputs or options" in flat(run("search", notes, "--out", path, "--resume").stderr)
    assert path.stat().st_size
    (tmp_path / "out.parquet").write_bytes(b"PAR1")
    refused = run("search", notes, "--out", tmp_path / "out.parquet", "--resume")
    assert "Parquet file that was cut short has no end" in flat(refused.stderr)


def test_an_output_inside_the_folder_of_the_inputs_is_not_read(notes):
    path = notes / "out.jsonl"
    assert run("search", notes, "--out", path).exit_code == 0
    again = run("search", notes, "--out", path, "--overwrite")
    assert "is both input and output" in flat(again.stderr)
    assert path.stat().st_size
