"""Keep fitted temperatures in the folders of their models."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from stigma_hf.errors import UsageError
from stigma_hf.evaluation.temperature import Calibration, store_temperatures


def store_in_folders(calibrations: Mapping[str, Mapping[str, Calibration]]) -> Iterator[str]:
    """Write temperatures to the configurations of models, and say of each model what became of them.

    A temperature that the validation spans could not settle is not stored.

    Args:
        calibrations: Folder of a model to task to its calibration.
    """
    from transformers import AutoConfig

    for path, of_tasks in calibrations.items():
        folder = Path(path).expanduser()
        if not folder.is_dir():
            yield f"{path}: is no folder on this machine; its temperatures are in the report only"
            continue
        config = AutoConfig.from_pretrained(folder)
        if not hasattr(config, "temperature"):
            yield f"{path}: a model of this kind keeps no temperature; they are in the report only"
            continue
        stored = [task for task, calibration in of_tasks.items() if not calibration.is_at_end]
        store_temperatures(config, of_tasks)
        try:
            config.save_pretrained(folder)
        except OSError as error:
            raise UsageError(f"{folder}: cannot be written: {error.strerror}") from error
        yield f"{path}: stored the temperature of {', '.join(stored) or 'no task'}"
