"""Fine-tune encoders: recipes, and the pieces for a `Trainer` of your own. Nothing that only classifies imports this.

`train_encoder` does all that a recipe says. Its pieces work with a stock `Trainer` too, as here with an encoder of
fresh weights:

    >>> from tempfile import mkdtemp
    >>> from transformers import Trainer, TrainingArguments
    >>> from stigma_hf.baseline.training_data import labelled_windows
    >>> from stigma_hf.encoder.modeling import AnchorPooledClassifier
    >>> from stigma_hf.training.class_weights import balanced_class_weights
    >>> from stigma_hf.training.data import SpanCollator, encode_spans
    >>> from stigma_hf.training.metrics import metrics_of
    >>> from stigma_hf.training.starting_point import encoder_and_tokenizer
    >>> spans = labelled_windows(
    ...     [
    ...         {"task": "compliance", "anchor": "refused", "context": "patient refused labs", "label": "negative"},
    ...         {"task": "compliance", "anchor": "refused", "context": "refused if febrile", "label": "neutral"},
    ...         {"task": "compliance", "anchor": "compliant", "context": "compliant with diet", "label": "positive"},
    ...     ]
    ... )
    >>> labels = {"compliance": ["negative", "neutral", "positive"]}
    >>> encoder, tokenizer = encoder_and_tokenizer(
    ...     {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    ... )
    >>> model = AnchorPooledClassifier.from_encoder(
    ...     encoder, labels, class_weights=balanced_class_weights(spans, labels)
    ... )
    >>> rows = encode_spans(spans, tokenizer, model.config)
    >>> trainer = Trainer(
    ...     model=model,
    ...     args=TrainingArguments(mkdtemp(), remove_unused_columns=False, disable_tqdm=True, use_cpu=True),
    ...     data_collator=SpanCollator(tokenizer.pad_token_id),
    ...     train_dataset=rows,
    ...     eval_dataset=rows,
    ...     compute_metrics=metrics_of(labels),
    ... )
    >>> sorted(trainer.predict(rows).metrics)[:3]
    ['test_loss', 'test_macro_f1', 'test_macro_f1_compliance']
"""
