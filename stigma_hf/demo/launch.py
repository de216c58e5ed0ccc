"""Serve the page, on this machine and nowhere else."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stigma_hf.demo.privacy import LOCAL_NAMES, PrivateAnswers, private_surroundings
from stigma_hf.errors import UsageError

HOST = LOCAL_NAMES[0]

_HEAD = """
<meta name="google" content="notranslate">
<meta name="robots" content="noindex, nofollow">
<style>{style}</style>
"""


@contextmanager
def serving(
    models: Sequence[str] = (),
    compare: str | None = None,
    port: int | None = None,
    auth: tuple[str, str] | None = None,
    is_public: bool = False,
) -> Iterator[Any]:
    """The page, served for as long as the context lasts; gives back its Gradio blocks.

    Args:
        models: Model folders or hub ids to choose from, besides the embedded default.
        compare: The one of them to compare with at the start.
        port: Port to listen on; the first free one from 7860 on when None.
        auth: User name and password to ask for.
        is_public: Listen on all addresses, for a Space with invented text. Without it only this machine is answered.

    Raises:
        UsageError: If Gradio is not installed, the port is taken, or `compare` is none of the models.
    """
    with private_surroundings() as folder:
        gradio = _gradio()
        from starlette.middleware import Middleware
        from starlette.middleware.trustedhost import TrustedHostMiddleware

        from stigma_hf.demo.app import build_page
        from stigma_hf.demo.batch import MAX_FILE_BYTES
        from stigma_hf.demo.models import Models

        offered = Models(models)
        if compare is not None and compare not in offered.names:
            raise UsageError(f"expected --compare to be one of {', '.join(offered.names)}, found {compare}")
        with suppress(UsageError):  # one that cannot be loaded says so in the page
            offered.open(offered.names[0])
        hosts = ["*"] if is_public else LOCAL_NAMES
        in_memory = folder.is_relative_to(Path("/dev/shm"))
        page = build_page(offered, compare, is_public, HOST, in_memory)
        try:
            page.launch(
                server_name="0.0.0.0" if is_public else HOST,
                server_port=port,
                auth=auth,
                share=False,
                run_history=False,
                footer_links=[],
                enable_monitoring=False,
                quiet=True,
                inbrowser=False,
                show_error=False,
                prevent_thread_lock=True,
                max_file_size=MAX_FILE_BYTES,
                ssr_mode=False,
                mcp_server=False,
                pwa=False,
                theme=_theme(gradio),
                head=_HEAD.format(style=_style()),
                app_kwargs={
                    "middleware": [Middleware(TrustedHostMiddleware, allowed_hosts=hosts), Middleware(PrivateAnswers)]
                },
            )
        except OSError as error:
            raise UsageError(f"port {port or 7860}: cannot be listened on; choose another with --port") from error
        try:
            yield page
        finally:
            page.close(verbose=False)


def _gradio() -> Any:
    """Gradio, if it is installed."""
    # One of its parts reports every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        import gradio
    except ImportError as error:
        raise UsageError('the demo needs Gradio; install it with: pip install "stigma_hf[demo]"') from error
    return gradio


def _theme(gradio: Any) -> Any:
    """Gradio's own look with the fonts that the machine has, so that none is asked for, and with AA contrast."""
    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif"]
    theme = gradio.themes.Default(primary_hue="blue", font=fonts, font_mono=["ui-monospace", "monospace"])
    return theme.set(
        color_accent="*primary_700",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        input_placeholder_color="*neutral_600",
        input_placeholder_color_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
    )


def _style() -> str:
    from stigma_hf.demo.labels import colours_as_css
    from stigma_hf.demo.templates import resource

    return colours_as_css() + resource("demo.css")
