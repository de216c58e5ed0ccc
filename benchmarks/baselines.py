"""Time the baselines against a plain tokenizer: `python benchmarks/baselines.py [--notes N]`.

The released baselines spend nearly all their time on cutting text: a tokenizer of spaCy, and a sentence segmenter
that costs ten times as much and changes nothing. The reference is therefore spaCy's tokenizer with the same rules,
span by span and alone, where spaCy is installed (`pip install spacy`); it counts as 10 times the released speed.
Without spaCy the reference is our own tokenizer without its memory. Before they cut text, the released baselines
search the notes; the reference for that is the plain search of `benchmarks/search.py`, on some of the notes. Every
window of the invented notes is labelled: once when nothing is remembered, then in turns of which the best counts, the
reference taking its turn too. Small batches are timed on some of the windows. `pipeline` is the same through
`pipeline("stigma-classification")`, which makes a dictionary of each span, and `notes` that with the search.
"""

import argparse
import gzip
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.csv
from transformers import pipeline
from transformers.utils import logging

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "baseline"))

import reference
from clinical_strings import spacy_tokenizer

from stigma_hf import AnchorSearch, BaselineClassifier, Lexicon, load_spans
from stigma_hf.baseline.recipes import load_recipe, recipe_names
from stigma_hf.baseline.tokenization import ClinicalTokenizer
from stigma_hf.baseline.training import train_baseline
from stigma_hf.baseline.training_data import labelled_windows
from stigma_hf.context_window import ContextWindow
from stigma_hf.synthetic import synthesize

RELEASED_IS = 10
SOME_WINDOWS = 3200
SOME_NOTES = 40


class Stopwatch:
    """The best processor time of each of several things that take turns."""

    def __init__(self) -> None:
        self.best: dict[str, float] = {}

    def time(self, name: str, run: Callable[[], Any], number: int) -> None:
        """Run something that handles a number of things, once."""
        begin = time.process_time()
        run()
        each = (time.process_time() - begin) / number
        self.best[name] = min(each, self.best.get(name, each))


def plain_tokenizer() -> tuple[str, Callable[[str], list[str]]]:
    """The reference that cuts one text, and its name."""
    try:
        tokenizer = spacy_tokenizer()
    except ImportError:
        return "our tokenizer without its memory", ClinicalTokenizer().tokenize
    return "spaCy's tokenizer", lambda text: [token.text for token in tokenizer(text)]


def main() -> None:
    """Print a table of speeds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=4710)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--recipes", nargs="*", default=recipe_names())
    options = parser.parse_args()
    logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        tree = synthesize(Path(folder) / "mimic", options.notes)
        spans = {at: labelled_windows(rows) for at, rows in load_spans(tree.folder, tree.annotations).items()}
        (file,) = Path(tree.folder).rglob("discharge.csv.gz")
        with gzip.open(file) as stream:
            parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
            notes = pyarrow.csv.read_csv(stream, parse_options=parse)["text"].to_pylist()
        found = AnchorSearch().search_many(notes)
        windows = [ContextWindow(m.task, m.anchor, m.context) for matches in found for m in matches]
        print(f"{len(windows):,} windows of {len(notes):,} invented notes; beside it {plain_tokenizer()[0]}")
        print("per second, in brackets the ratio to the released speed")
        models = {}
        for recipe in options.recipes:
            models[recipe] = Path(folder) / recipe
            train_baseline(load_recipe(recipe), spans).save_pretrained(models[recipe])
        compare(models, windows, notes, options.turns)


def compare(models: Mapping[str, Path], windows: Sequence[ContextWindow], notes: Sequence[str], turns: int) -> None:
    """Print the table for some model folders."""
    search = reference.PlainSearch(Lexicon.default().anchors)
    items = [{"task": w.task, "anchor": w.anchor, "context": w.context} for w in windows]
    print(f"{'recipe':<36}{'KB':>4}{'load ms':>8}{'tokenizer':>10}", end="")
    print(f"{'new':>17}{'warm':>17}{'in 16s':>14}{'pipeline':>10}{'notes':>14}")
    for recipe, folder in models.items():
        _, cut = plain_tokenizer()
        watch = Stopwatch()
        watch.time("load", lambda folder=folder: BaselineClassifier.from_pretrained(folder), 1)
        model = BaselineClassifier.from_pretrained(folder)
        pipe = pipeline("stigma-classification", model=str(folder))

        def tokenize(cut: Callable[[str], list[str]] = cut) -> None:
            for window in windows:
                cut(window.context)

        def label(batch: int, number: int, model: BaselineClassifier = model) -> None:
            for begin in range(0, number, batch):
                model(windows[begin : min(begin + batch, number)])

        def label_all(label: Callable[[int, int], None] = label, size: int = model.windows_at_once) -> None:
            label(size, len(windows))

        watch.time("plain new", tokenize, len(windows))
        watch.time("new", label_all, len(windows))
        for _ in range(turns):
            watch.time("plain", tokenize, len(windows))
            watch.time("plain search", lambda: [search.cleaned(note) for note in notes[:SOME_NOTES]], SOME_NOTES)
            watch.time("warm", label_all, len(windows))
            watch.time("in 16s", lambda label=label: label(16, SOME_WINDOWS), SOME_WINDOWS)
            watch.time("pipeline", lambda pipe=pipe: pipe(items), len(items))
            watch.time("notes", lambda pipe=pipe: pipe(notes), len(notes))
        best = watch.best
        released = dict.fromkeys(("warm", "in 16s"), RELEASED_IS * best["plain"])
        released["new"] = RELEASED_IS * best["plain new"]
        released["notes"] = best["plain search"] + RELEASED_IS * best["plain"] * len(windows) / len(notes)
        shown = {name: f"{1 / best[name]:,.0f} [{each / best[name]:.0f}]" for name, each in released.items()}
        kilobytes = sum(file.stat().st_size for file in folder.iterdir()) / 1000
        print(f"{recipe:<36}{kilobytes:>4.0f}{best['load'] * 1000:>8.0f}{1 / best['plain']:>10,.0f}", end="")
        print(f"{shown['new']:>17}{shown['warm']:>17}{shown['in 16s']:>14}", end="")
        print(f"{1 / best['pipeline']:>10,.0f}{shown['notes']:>14}")


if __name__ == "__main__":
    main()
