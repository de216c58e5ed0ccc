"""Time the demo page with a long note, in a real browser: `python benchmarks/demo.py [--characters N]`.

The time is from the click to the last marked word. The page is served by this process, with the embedded default
model; the note is made of the invented notes of the package.
"""

import argparse
import shutil
import statistics
import time

from stigma_hf.demo.examples import example_notes
from stigma_hf.demo.launch import serving


def long_note(characters: int) -> str:
    """A note of some length."""
    text = "\n\n".join(example_notes().values())
    return (text * (characters // len(text) + 1))[:characters]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--characters", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--browser", default=shutil.which("chromium-headless-shell") or shutil.which("chromium"), help="a Chromium"
    )
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    note = long_note(arguments.characters)
    with serving() as page, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.browser, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(page.local_url)
        field = tab.get_by_label("Note", exact=True)
        times = []
        for round_ in range(arguments.rounds):
            marker = f"refused round {round_}"
            # Not filled as Playwright does it, by typing: that is far slower than to paste.
            field.evaluate(
                "(e, text) => { e.value = text; e.dispatchEvent(new Event('input', {bubbles: true})) }",
                f"{note}\n{marker}",
            )
            begin = time.perf_counter()
            tab.get_by_role("button", name="Look at the wording").click()
            tab.wait_for_function(
                "end => document.querySelector('.stigma-note')?.textContent.trimEnd().endsWith(end)", arg=marker
            )
            times.append(time.perf_counter() - begin)
        n_spans = tab.locator("mark[data-span]").count()
        browser.close()
    print(f"{len(note):,} characters, {n_spans:,} spans, {arguments.rounds} rounds: ", end="")
    print(f"median {statistics.median(times):.2f} s, best {min(times):.2f} s, worst {max(times):.2f} s")


if __name__ == "__main__":
    main()
