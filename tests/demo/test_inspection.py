import pytest

from demo.parts import spans_of
from stigma_hf.demo.batch import label_csv, show_batch
from stigma_hf.demo.details import show_details
from stigma_hf.demo.examples import example_notes
from stigma_hf.demo.inspection import MAX_CHARACTERS, inspect_note, read_note_file
from stigma_hf.demo.messages import alert
from stigma_hf.demo.view import show_inspection, summary
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks

TASKS = list(load_tasks())
NOTE = "He insists that he took it. Very pleasant, but refused labs."


def test_answers_are_those_of_the_pipeline(embedded):
    expected = embedded.pipe(NOTE)
    found = inspect_note(NOTE, [embedded], TASKS)
    assert [(s.task, s.anchor, s.start, s.end) for s in found.spans] == [
        (s["task"], s["anchor"], s["start"], s["end"]) for s in expected
    ]
    answers = [span.answers[0] for span in found.spans]
    assert [(a.label, a.score, dict(a.probabilities)) for a in answers] == [
        (s["label"], s["score"], s["probabilities"]) for s in expected
    ]


def test_repeated_word_is_asked_about_at_its_own_place(embedded):
    found = inspect_note("claims pain, claims fever", [embedded], TASKS)
    assert [span.answers[0].window.place for span in found.spans] == [(0, 6), (13, 19)]


def test_least_probability_hides_spans_and_counts_them(embedded):
    found = inspect_note(NOTE, [embedded], TASKS, 0.9)
    assert ([found.word(span) for span in found.spans], found.n_below) == (["pleasant", "refused"], 1)
    assert summary(found) == "2 words to look at. 1 more below the probability that you set."


def test_models_are_compared_span_by_span(models, regression, embedded):
    found = inspect_note(NOTE, [embedded, models.open(regression)], TASKS)
    assert [len(span.answers) for span in found.spans] == [2, 2, 2]
    n_agreed = sum(len({answer.label for answer in span.answers}) == 1 for span in found.spans)
    assert f"The models agree on {n_agreed} of 3." in summary(found)


@pytest.mark.parametrize(
    "note, tasks, said",
    [
        ("", TASKS, "the note is empty"),
        (None, TASKS, "the note is empty"),
        ("a" * (MAX_CHARACTERS + 1), TASKS, "expected at most 1,000,000 characters, found 1,000,001"),
        ("PK\0\0", TASKS, "found NUL characters"),
        (NOTE, [], "no task is chosen"),
    ],
    ids=["empty", "none", "huge", "binary", "no task"],
)
def test_note_that_cannot_be_taken_is_refused(embedded, note, tasks, said):
    with pytest.raises(UsageError, match=said):
        inspect_note(note, [embedded], tasks)


@pytest.mark.parametrize("content", [b"refused", b"\xff\xfe\x00", b""], ids=["text", "binary", "empty"])
def test_uploaded_note_is_removed_whatever_is_in_it(tmp_path, content):
    file = tmp_path / "note.txt"
    file.write_bytes(content)
    try:
        read_note_file(file)
    except UsageError:
        pass
    assert not file.exists()


def test_note_is_shown_character_by_character(embedded):
    note = "a\t<b>&amp; 'refused' \"claims\" ${x} {{y}} \u202e\n\n  end"
    html = show_inspection(inspect_note(note, [embedded], TASKS))
    assert spans_of(html)["note"] == note
    assert spans_of(html)["marked"] == ["refused", "claims"]


def test_characters_that_no_page_can_hold_become_dots(embedded):
    html = show_inspection(inspect_note("refused\x07 \ud800 x", [embedded], TASKS))
    assert spans_of(html)["note"] == "refused\u00b7 \u00b7 x"
    html.encode("utf-8")


def test_details_tell_the_model_the_window_the_facts_and_the_hints(models, embedded):
    html = show_inspection(inspect_note(NOTE, [embedded], TASKS))
    question = spans_of(html)["questions"][2]
    told = show_details(models, question)
    for part in ("Compliance", "departs from medical advice", "it never reads", "Of 60", "Another way to put it"):
        assert part.lower() in told.lower() or part == "Of 60"
    assert "annotated uses of \u201crefused\u201d" in told


