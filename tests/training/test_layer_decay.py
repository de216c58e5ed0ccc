import pytest
from encoder.tiny_encoders import FAMILIES, tiny_classifier

from stigma_hf.training.arguments import training_arguments
from stigma_hf.training.layer_decay import layerwise_optimizer
from training.small_spans import small_recipe

LAYERED = ["bert", "distilbert", "roberta", "deberta-v2", "electra", "modernbert", "longformer", "xlm-roberta"]


def rates(model, tmp_path):
    """Learning rate and weight decay of every parameter, by name."""
    arguments = training_arguments(
        small_recipe(training={"learning_rate": 1.0, "weight_decay": 0.1}), tmp_path, device="cpu"
    )
    optimizer, settings = layerwise_optimizer(model, arguments, 0.5)
    made = optimizer(settings.pop("params"), **settings)
    groups = {id(p): (group["lr"], group["weight_decay"]) for group in made.param_groups for p in group["params"]}
    return {name: groups[id(parameter)] for name, parameter in model.named_parameters()}


def test_layers_learn_the_more_slowly_the_lower_they_are(tmp_path):
    of = rates(tiny_classifier("bert"), tmp_path)
    layer = "encoders.shared.encoder.layer.{}.output.dense.weight"
    assert of["heads.adamant.weight"] == (1.0, 0.1)
    assert of[layer.format(1)] == (0.5, 0.1)
    assert of[layer.format(0)] == (0.25, 0.1)
    assert of["encoders.shared.embeddings.word_embeddings.weight"] == (0.125, 0.1)
    assert of["encoders.shared.embeddings.LayerNorm.weight"] == (0.125, 0.0)
    assert of["heads.adamant.bias"] == (1.0, 0.0)


@pytest.mark.parametrize("family", LAYERED)
def test_every_parameter_of_every_family_has_a_rate(family, tmp_path):
    assert family in FAMILIES
    of = rates(tiny_classifier(family), tmp_path)
    assert {rate for rate, _ in of.values()} >= {1.0, 0.5, 0.25, 0.125}
    assert all(rate == 1.0 for name, (rate, _) in of.items() if name.startswith("heads."))


def test_an_encoder_that_shares_its_layers_learns_at_one_rate(tmp_path):
    of = rates(tiny_classifier("albert"), tmp_path)
    assert {rate for name, (rate, _) in of.items() if "albert_layer" in name} == {1.0}
