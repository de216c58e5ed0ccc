import json
from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils import DistributedType

FOLDER = Path(__file__).parents[2] / "train" / "accelerate"
KINDS = {
    "multi_gpu.yaml": DistributedType.MULTI_GPU,
    "fsdp.yaml": DistributedType.FSDP,
    "deepspeed.yaml": DistributedType.DEEPSPEED,
}


@pytest.mark.parametrize("name", KINDS)
def test_accelerate_knows_every_key(name):
    assert {file.name for file in FOLDER.glob("*.yaml")} == set(KINDS)
    config = load_config_from_file(str(FOLDER / name))
    assert config.distributed_type == KINDS[name]
    assert (config.num_processes, config.num_machines, config.use_cpu) == (2, 1, False)


def test_deepspeed_takes_sizes_and_precision_from_the_recipe():
    config = load_config_from_file(str(FOLDER / "deepspeed.yaml"))
    file = FOLDER.parents[1] / config.deepspeed_config["deepspeed_config_file"]
    settings = json.loads(file.read_text())
    assert settings["zero_optimization"]["stage"] == 2
    for name in ("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps"):
        assert settings[name] == "auto"
    assert settings["bf16"] == {"enabled": "auto"}


def test_weights_spread_over_gpus_are_saved_in_one_piece():
    assert load_config_from_file(str(FOLDER / "fsdp.yaml")).fsdp_config["fsdp_state_dict_type"] == "FULL_STATE_DICT"
