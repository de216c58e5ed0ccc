"""A few invented spans whose labels a tiny encoder can learn, and a recipe that trains one in about a second."""

import json
import random

import pyarrow
from pyarrow import parquet

from stigma_hf.baseline.training_data import LabelledWindows
from stigma_hf.context_window import ContextWindow
from stigma_hf.training.recipes import EncoderRecipe

ANCHORS = {
    "adamant": ["claims", "insists"],
    "compliance": ["refused", "compliant"],
    "other": ["pleasant", "combative"],
}
CUES = {
    "adamant": {"difficult": "despite", "disbelief": "denies", "exclude": "family"},
    "compliance": {"negative": "never", "neutral": "diet", "positive": "good"},
    "other": {"exclude": "room", "negative": "angry", "neutral": "without", "positive": "lovely"},
}
FILLERS = ["the", "patient", "was", "seen", "today", "and", "he", "she", "with", "pain", "at", "home", "labs"]

NOTE_WORD = "zebrafinch"
"""A word of every window, which must not leave the windows."""

ENCODER = {
    "model_type": "bert",
    "vocab_size": 600,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "initializer_range": 0.1,
}


def some_spans(number, seed=0, tasks=tuple(ANCHORS)):
    """So many spans, tasks in turn."""
    random_ = random.Random(seed)
    windows, labels = [], []
    for i in range(number):
        task = tasks[i % len(tasks)]
        label = random_.choice(list(CUES[task]))
        anchor = random_.choice(ANCHORS[task])
        before, after = (random_.choices(FILLERS, k=random_.randint(1, 9)) for _ in range(2))
        context = " ".join([*before, CUES[task][label], anchor, *after, NOTE_WORD])
        windows.append(ContextWindow(task, anchor, context))
        labels.append(label)
    return LabelledWindows(windows, labels)


def all_splits(train=160, validation=61, test=23):
    return {"train": some_spans(train, 1), "validation": some_spans(validation, 2), "test": some_spans(test, 3)}


def small_recipe(**settings):
    training = {
        "num_train_epochs": 3,
        "learning_rate": 1e-2,
        "lr_scheduler_type": "constant",
        "eval_steps": 6,
        "logging_steps": 1,
        "disable_tqdm": True,
        **settings.pop("training", {}),
    }
    return EncoderRecipe(
        "small", "Small", **{"encoder": ENCODER, "batch_size": 8, "patience": 9, "training": training, **settings}
    )


def write_data(folder, splits):
    """A folder as `stigma-hf build-dataset` writes it."""
    (folder / "all").mkdir(parents=True)
    for split, rows in splits.items():
        columns = {
            "task": [window.task for window in rows.windows],
            "anchor": [window.anchor for window in rows.windows],
            "context": [window.context for window in rows.windows],
            "label": rows.labels,
        }
        parquet.write_table(pyarrow.table(columns), folder / "all" / f"{split}.parquet")
    (folder / "provenance.json").write_text(json.dumps({"source": "synthetic"}))
    return folder
