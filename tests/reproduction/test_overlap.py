import json
import xml.etree.ElementTree as ET

import pytest

from reproduction.analysis_samples import NOTE_WORD, annotated_rows, run, write_annotated
from stigma_hf.cli.reproduce_analyses import figure1
from stigma_hf.errors import UsageError
from stigma_hf.lexicon import Lexicon
from stigma_hf.published_facts import facts_about
from stigma_hf.reproduction.overlap import reproduce_figure1
from stigma_hf.reproduction.overlap_plot import draw_figure1
from stigma_hf.reproduction.overlap_text import compared, figure1_rows, render_figure1
from stigma_hf.tasks import load_tasks

HEADER = "encounter_note_id,keyword_category,keyword,start,end,label"


def annotations(folder, rows):
    """A file of annotations with so many spans of each task, anchor and label."""
    lines = [HEADER]
    for task, anchor, label, number in rows:
        lines += [f"1-DS-{len(lines) + i},{task},{anchor},3,8,{label}" for i in range(number)]
    file = folder / "annotations.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def published_rows():
    for task in load_tasks().values():
        for anchor in Lexicon.default().anchors[task.id]:
            if facts := facts_about(anchor):
                yield from ((task.id, anchor, label, number) for label, number in facts.counts.items())


def test_published_counts_are_recognised(tmp_path):
    report = reproduce_figure1(annotations(tmp_path, published_rows()))
    assert [about["n_spans"] for about in report["tasks"].values()] == [1250, 1603, 2190]
    assert all(about["n_cells_that_differ"] == 0 for about in report["tasks"].values())
    assert "every count is that of Figure 1" in compared(report["tasks"]["other"])


def test_counts_that_differ_show_the_printed_ones(tmp_path):
    rows = [("adamant", "Claims", "disbelief", 3), ("adamant", "swears", "disbelief", 2)]
    about = reproduce_figure1(annotations(tmp_path, rows))["tasks"]["adamant"]
    cells = {row[0]: row[1:] for row in figure1_rows(about)}
    assert cells["claims"] == ["0", "3 [178]", "0 [8]"]
    assert cells["swears"] == ["0", "2 [0]", "0"]
    assert cells["all anchors"][1] == "5 [609]"
    assert about["n_spans"] == 5 and about["n_published"] == 1250


def test_spans_without_an_anchor_are_counted_out(tmp_path):
    report = reproduce_figure1(
        annotations(tmp_path, [("other", "angry", "negative", 2), ("other", "", "negative", 1)])
    )
    assert report["tasks"]["other"]["n_spans"] == 2
    assert "1 of 3 spans without an anchor or a label" in report["problems"][0]["problem"]
    with pytest.raises(UsageError, match="expected annotated spans with an anchor and a label, found none"):
        reproduce_figure1(annotations(tmp_path, [("other", "", "negative", 1)]))


def test_labels_of_no_task_are_counted_out(tmp_path):
    splits = annotated_rows()
    splits["test"][2]["label"] = "lovely"
    report = reproduce_figure1(write_annotated(tmp_path / "spans", splits))
    assert "left out 1 spans with others" in report["problems"][0]["problem"]


def test_picture_is_whole_and_says_it_is_synthetic(tmp_path):
    report = reproduce_figure1(write_annotated(tmp_path / "spans"))
    picture = draw_figure1(report)
    texts = [element.text for element in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]
    assert {"combative", "refused", "disbelief", "Credibility & Obstinacy"} <= set(texts)
    assert any("SYNTHETIC" in (text or "") for text in texts)
    assert NOTE_WORD not in picture + render_figure1(report) + json.dumps(report)


def test_command_writes_counts_and_a_picture(tmp_path):
    data = write_annotated(tmp_path / "spans")
    result = run(figure1, "--data", data, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["figure1.json", "figure1.md", "figure1.svg"]
    assert "SYNTHETIC" in result.flat and "in Figure 1 (MIMIC)" in result.flat