def test_details_of_a_regression_weigh_the_label_against_the_runner_up(models, regression):
    from stigma_hf.explanation import explain_span

    opened = models.open(regression)
    found = inspect_note("Patient was seen and claims pain in clinic today.", [opened], TASKS)
    window = found.spans[0].answers[0].window
    told = show_details(models, spans_of(show_inspection(found))["questions"][0])
    explanation = explain_span(opened.pipe.model, window)
    label, second = sorted(explanation.probabilities, key=explanation.probabilities.get, reverse=True)[:2]
    assert label == explanation.label
    assert f"rather than \u201c{second}\u201d" in told
    by_feature = {w.feature: w.value for w in explanation.weights[second]}
    most = max(explanation.weights[label], key=lambda w: abs(w.value - by_feature[w.feature]))
    assert f"{most.value - by_feature[most.feature]:+.2f}" in told


@pytest.mark.parametrize(
    "question",
    [
        "",
        "{",
        "[]",
        '["a"]',
        '[{"model": "embedded default"}]',
        '[{"model": "m", "task": "x", "anchor": "a", "context": "a"}]',
    ],
)
def test_question_that_the_page_never_asks_is_refused(models, question):
    with pytest.raises(UsageError, match="expected a word of the note"):
        show_details(models, question)


def test_model_that_is_not_offered_is_not_opened(models):
    question = '[{"model": "/etc", "task": "other", "anchor": "pleasant", "context": "pleasant"}]'
    with pytest.raises(UsageError, match="expected a model among"):
        show_details(models, question)


def test_examples_are_named_by_their_complaint():
    notes = example_notes()
    assert len(notes) == 6
    assert "rheumatoid arthritis" in notes["5: Cough, fever"]


def test_unforeseen_error_is_told_without_its_words(caplog):
    told = alert(RuntimeError("the note says zebrafish"))
    assert "RuntimeError" in told and "zebrafish" not in told + caplog.text


def test_csv_is_labelled_and_removed(tmp_path, embedded):
    file = tmp_path / "notes.csv"
    file.write_text('id,text\na,"He refused, zebrafish"\nb,\nc,pleasant and compliant\n')
    batch = label_csv(file, embedded, TASKS)
    assert not file.exists()
    assert (batch.counts.notes, batch.counts.notes_with_spans, batch.counts.spans.total()) == (3, 2, 3)
    assert "zebrafish" not in batch.file.read_text() and "a,compliance,refused,3,10," in batch.file.read_text()
    charts = show_batch(batch)
    assert charts.count("<figure>") == 3 and "zebrafish" not in charts


def test_csv_results_hold_words_only_when_asked_for(tmp_path, embedded):
    file = tmp_path / "notes.csv"
    file.write_text("text\nHe refused zebrafish\n")
    assert "zebrafish" in label_csv(file, embedded, TASKS, with_text=True).file.read_text()


@pytest.mark.parametrize(
    "content, column, said",
    [
        ("a,b\n1,2\n", "text", r"^notes.csv: no column 'text'; expected one of a, b"),
        ("a,b\n1,2\n", None, r"^notes.csv: cannot tell the column"),
        ("text\n", None, "no note could be read"),
        ("", None, "no note could be read"),
        (b"text\n\xff\xfe\xfa\n", None, "no note could be read .1 skipped: not text in the given encoding"),
    ],
    ids=["wrong column", "no column", "no rows", "empty", "other encoding"],
)
def test_csv_that_cannot_be_read_is_refused_and_removed(tmp_path, embedded, content, column, said):
    file = tmp_path / "notes.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=said):
        label_csv(file, embedded, TASKS, text_column=column)
    assert not file.exists()


def test_message_for_the_command_line_names_the_field_of_the_page():
    told = alert(UsageError("notes.csv: cannot tell the column of the text; name it with --text-column: a, b"))
    assert "in the field \u201cColumn of the text\u201d: a, b" in told and "--" not in told
