"""Time the baselines against a plain tokenizer: `python benchmarks/baselines.py [--notes N]`.

The released baselines spend nearly all their time on cutting text: a tokenizer of spaCy, and a sentence segmenter
that costs ten times as much and changes nothing. The reference is therefore spaCy's tokenizer with the same rules,
span by span and alone, where spaCy is installed (`pip install spacy`); it counts as 10 times the released speed.
Without spaCy the reference is our own tokenizer without its memory. Every window of the invented notes is labelled:
once when nothing is remembered, then in turns of which the best counts.
"""

import argparse
import gzip
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.csv
from transformers import pipeline
from transformers.utils import logging

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "baseline"))

from clinical_strings import spacy_tokenizer

from stigma_hf import AnchorSearch, BaselineClassifier, load_spans
from stigma_hf.baseline.recipes import load_recipe, recipe_names
from stigma_hf.baseline.tokenization import ClinicalTokenizer
from stigma_hf.baseline.training import train_baseline
from stigma_hf.baseline.training_data import labelled_windows
from stigma_hf.context_window import ContextWindow
from stigma_hf.synthetic import synthesize

RELEASED_IS = 10


def speed(run: Callable[[], Any], number: int, turns: int) -> float:
    """Things a second, in the best of some turns."""
    best = float("inf")
    for _ in range(turns):
        begin = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - begin)
    return number / best


def reference(texts: Sequence[str], turns: int) -> tuple[str, float, float]:
    """Name of the plain tokenizer, texts a second when it is new, and when it has seen them."""
    try:
        tokenizer = spacy_tokenizer()
    except ImportError:
        plain = ClinicalTokenizer()
        once = speed(lambda: [plain.tokenize(text) for text in texts], len(texts), 1)
        return "our tokenizer without its memory", once, once

    def run() -> list[list[str]]:
        return [[token.text for token in tokenizer(text)] for text in texts]

    return "spaCy's tokenizer", speed(run, len(texts), 1), speed(run, len(texts), turns)


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
        name, plain_new, plain = reference([window.context for window in windows], options.turns)
        print(f"{len(windows):,} windows of {len(notes):,} invented notes")
        print(f"{name}: {plain_new:,.0f} spans/s when new, {plain:,.0f} when warm")
        print(f"released speed is that / {RELEASED_IS}; in brackets the ratio to it\n")
        print(f"{'recipe':<36}{'KB':>6}{'load ms':>8}{'new':>18}{'warm':>18}{'warm, 16':>16}", end="")
        print(f"{'pipeline':>10}{'notes/s':>9}")
        for recipe in options.recipes:
            where = Path(folder) / recipe
            train_baseline(load_recipe(recipe), spans).save_pretrained(where)
            begin = time.perf_counter()
            model = BaselineClassifier.from_pretrained(where)
            load = time.perf_counter() - begin
            size = sum(file.stat().st_size for file in where.iterdir()) / 1000

            def run(batch: int = model.default_batch_size, model: BaselineClassifier = model) -> None:
                for begin in range(0, len(windows), batch):
                    model(windows[begin : begin + batch])

            new = speed(run, len(windows), 1)
            warm = speed(run, len(windows), options.turns)
            small = speed(lambda run=run: run(16), len(windows), 1)
            pipe = pipeline("stigma-classification", model=str(where))
            items = [{"task": w.task, "anchor": w.anchor, "context": w.context} for w in windows]
            served = speed(
                lambda pipe=pipe, items=items: pipe(items, batch_size=BaselineClassifier.default_batch_size),
                len(items),
                2,
            )
            read = speed(
                lambda pipe=pipe: pipe(notes, batch_size=BaselineClassifier.default_batch_size), len(notes), 2
            )
            print(f"{recipe:<36}{size:>6.0f}{load * 1000:>8.0f}", end="")
            print(f"{new:>11,.0f} [{new / plain_new * RELEASED_IS:>3.0f}]", end=" ")
            print(f"{warm:>11,.0f} [{warm / plain * RELEASED_IS:>3.0f}]", end=" ")
            print(f"{small:>9,.0f} [{small / plain * RELEASED_IS:>3.0f}]{served:>10,.0f}{read:>9,.0f}")


if __name__ == "__main__":
    main()
