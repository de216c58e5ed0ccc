"""The page: what is where, and which function answers which button."""

from collections.abc import Sequence
from typing import Any

from stigma_hf.demo.batch import label_csv, show_batch
from stigma_hf.demo.details import show_details
from stigma_hf.demo.examples import example_notes
from stigma_hf.demo.inspection import inspect_note, read_note_file
from stigma_hf.demo.labels import definitions, look_of
from stigma_hf.demo.messages import alert, status
from stigma_hf.demo.models import Models
from stigma_hf.demo.privacy import forget_session
from stigma_hf.demo.templates import render, resource
from stigma_hf.demo.view import show_inspection, summary
from stigma_hf.errors import UsageError
from stigma_hf.tasks import load_tasks

TITLE = "How might this note read?"
_NO_SECOND = "none"
_FILE_AGE_SECONDS = 600


def build_page(
    models: Models,
    compare: str | None = None,
    is_public: bool = False,
    address: str = "127.0.0.1",
    in_memory: bool = False,
) -> Any:
    """The page as Gradio blocks, not yet served.

    Args:
        models: The models to choose from.
        compare: The one to compare with at the start.
        is_public: Whether strangers share the server; the banner then asks for invented text only.
        address: Where the page is served, for the banner.
        in_memory: Whether uploads lie in memory, for the page about privacy.
    """
    import gradio as gr

    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, _FILE_AGE_SECONDS)) as page:
        _piece(render("banner.html", is_public=is_public, address=address))
        with gr.Tabs():
            with gr.Tab("One note"):
                _one_note(models, compare)
            with gr.Tab("Many notes"):
                _many_notes(models)
            with gr.Tab("About"):
                about = render(
                    "about.html", tasks=load_tasks(), definitions=definitions(), look_of=look_of, in_memory=in_memory
                )
                _piece(about)

        def forget(request: gr.Request) -> None:
            forget_session(page.state_holder.session_data, request.session_hash)

        page.unload(forget)
    return page


def _piece(value: str = "", **settings: Any) -> Any:
    """A piece of HTML of our own."""
    import gradio as gr

    return gr.HTML(value, elem_classes="stigma", **{"js_on_load": None, "apply_default_css": False, **settings})


def _one_note(models: Models, compare: str | None) -> None:
    import gradio as gr

    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            note = gr.Textbox(
                label="Note",
                lines=10,
                max_lines=18,
                placeholder="Paste a note here",
                html_attributes=gr.InputHTMLAttributes(autocomplete="off", autocorrect="off", spellcheck=False),
            )
        with gr.Column(scale=2, min_width=280):
            example = gr.Dropdown(
                [("none", ""), *((name, name) for name in example_notes())], value="", label="Invented example"
            )
            upload = gr.UploadButton("Open a text file", file_types=[".txt"], type="filepath")
            model, tasks, least_score = _choices(models)
            second = gr.Dropdown([_NO_SECOND, *models.names], value=compare or _NO_SECOND, label="Compare with")
    with gr.Row():
        look = gr.Button("Look at the wording", variant="primary")
        clear = gr.Button("Clear")
    message = _piece(elem_id="stigma-message")
    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            result = _piece(elem_id="stigma-result", js_on_load=resource("demo.js"))
        with gr.Column(scale=2, min_width=280, elem_id="stigma-details-column"):
            details = _piece(elem_id="stigma-details-place", js_on_load=resource("details.js"))

    def inspect(text: str, first: str, other: str, asked: list[str], least: float) -> tuple[str, str, str]:
        try:
            names = [first] if other in (_NO_SECOND, first) else [first, other]
            inspection = inspect_note(text, [models.open(name) for name in names], asked, least)
            return status(summary(inspection)), show_inspection(inspection), ""
        except Exception as error:
            return alert(error), "", ""

    def open_file(path: str) -> tuple[Any, str]:
        try:
            return read_note_file(path), status("The file is open, and the upload removed.")
        except Exception as error:
            return gr.skip(), alert(error)

    def choose(event: gr.EventData) -> tuple[str, Any]:
        try:
            return show_details(models, event.question), gr.skip()
        except Exception as error:
            return "", alert(error)

    fields, places = [note, model, second, tasks, least_score], [message, result, details]
    # One at a time and in order, so that no answer is overtaken by the one to an earlier question.
    in_order: dict[str, Any] = {"concurrency_id": "inspect", "concurrency_limit": 1}
    look.click(inspect, fields, places, api_name="inspect", **in_order)
    # For the slider its change, not its release: that is only for those who use a mouse.
    for ask in (model.input, second.input, tasks.input, least_score.change):
        ask(inspect, fields, places, api_visibility="private", trigger_mode="always_last", **in_order)
    result.select(choose, None, [details, message], api_visibility="private", concurrency_limit=4)
    upload.upload(open_file, upload, [note, message], api_visibility="private")
    example.input(lambda name: example_notes().get(name, gr.skip()), example, note, api_visibility="private")
    clear.click(lambda: ("", "", "", "", ""), None, [note, example, *places], api_visibility="private")


def _many_notes(models: Models) -> None:
    import gradio as gr

    with gr.Row():
        with gr.Column(min_width=280):
            upload = gr.File(
                label="CSV with a note in each row",
                file_types=[".csv"],
                type="filepath",
                height=140,
                elem_id="stigma-csv",
            )
            column = gr.Textbox(
                label="Column of the text", placeholder="guessed from its name when empty", max_lines=1
            )
            encoding = gr.Dropdown(["utf-8", "latin-1"], value="utf-8", label="Encoding")
        with gr.Column(min_width=280):
            model, tasks, least_score = _choices(models)
            with_text = gr.Checkbox(label="Results hold words of the notes (the word and its context)", value=False)
    label = gr.Button("Label the notes", variant="primary")
    message = _piece(elem_id="stigma-batch-message")
    charts = _piece(elem_id="stigma-batch-charts")
    download = gr.DownloadButton("Download the spans (CSV)", visible=False)

    def run(
        path: str | None,
        name: str,
        asked: list[str],
        least: float,
        text_column: str,
        code: str,
        text_too: bool,
        progress: Any = gr.Progress(),  # noqa: B008 - this is how Gradio knows that there is progress to show
    ) -> tuple[str, str, Any, None]:
        try:
            if path is None:
                raise UsageError("no file is chosen; choose a CSV file")
            progress(0.0, desc="reading")
            batch = label_csv(path, models.open(name), asked, least, text_column.strip(), code, text_too, progress)
            said = status(f"{batch.counts.notes:,} notes are labelled, and the upload is removed.")
            return said, show_batch(batch), gr.DownloadButton(value=str(batch.file), visible=True), None
        except Exception as error:
            return alert(error), "", gr.DownloadButton(value=None, visible=False), None

    fields = [upload, model, tasks, least_score, column, encoding, with_text]
    label.click(run, fields, [message, charts, download, upload], api_name="label", concurrency_limit=4)


def _choices(models: Models) -> Sequence[Any]:
    """The fields that both tabs have: model, tasks, and the least probability."""
    import gradio as gr

    tasks = [(task.name, task.id) for task in load_tasks().values()]
    return (
        gr.Dropdown(models.names, value=models.names[0], label="Model"),
        gr.CheckboxGroup(tasks, value=[id for _, id in tasks], label="Look for"),
        gr.Slider(0, 1, value=0, step=0.05, label="Show from this probability on"),
    )
