import pytest
import torch
from transformers import Trainer, TrainingArguments, set_seed

from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.tasks import load_tasks
from stigma_hf.training.class_weights import balanced_class_weights
from stigma_hf.training.data import ShuffledSpans, SpanCollator, encode_spans
from stigma_hf.training.metrics import metrics_of
from stigma_hf.training.starting_point import encoder_and_tokenizer
from stigma_hf.training.trainer import SpanTrainer
from training.small_spans import ENCODER, some_spans

ENCODER_CONFIG, TOKENIZER = encoder_and_tokenizer(
    {**ENCODER, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
)
LABELS = {task: list(about.labels) for task, about in load_tasks().items()}


def new_model(spans):
    set_seed(0)
    return AnchorPooledClassifier.from_encoder(
        ENCODER_CONFIG, LABELS, dropout=0.0, class_weights=balanced_class_weights(spans, LABELS)
    )


def train(folder, parts, updates=8, number=61):
    """Losses of each update, and the model, when an update of 8 windows is divided into so many parts."""
    spans = some_spans(number)
    model = new_model(spans)
    rows = encode_spans(spans, TOKENIZER, model.config)
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=8 // parts,
        gradient_accumulation_steps=parts,
        max_steps=updates,
        learning_rate=1e-3,
        logging_steps=1,
        save_strategy="no",
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )
    weights = list(model.config.class_weights.values())
    trainer = SpanTrainer(
        model=model,
        args=arguments,
        data_collator=SpanCollator(TOKENIZER.pad_token_id),
        train_dataset=ShuffledSpans(rows, weights, windows_per_update=8, parts=parts, seed=0, group_by_length=True),
        compute_metrics=metrics_of(LABELS),
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return losses, model, trainer, rows


@pytest.mark.parametrize("parts", [2, 8])
def test_an_update_is_the_same_in_one_part_and_in_many(tmp_path, parts):
    whole_losses, whole, *_ = train(tmp_path, 1)
    losses, divided, *_ = train(tmp_path, parts)
    assert len(losses) == 8
    assert losses == pytest.approx(whole_losses, abs=1e-5)
    others = dict(divided.named_parameters())
    for name, own in whole.named_parameters():
        # Biases of the keys have no gradient but rounding errors, which AdamW makes as large as all others.
        if not name.endswith("key.bias"):
            torch.testing.assert_close(own, others[name], atol=1e-5, rtol=0)


def test_the_loss_of_an_undivided_update_is_that_of_the_model(tmp_path):
    (loss, *_), _, trainer, rows = train(tmp_path, 1, updates=1)
    model = new_model(some_spans(61))
    batch = SpanCollator(TOKENIZER.pad_token_id)([trainer.train_dataset[i] for i in range(8)])
    batch.pop("loss_weights")
    assert loss == pytest.approx(model(**batch).loss.item(), abs=1e-6)


def test_spans_without_loss_weights_are_evaluated_with_the_loss_of_the_model(tmp_path):
    _, model, trainer, rows = train(tmp_path, 2)
    metrics = trainer.evaluate(rows[:8])
    expected = model.eval()(**SpanCollator(TOKENIZER.pad_token_id)(rows[:8])).loss.item()
    assert metrics["eval_loss"] == pytest.approx(expected, abs=1e-6)
    assert 0 <= metrics["eval_macro_f1"] <= 1


def test_a_stock_trainer_takes_the_pieces_too(tmp_path):
    spans = some_spans(48)
    model = new_model(spans)
    rows = encode_spans(spans, TOKENIZER, model.config)
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=12,
        learning_rate=5e-3,
        report_to="none",
        remove_unused_columns=False,
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        data_collator=SpanCollator(TOKENIZER.pad_token_id),
        train_dataset=rows,
        eval_dataset=rows,
        compute_metrics=metrics_of(LABELS),
    )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < before
