import json
import stat
from html.parser import HTMLParser

import pytest
from pyarrow import parquet

from stigma_hf.errors import UsageError
from stigma_hf.reporting import plots
from stigma_hf.reporting.document import sections
from stigma_hf.reporting.html import NO_PLOTS, render_html
from stigma_hf.reporting.markdown import render_markdown
from stigma_hf.reporting.output import check_report_folder, write_report
from stigma_hf.reporting.wording import number, p_value, with_interval

WORDS = 8


class Page(HTMLParser):
    """The tags of a page, and what is wrong with it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def test_page_asks_for_nothing_from_outside(page):
    assert "://" not in page
    parsed = Page(page)
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "iframe", "object", "embed", "img", "base"}
    for _, attributes in parsed.tags:
        assert "src" not in attributes
        assert all(attributes[name].startswith("#") for name in ("href", "xlink:href") if name in attributes)
    assert "@import" not in page and "url(" not in page.replace("url(#", "")


def test_ids_of_the_page_are_unique_and_links_lead_somewhere(page):
    parsed = Page(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    links = {attributes["href"][1:] for _, attributes in parsed.tags if "href" in attributes}
    assert links <= set(parsed.ids)


def test_page_can_be_read_without_seeing_it(page):
    parsed = Page(page)
    pictures = [attributes for _, attributes in parsed.tags if attributes.get("role") == "img"]
    assert len(pictures) == 1 + 2 * 3 * 3
    assert all(len(attributes["aria-label"]) > 20 for attributes in pictures)
    tables = [tag for tag, _ in parsed.tags if tag == "table"]
    assert len(tables) == len([tag for tag, _ in parsed.tags if tag == "caption"])
    assert {attributes.get("scope") for tag, attributes in parsed.tags if tag == "th"} == {"row", "col"}
    assert ("html", {"lang": "en"}) in parsed.tags


def test_plots_take_the_colour_of_the_page(page):
    assert plots.INK not in page
    assert "currentColor" in page
    assert "prefers-color-scheme: dark" in page


def test_no_text_of_notes_is_in_any_file(folder, rows):
    told = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if file.suffix == ".parquet":
            told.append(json.dumps(parquet.read_table(file).to_pylist()))
        told.append(file.read_bytes().decode("utf-8", errors="ignore"))
    everything = "\n".join(told)
    for of_split in rows.values():
        for row in of_split:
            words = row["context"].split()
            for begin in range(len(words) - WORDS + 1):
                assert " ".join(words[begin : begin + WORDS]) not in everything


def test_text_is_written_on_request_alone_and_to_its_owner_alone(evaluation, tmp_path, rows):
    written = write_report(evaluation, tmp_path / "report", with_text=True)
    file = tmp_path / "report" / "errors.jsonl"
    assert file.name in written
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    contexts = {row["note_id"]: row["context"] for row in rows["test"]}
    listed = [json.loads(line) for line in file.read_text().splitlines()]
    assert listed and all(error["context"] == contexts[error["note_id"]] for error in listed)
    assert sum(
        len(result["errors"]) for model in evaluation.report["models"] for result in model["tasks"].values()
    ) == len(listed)


def test_folder_is_its_owners_alone(folder):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_json_holds_the_whole_report_without_nan(folder, report):
    text = (folder / "report.json").read_text()
    assert json.loads(text) == json.loads(json.dumps(report))
    assert "NaN" not in text and "Infinity" not in text


def test_a_report_is_replaced_only_when_asked_and_other_folders_never(folder, tmp_path):
    with pytest.raises(UsageError, match="holds a report already; choose another folder or allow --overwrite"):
        check_report_folder(folder)
    check_report_folder(folder, overwrite=True)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="found something else at"):
        check_report_folder(tmp_path, overwrite=True)


def test_source_is_named_before_anything_else(report, page):
    assert page.index("SYNTHETIC: invented patients") < page.index("<h2")
    real = {**report, "source": "mimic-iv"}
    for text in (render_markdown(real, sections(real)), render_html(real, sections(real), {})):
        assert "SYNTHETIC" not in text
        assert "Source of the spans: mimic-iv. Figures are aggregates." in text


def test_without_matplotlib_the_report_says_what_to_install(report, monkeypatch):
    monkeypatch.setattr(plots, "can_plot", lambda: False)
    assert plots.draw_plots(report) == {}
    text = render_html(report, sections(report), {})
    assert "pip install &#34;stigma_hf[plots]&#34;" in text and "<svg" not in text
    assert "stigma_hf[plots]" in NO_PLOTS


def test_every_part_is_in_both_texts(report, page):
    text = render_markdown(report, sections(report))
    for part in ("labels", "confusion matrices", "calibration", "ambiguous anchors", "errors by anchor", "groups"):
        assert f"### Descriptors: {part}" in text
        assert f"Descriptors: {part}</h3>" in page
    assert "1 group withheld, too few spans to be told" in text


def test_a_name_with_marks_of_markdown_or_html_stays_a_name(report):
    odd = {**report, "models": [{**report["models"][0], "name": "a|b<script>"}, report["models"][1]]}
    assert "| a\\|b\\<script\\> |" in render_markdown(odd, sections(odd))
    assert "<script>" not in render_html(odd, sections(odd), plots.draw_plots(odd))


def test_numbers_are_written_for_people():
    assert number(None) == "\u2013"
    assert number(-0.0001, sign=True) == "0.000"
    assert with_interval({"value": 0.1, "low": -0.05, "high": 0.25}, sign=True) == "+0.100 (\u22120.050 to +0.250)"
    assert (p_value(0.0004), p_value(0.04)) == ("<0.001", "0.040")
