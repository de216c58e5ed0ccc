"""Fine-tune an encoder: `python train/train_encoder.py RECIPE --data DIR --out DIR`, the same as `stigma-hf train`.

In several processes on one machine or many, each with a GPU:

    torchrun --nproc_per_node 4 train/train_encoder.py RECIPE --data DIR --out DIR
    accelerate launch --config_file train/accelerate/multi_gpu.yaml train/train_encoder.py RECIPE --data DIR --out DIR

and without GPUs:

    torchrun --nproc_per_node 2 train/train_encoder.py RECIPE --data DIR --out DIR
    accelerate launch --multi_gpu --num_processes 2 --num_machines 1 train/train_encoder.py RECIPE --data DIR --out DIR
"""

import typer

from stigma_hf.cli.train import train

if __name__ == "__main__":
    typer.run(train)
