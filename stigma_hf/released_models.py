"""The names of the released models, and where their converted folders are on this machine."""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from stigma_hf.whole_files import write_whole

logger = logging.getLogger(__name__)

HOME_VARIABLE = "STIGMA_HF_HOME"
"""Environment variable with the folder of the index of converted models."""

_INDEX_FILE = "converted_models.json"


@dataclass(frozen=True)
class ReleasedModel:
    """A model of the 2023 release.

    Attributes:
        name: The name that the released toolkit knows it by.
        title: Its published name.
        archive: The folder of the release that it is in.
    """

    name: str
    title: str
    archive: str


RELEASED_MODELS = (
    ReleasedModel("mimic-iv-discharge_majority_overall", "Majority Overall", "mimic-iv-discharge_baseline-majority"),
    ReleasedModel(
        "mimic-iv-discharge_majority_keyword", "Majority Per Anchor", "mimic-iv-discharge_baseline-statistical"
    ),
    ReleasedModel(
        "mimic-iv-discharge_logistic-regression_context",
        "Logistic Regression (Context)",
        "mimic-iv-discharge_baseline-statistical",
    ),
    ReleasedModel(
        "mimic-iv-discharge_logistic-regression_keyword-context",
        "Logistic Regression (Context + Anchor)",
        "mimic-iv-discharge_baseline-statistical",
    ),
    ReleasedModel("mimic-iv-discharge_base-bert", "Base BERT", "mimic-iv-discharge_base-bert"),
    ReleasedModel("mimic-iv-discharge_clinical-bert", "Clinical BERT", "mimic-iv-discharge_clinical-bert"),
)
"""The models of the release, in the order of the paper's table."""


def is_released_name(name: object) -> bool:
    """Whether something is the name of a released model."""
    return any(model.name == name for model in RELEASED_MODELS)


def find_converted(name: str) -> Path | None:
    """The folder that a released model was converted to; None if it was not, or is there no more.

    A folder of that name in the current directory comes first, as for every model name; then the last conversion.
    """
    here = Path(name)
    remembered = _read_index().get(name)
    for folder in (here, *([Path(remembered)] if remembered else [])):
        if (folder / "config.json").is_file():
            return folder.absolute()
    return None


def how_to_get(name: str) -> str:
    """What a person can do who asked for a released model that is not converted yet."""
    archive = next(model.archive for model in RELEASED_MODELS if model.name == name)
    encoder = " --encoder FOLDER_OR_HUB_ID" if archive == name else ""
    return (
        f"{name} is a model of the 2023 release, and not converted on this machine. With PhysioNet credentials, "
        f"download {archive} from https://physionet.org/content/stigmatizing-language/, then: "
        f"stigma-hf convert {archive} --out FOLDER{encoder}"
    )


def locate(name: str) -> str:
    """What to load for a model name: the converted folder for a released name, any other name as it is.

    Raises:
        FileNotFoundError: If it is a released name and the model is not converted; the message says how to get it.
    """
    if not is_released_name(name):
        return name
    folder = find_converted(name)
    if folder is None:
        raise FileNotFoundError(how_to_get(name))
    return str(folder)


def remember(name: str, folder: Path) -> None:
    """Note where a released model was converted to, so that its name finds it; other names are not noted."""
    if not is_released_name(name):
        return
    index = index_file()
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        entries = {**_read_index(), name: str(folder.absolute())}
        write_whole(index, json.dumps(entries, indent=2) + "\n")
    except OSError as error:
        logger.warning("%s: cannot note where %s is (%s): give its folder instead", index, name, error.strerror)


def index_file() -> Path:
    """The file that says where converted models are: in `STIGMA_HF_HOME`, else beside the hub's cache."""
    from huggingface_hub import constants

    home = os.environ.get(HOME_VARIABLE)
    return (Path(home).expanduser() if home else Path(constants.HF_HOME) / "stigma_hf") / _INDEX_FILE


def _read_index() -> dict[str, str]:
    try:
        entries = json.loads(index_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in entries.items() if isinstance(v, str)} if isinstance(entries, dict) else {}
