"""Time training against a plain loop: `python benchmarks/training.py [--encoder E] [--device cuda]`.

The plain loop does what the released one does: windows in random order, each its own tensors, padded to the longest of
the batch and stacked. Ours is a recipe's own training: windows of like length together, lists until there is a batch.
Both train the same encoder on the same invented windows, once through, in turns in the same process; the best of the
turns counts. On a GPU both use bfloat16. Hold everything else off the machine.
"""

import argparse
import logging
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import PrinterCallback, TrainerCallback, set_seed
from transformers.utils import logging as transformers_logging

from stigma_hf import load_spans
from stigma_hf.baseline.training_data import LabelledWindows, labelled_windows
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.pretrained import load_tokenizer
from stigma_hf.synthetic import synthesize
from stigma_hf.tasks import load_tasks
from stigma_hf.training.arguments import training_arguments, uses_cpu
from stigma_hf.training.class_weights import balanced_class_weights
from stigma_hf.training.data import EncodedSpan, encode_spans
from stigma_hf.training.fine_tuning import make_trainer
from stigma_hf.training.recipes import load_encoder_recipe


def invented_spans(number: int) -> LabelledWindows:
    """So many training spans of an invented MIMIC-IV."""
    with tempfile.TemporaryDirectory() as folder:
        tree = synthesize(Path(folder) / "mimic", max(600, 2 * number))
        rows = labelled_windows(load_spans(tree.folder, tree.annotations)["train"])
    places = random.Random(0).sample(range(len(rows.labels)), number)
    return rows.rows(places)


def synchronise() -> None:
    """Wait for what a GPU is still doing."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Stopwatch(TrainerCallback):
    """Times the updates of a Trainer, and nothing that comes before and after them."""

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        """Start."""
        synchronise()
        self.begin = time.perf_counter()

    def on_train_end(self, args, state, control, **kwargs) -> None:
        """Stop."""
        synchronise()
        self.seconds = time.perf_counter() - self.begin


def tensors_of(row: EncodedSpan) -> dict[str, torch.Tensor]:
    """A span as tensors of its own."""
    length = len(row.window.input_ids)
    anchor, special = torch.zeros(length, dtype=torch.long), torch.zeros(length, dtype=torch.long)
    anchor[row.window.anchor_tokens] = 1
    special[row.window.special_tokens] = 1
    return {
        "input_ids": torch.tensor(row.window.input_ids),
        "attention_mask": torch.ones(length, dtype=torch.long),
        "anchor_mask": anchor,
        "special_tokens_mask": special,
        "task_ids": torch.tensor([row.task_id]),
        "labels": torch.tensor([row.label]),
    }


def collate(items: Sequence[dict[str, torch.Tensor]], pad_id: int, device: str) -> dict[str, torch.Tensor]:
    """Items padded to the longest and stacked."""
    batch = {}
    for name in items[0]:
        padding = pad_id if name == "input_ids" else 0
        batch[name] = pad_sequence([item[name] for item in items], batch_first=True, padding_value=padding).to(device)
    return {**batch, "task_ids": batch["task_ids"].flatten(), "labels": batch["labels"].flatten()}


def plain_loop(
    model: torch.nn.Module, rows: Sequence[EncodedSpan], batch_size: int, pad_id: int, device: str
) -> float:
    """Seconds of one time through the rows."""
    dataset = [tensors_of(row) for row in rows]
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=1e-5)
    order = list(range(len(dataset)))
    random.Random(0).shuffle(order)
    autocast = torch.autocast(device, torch.bfloat16) if device == "cuda" else nullcontext()
    model.train()
    synchronise()
    begin = time.perf_counter()
    for first in range(0, len(order), batch_size):
        optimizer.zero_grad()
        batch = collate([dataset[place] for place in order[first : first + batch_size]], pad_id, device)
        with autocast:
            loss = model(**batch).loss
        loss.backward()
        optimizer.step()
    synchronise()
    return time.perf_counter() - begin


def main() -> None:
    """Print updates and windows a second, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", default="all-MiniLM-L6-v2")
    parser.add_argument("--recipe", default="minilm")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--windows", type=int, default=1920)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    options = parser.parse_args()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    uses_cpu(options.device)
    spans = invented_spans(options.windows)
    labels = {task: list(about.labels) for task, about in load_tasks().items()}
    tokenizer = load_tokenizer(options.encoder)
    training = {"num_train_epochs": 1, "eval_steps": 10**6, "logging_steps": 10**6, "disable_tqdm": True}
    recipe = load_encoder_recipe(options.recipe)
    recipe = replace(recipe, batch_size=options.batch, training={**recipe.training, **training})

    def new_model() -> AnchorPooledClassifier:
        set_seed(0)
        weights = balanced_class_weights(spans, labels)
        return AnchorPooledClassifier.from_encoder(options.encoder, labels, class_weights=weights).float()

    rows = encode_spans(spans, tokenizer, new_model().config)

    def plain() -> float:
        return plain_loop(new_model().to(options.device), rows, options.batch, tokenizer.pad_token_id, options.device)

    def ours() -> float:
        with tempfile.TemporaryDirectory() as folder:
            arguments = training_arguments(recipe, Path(folder), device=options.device)
            trainer = make_trainer(
                new_model(), {"train": rows, "validation": rows[:1]}, recipe, arguments, tokenizer.pad_token_id
            )
            stopwatch = Stopwatch()
            trainer.args.eval_strategy = trainer.args.save_strategy = "no"
            trainer.args.load_best_model_at_end = False
            trainer.add_callback(stopwatch)
            trainer.remove_callback(PrinterCallback)
            trainer.train()
            return stopwatch.seconds

    ways: dict[str, Callable[[], float]] = {"plain loop": plain, "ours": ours}
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(options.turns):
        for name, way in ways.items():
            best[name] = min(best[name], way())
    tokens = [len(row.window.input_ids) for row in rows]
    print(f"{options.encoder}, batch {options.batch}, {len(rows)} windows of {sum(tokens) / len(tokens):.1f} tokens,")
    print(f"{options.device}, {torch.get_num_threads()} threads, best of {options.turns}\n")
    updates = -(-len(rows) // options.batch)
    for name, seconds in best.items():
        print(f"{name:<12}{updates / seconds:>8.2f} updates/s{len(rows) / seconds:>9.1f} windows/s", end="")
        print(f"   ratio {best['plain loop'] / seconds:.2f}")


if __name__ == "__main__":
    main()
