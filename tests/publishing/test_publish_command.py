import re

import pytest
import typer
from typer.testing import CliRunner

from stigma_hf.cli import publish as commands
from stigma_hf.publishing.plan import STATEMENT

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

app = typer.Typer()
app.command()(commands.publish)
app.add_typer(commands.access, name="access")


def run(*arguments, answers=""):
    result = CliRunner().invoke(app, list(map(str, arguments)), input=answers)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_nothing_is_sent_unless_asked(make_folder, spans_folder, hub):
    result = run("publish", make_folder(), "olga/model", "--training-data", spans_folder)
    assert result.exit_code == 0
    assert f"olga/model (model) at {hub.url}" in result.stdout
    assert "private, every request for access approved by hand" in result.stdout
    assert re.search(r"file        counts.json, \d+ bytes", result.stdout)
    assert "derived from patients (config.json: derived from patients)" in result.stdout
    assert re.search(r"compared with [\d,]+ training windows, features in at least 5 notes", result.stdout)
    assert STATEMENT in result.stdout and "--physionet-bundle FILE" in result.stdout
    assert "nothing was sent" in result.stdout
    assert not hub.log


def test_a_publish_tells_where_it_is_and_how_to_let_people_in(make_folder, spans_folder, hub):
    options = ("--training-data", spans_folder, "--yes-i-may", STATEMENT, "--upload")
    result = run("publish", make_folder(), "olga/model", *options)
    assert result.exit_code == 0, result.stderr
    assert f"published {hub.url}/olga/model in one commit" in result.stdout
    assert "stigma-hf access list olga/model" in result.stdout


def test_without_the_statement_nothing_is_sent(make_folder, spans_folder, hub):
    result = run("publish", make_folder(), "olga/model", "--training-data", spans_folder, "--upload")
    assert result.exit_code == 1
    assert "--yes-i-may" in result.stderr
    assert not hub.log


def test_a_typed_statement_is_as_good(make_folder, spans_folder, hub, monkeypatch):
    monkeypatch.setattr(commands.err, "_force_terminal", True)
    options = ("--training-data", spans_folder, "--upload")
    assert run("publish", make_folder(), "olga/model", *options, answers="yes\n").exit_code == 1
    assert not hub.log
    result = run("publish", make_folder(name="again"), "olga/model", *options, answers=f"{STATEMENT}\n")
    assert result.exit_code == 0, result.stderr
    assert ("models", "olga/model") in hub.repositories


def test_a_bundle_is_written_instead(make_folder, spans_folder, hub, tmp_path):
    options = ("--training-data", spans_folder, "--physionet-bundle", tmp_path / "bundle.zip", "--upload")
    result = run("publish", make_folder(), "olga/model", *options)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "bundle.zip").is_file() and "nothing was sent" in result.stdout
    assert not hub.log


def test_pruning_writes_a_copy_and_sends_nothing(make_folder, spans_folder, hub, tmp_path):
    folder = make_folder("logistic-regression-context-anchor")
    options = ("--training-data", spans_folder, "--prune", tmp_path / "pruned", "--upload")
    result = run("publish", folder, "olga/model", *options)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "pruned" / "model.skops").is_file() and "features left out: adamant" in result.stdout
    assert run("publish", folder, "olga/model", "--prune", tmp_path / "b").exit_code == 1
    assert not hub.log


def test_data_sets_go_the_same_way(spans_folder, hub):
    options = ("--type", "dataset", "--yes-i-may", STATEMENT, "--upload")
    result = run("publish", spans_folder, "olga/spans", *options)
    assert result.exit_code == 0, result.stderr
    assert "stigma-hf access list olga/spans --type dataset" in result.stdout
    there = hub.repositories["datasets", "olga/spans"]
    assert (there.private, there.gated) == (True, "manual")
    assert "all/train.parquet" in there.files
    assert hub.at_commit == [(True, "manual")] and not hub.seen_by_others


def test_spaces_are_not_offered(make_folder):
    result = run("publish", make_folder(), "olga/demo", "--type", "space")
    assert result.exit_code == 1
    assert "expected a repository type among model, dataset, found 'space'" in result.stderr


def test_requests_are_listed_and_answered(hub):
    there = hub.add("olga/model", {"README.md": b"# Model\n"})
    there.requests["rita"] = {"status": "pending", "fields": {"PhysioNet user name": "rita1"}}
    assert "rita  PhysioNet user name: rita1" in run("access", "list", "olga/model").stdout
    assert "rita may read olga/model" in run("access", "grant", "olga/model", "rita").stdout
    assert there.is_read_by("rita")
    assert "rita may not read" in run("access", "reject", "olga/model", "rita", "--reason", "left").stdout
    assert not there.is_read_by("rita")
    assert run("access", "list", "olga/model", "--status", "open").exit_code == 1
