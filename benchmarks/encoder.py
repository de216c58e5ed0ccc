"""Time the encoder's inference on the CPU: `python benchmarks/encoder.py`; needs the extra `minilm`.

The reference is the plain way: windows in the order they come, batches of 16 padded to the longest, every window
encoded, single precision; same weights, same windows, in turns with ours, of which the best counts. Speed is taken
with random weights of the size of BERT base. Agreement of labels is taken with an encoder trained here in a minute or
two, for random weights hardly prefer one label to another. The windows are those of invented notes.
"""

import argparse
import copy
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from transformers import BertConfig
from transformers.utils import logging

from stigma_hf import load_spans
from stigma_hf.context_window import ContextWindow
from stigma_hf.encoder import inference
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.pretrained import load_tokenizer
from stigma_hf.encoder.tokenization import WindowTokenizer, pad
from stigma_hf.synthetic import synthesize
from stigma_hf.tasks import load_tasks

MINILM = "all-MiniLM-L6-v2"
PLAIN_BATCH = 16
LABELS = {task.id: list(task.labels) for task in load_tasks().values()}


def read_spans(notes: int) -> dict[str, tuple[list[ContextWindow], list[str]]]:
    """Windows and labels of each split of some invented notes."""
    with tempfile.TemporaryDirectory() as folder:
        tree = synthesize(Path(folder) / "mimic", notes)
        spans = load_spans(tree.folder, tree.annotations)
        return {
            split: (
                [ContextWindow(*of) for of in zip(rows["task"], rows["anchor"], rows["context"], strict=True)],
                [rows.features["label"].int2str(label) for label in rows["label"]],
            )
            for split, rows in spans.items()
        }


def plain(model: Any, windows: Sequence[ContextWindow], tokenizer: Any) -> list[np.ndarray]:
    """Probabilities of each window, the plain way."""
    answers: list[np.ndarray] = []
    for begin in range(0, len(windows), PLAIN_BATCH):
        some = windows[begin : begin + PLAIN_BATCH]
        rows = WindowTokenizer(tokenizer, model.config).encode(some)
        batch = {name: torch.from_numpy(array) for name, array in pad(rows, tokenizer.pad_token_id).items()}
        tasks = [model.tasks.index(window.task) for window in some]
        with torch.no_grad():
            probabilities = torch.softmax(model(**batch, task_ids=torch.tensor(tasks)).logits, dim=1).numpy()
        for task, row in zip(tasks, probabilities, strict=True):
            answers.append(row[slice(*model.first_column[task : task + 2])])
    return answers


def compare(title: str, model: Any, windows: Sequence[ContextWindow], tokenizer: Any, turns: int) -> None:
    """Print spans a second, ratio to the plain way, largest change of a probability and agreement of labels."""
    half = copy.deepcopy(model).to(torch.bfloat16)

    def without_onednn() -> list[np.ndarray]:
        with patch.object(inference, "OneDnnLinear", nullcontext):
            return model.predict_proba(windows, tokenizer)

    ways = {
        "plain": lambda: plain(model, windows, tokenizer),
        "ours": lambda: model.predict_proba(windows, tokenizer),
        "ours, without oneDNN": without_onednn,
        "ours, bfloat16": lambda: half.predict_proba(windows, tokenizer),
    }
    seconds = dict.fromkeys(ways, float("inf"))
    answers = {}
    for _ in range(turns):
        for name, way in ways.items():
            begin = time.perf_counter()
            answers[name] = way()
            seconds[name] = min(seconds[name], time.perf_counter() - begin)
    print(f"\n{title:<52}{'spans/s':>9}{'ratio':>8}{'change':>10}{'labels':>9}")
    for name in ways:
        pairs = list(zip(answers["plain"], answers[name], strict=True))
        change = max(float(np.abs(a - b).max()) for a, b in pairs)
        agreement = sum(a.argmax() == b.argmax() for a, b in pairs) / len(pairs)
        speed, ratio = len(windows) / seconds[name], seconds["plain"] / seconds[name]
        print(f"  {name:<50}{speed:>9.1f}{ratio:>8.2f}{change:>10.1e}{agreement:>9.2%}", flush=True)


def train(windows: Sequence[ContextWindow], labels: Sequence[str], tokenizer: Any) -> AnchorPooledClassifier:
    """A classifier that has seen each window once, with others of like length."""
    torch.manual_seed(0)
    model = AnchorPooledClassifier.from_encoder(MINILM, LABELS).train()
    rows = WindowTokenizer(tokenizer, model.config).encode(windows)
    order = sorted(range(len(rows)), key=lambda place: len(rows[place].input_ids))
    batches = [order[begin : begin + 32] for begin in range(0, len(order), 32)]
    random.Random(0).shuffle(batches)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    for places in batches:
        batch = {n: torch.from_numpy(a) for n, a in pad([rows[i] for i in places], tokenizer.pad_token_id).items()}
        batch["task_ids"] = torch.tensor([model.tasks.index(windows[i].task) for i in places])
        batch["labels"] = torch.tensor([LABELS[windows[i].task].index(labels[i]) for i in places])
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def main() -> None:
    """Print a table for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=4710, help="invented notes to take windows from")
    parser.add_argument("--windows", type=int, default=64, help="windows for the timing of the large encoder")
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(options.threads)
    tokenizer = load_tokenizer(MINILM)
    spans = read_spans(options.notes)
    different = list(dict.fromkeys(window for windows, _ in spans.values() for window in windows))
    some = random.Random(0).sample(different, options.windows)
    n_repeats = options.windows // 5
    repeated = some[n_repeats:] + random.Random(0).sample(some[n_repeats:], n_repeats)
    random.Random(0).shuffle(repeated)

    torch.manual_seed(0)
    base = AnchorPooledClassifier.from_encoder(BertConfig(), LABELS).eval()
    begin = time.perf_counter()
    rows = WindowTokenizer(tokenizer, base.config).encode(some)
    encoding = (time.perf_counter() - begin) / len(some)
    lengths = [len(row.input_ids) for row in rows]
    batches = [lengths[begin : begin + PLAIN_BATCH] for begin in range(0, len(lengths), PLAIN_BATCH)]
    padded = sum(len(batch) * max(batch) for batch in batches) / sum(lengths)
    print(
        f"windows of {np.mean(lengths):.0f} tokens, {padded:.2f} times as many with plain padding; {options.threads}",
        end=" ",
    )
    print(f"threads; to encode a window takes {encoding * 1000:.2f} ms")
    compare(f"size of BERT base, {len(some)} different windows", base, some, tokenizer, options.turns)
    compare("size of BERT base, 20 % of the windows repeated", base, repeated, tokenizer, options.turns)

    trained = train(*spans["train"], tokenizer)
    windows, labels = ([*spans["validation"][i], *spans["test"][i]] for i in (0, 1))
    answers = trained.predict_proba(windows, tokenizer)
    right = [LABELS[w.task][row.argmax()] == label for w, row, label in zip(windows, answers, labels, strict=True)]
    print(
        f"\n{MINILM} trained on {len(spans['train'][0])} spans labels {np.mean(right):.1%} of the others correctly",
        end="",
    )
    compare(f"{MINILM}, {len(windows)} windows", trained, windows, tokenizer, options.turns)


if __name__ == "__main__":
    main()
