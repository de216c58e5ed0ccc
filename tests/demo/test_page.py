"""The page as a person meets it: in a real browser, with a real server."""

import csv

import pytest

NOTE = "He insists that he took it.\n  Very pleasant,\tbut refused labs; <b>claims</b> pain & more."
EVIL = (
    "refused <img src=x onerror='window.hit=1'><script>window.hit=2</script> ${window.hit=3} {{value}} "
    "\"><svg onload=window.hit=4> claims </mark></div> 'adamant' <iframe src=javascript:window.hit=5> `x` @children"
)


def look(tab, note):
    tab.get_by_label("Note", exact=True).fill(note)
    tab.get_by_role("button", name="Look at the wording").click()


def marks(tab):
    return tab.locator("mark[data-span]")


def alert(tab):
    return tab.get_by_role("alert").first.inner_text()


def choose(tab, field, value):
    tab.get_by_label(field).first.click()
    tab.get_by_role("option", name=value, exact=True).click()


def tab_until(tab, is_there, most=40):
    """Press Tab until the focus is where it should be."""
    for _ in range(most):
        tab.keyboard.press("Tab")
        if tab.evaluate(f"(() => {{ const e = document.activeElement; return {is_there}; }})()"):
            return
    raise AssertionError(f"not reached by keyboard: {is_there}")


def test_pasted_note_is_shown_as_it_is_with_its_words_marked(tab):
    look(tab, NOTE)
    marks(tab).first.wait_for()
    assert tab.locator(".stigma-note").evaluate("e => e.textContent") == NOTE
    assert marks(tab).all_inner_texts() == ["insists", "pleasant", "refused", "claims"]
    assert marks(tab).nth(2).get_attribute("aria-label").startswith("refused: ")
    assert "4 words to look at" in tab.get_by_role("status").first.inner_text()


def test_everything_works_by_keyboard_alone(tab):
    tab_until(tab, "e.tagName === 'TEXTAREA'")
    tab.keyboard.insert_text(NOTE)
    tab_until(tab, "e.innerText === 'Look at the wording'")
    tab.keyboard.press("Enter")
    marks(tab).first.wait_for()
    tab_until(tab, "e.matches('mark[data-span]')")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_function("document.activeElement.id === 'stigma-details-title'")
    assert tab.evaluate("document.activeElement.innerText").startswith("pleasant")
    tab_until(tab, "e.matches('.stigma-back')")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.innerText") == "pleasant"


def test_row_of_the_table_shows_why_the_word_has_its_label(tab):
    look(tab, NOTE)
    tab.get_by_role("button", name="Details of refused, number 3").click()
    details = tab.locator(".stigma-details")
    details.wait_for()
    told = details.inner_text()
    for part in ("Probabilities", "What the model saw", "Words that moved it", "In the 2023 data", "Harrigian"):
        assert part in told
    assert "insists that he took it. very pleasant, but refused labs" in told


def test_two_models_stand_side_by_side(tab):
    choose(tab, "Compare with", "embedded default")
    look(tab, NOTE)
    tab.get_by_role("columnheader", name="Agree").wait_for()
    left, right = (note.bounding_box() for note in tab.locator(".stigma-note").all())
    assert right["x"] >= left["x"] + left["width"]
    tab.locator("button.stigma-word").first.click()
    tab.locator(".stigma-of-model").nth(1).wait_for()
    assert tab.locator(".stigma-of-model h4").all_inner_texts()[1].startswith("Majority per anchor")


def test_tasks_and_probability_limit_what_is_shown(tab):
    choose(tab, "Model", "embedded default")
    look(tab, NOTE)
    tab.get_by_role("button", name="Details of insists, number 1").wait_for()
    tab.get_by_label("Credibility & Obstinacy").first.uncheck()
    tab.get_by_role("button", name="Details of pleasant, number 1").wait_for()
    assert marks(tab).all_inner_texts() == ["pleasant", "refused"]
    tab.get_by_role("slider").first.focus()
    tab.keyboard.press("End")
    tab.get_by_text("No word to look at. 2 more below").wait_for()


def test_html_and_templates_in_a_note_are_text(tab):
    look(tab, EVIL)
    marks(tab).first.wait_for()
    assert tab.locator(".stigma-note").evaluate("e => e.textContent") == EVIL
    assert tab.locator(".stigma-note *:not(mark)").count() == 0
    for place in range(marks(tab).count()):
        marks(tab).nth(place).click()
        tab.wait_for_timeout(200)
    assert tab.locator("#stigma-details-title").inner_text().startswith("adamant")
    assert tab.locator("#stigma-result img, #stigma-details-place img, #stigma-result iframe").count() == 0
    assert tab.evaluate("window.hit") is None


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("note.txt", b"\x89PNG\r\n\x00\xff\xfe", "expected a UTF-8 text file"),
        ("note.txt", b"MZ\x00\x00refused", "found NUL characters"),
        ("note.txt", b"refused " * 125_001, "expected at most 1,000,000 characters, found 1,000,008"),
        ("note.txt", b" \n ", "the note is empty"),
    ],
    ids=["binary", "NUL", "huge", "blank"],
)
def test_file_that_cannot_be_taken_is_refused_and_the_page_lives_on(tab, name, content, said):
    tab.set_input_files("input[type=file] >> nth=0", {"name": name, "mimeType": "text/plain", "buffer": content})
    tab.get_by_role("alert").first.wait_for()
    assert said in alert(tab)
    look(tab, NOTE)
    marks(tab).first.wait_for()


