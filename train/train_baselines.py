"""Train baselines: `python train/train_baselines.py --data DIR --out DIR`, the same as `stigma-hf train-baselines`."""

import typer

from stigma_hf.cli.baselines import train_baselines

if __name__ == "__main__":
    typer.run(train_baselines)