def test_text_file_is_opened(tab):
    file = {"name": "note.txt", "mimeType": "text/plain", "buffer": "\ufeffCaf\u00e9: refused.\r\nwell".encode()}
    tab.set_input_files("input[type=file] >> nth=0", file)
    tab.get_by_text("The file is open").wait_for()
    assert tab.get_by_label("Note", exact=True).input_value() == "Caf\u00e9: refused.\nwell"


def test_missing_model_and_empty_note_are_told_in_the_page(tab, server):
    look(tab, " ")
    tab.get_by_text("the note is empty").wait_for()
    choose(tab, "Model", server.missing)
    look(tab, NOTE)
    tab.get_by_text("no model folder here").wait_for()
    choose(tab, "Model", "embedded default")
    look(tab, NOTE)
    marks(tab).first.wait_for()


def test_invented_example_fills_the_note(tab):
    choose(tab, "Invented example", "5: Cough, fever")
    tab.wait_for_function("document.querySelector('textarea').value.includes('rheumatoid arthritis')")
    tab.get_by_role("button", name="Look at the wording").click()
    marks(tab).first.wait_for()
    tab.get_by_role("button", name="Clear").click()
    tab.wait_for_function("document.querySelector('textarea').value === ''")
    assert marks(tab).count() == 0


def label_file(tab, buffer, column=""):
    tab.get_by_role("tab", name="Many notes").click()
    tab.set_input_files(
        "#stigma-csv input[type=file]", {"name": "notes.csv", "mimeType": "text/csv", "buffer": buffer.encode()}
    )
    tab.locator("#stigma-csv").get_by_text("notes").wait_for()
    tab.get_by_label("Column of the text").fill(column)
    tab.get_by_role("button", name="Label the notes").click()


def test_batch_is_charted_and_downloaded_without_words_of_the_notes(tab, tmp_path):
    notes = 'note_id,text,other\na,"He refused <b>labs</b>, zebrafish.",1\nb,nothing,2\n'
    label_file(tab, notes, "nonesuch")
    tab.get_by_text("no column 'nonesuch'; expected one of note_id, text, other").wait_for()
    label_file(tab, notes)
    tab.get_by_text("1 spans in 1 of 2 notes").wait_for()
    rows = downloaded(tab, tmp_path / "spans.csv")
    assert [(row["note_id"], row["anchor"], row["start"]) for row in rows] == [("a", "refused", "3")]
    assert not {"word", "context"} & set(rows[0])
    assert "zebrafish" not in (tmp_path / "spans.csv").read_text()
    tab.get_by_label("Results hold words of the notes").check()
    label_file(tab, notes)
    tab.wait_for_timeout(1000)
    rows = downloaded(tab, tmp_path / "words.csv")
    assert rows[0]["context"] == "he refused <b>labs</b>, zebrafish."


def downloaded(tab, path):
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download the spans").or_(
            tab.get_by_role("link", name="Download")
        ).first.click()
    download.value.save_as(path)
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_nothing_goes_elsewhere_and_nothing_stays(tab, server):
    look(tab, NOTE + " quokka")
    marks(tab).first.click()
    tab.locator(".stigma-details").wait_for()
    label_file(tab, "text\nrefused quokka\n")
    tab.locator(".stigma-charts").wait_for()
    assert len(tab.asked) > 10
    elsewhere = [url for url in tab.asked if not url.startswith((server.url, "data:", "blob:"))]
    assert elsewhere == []
    stored = "[localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length]"
    assert tab.evaluate(f"(async () => {stored})()") == [0, 0, "", 0]
    blocked = "fetch('https://example.org/').then(() => 'sent', () => 'refused')"
    assert tab.evaluate(blocked) == "refused"
    with open(server.log) as log:
        assert "quokka" not in log.read()
    files = [file for file in server.folder.rglob("*") if file.is_file()]
    assert any(file.name == "spans.csv" for file in files)
    assert all(b"quokka" not in file.read_bytes() for file in files)


def test_page_fits_a_phone(server, browser):
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    phone = context.new_page()
    phone.goto(server.url)
    look(phone, NOTE)
    marks(phone).first.click()
    phone.locator(".stigma-details").wait_for()
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    title = phone.locator("#stigma-details-title")
    phone.wait_for_function("document.activeElement.id === 'stigma-details-title'")
    assert 0 <= title.bounding_box()["y"] < 740
    phone.get_by_role("tab", name="Many notes").click()
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    context.close()
