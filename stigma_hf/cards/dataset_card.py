"""The card of the data set: front matter with the licence, the gate and the files, then the text."""

from collections.abc import Mapping, Sequence

from stigma_hf.cards.access import LICENSE, LICENSE_LINK, RESOURCE, gate_metadata, license_metadata
from stigma_hf.cards.published import PAPER, label_rows, population
from stigma_hf.cards.rendering import render_card
from stigma_hf.publishing.provenance import Origin
from stigma_hf.synthetic.published import NOTES, PATIENTS, SPANS, annotator_overlap
from stigma_hf.tasks import load_tasks


def render_dataset_card(
    layout: Mapping[str, Sequence[str]], is_synthetic: bool = False, is_gated: bool | None = None
) -> str:
    """The card of a folder of spans or matches.

    Args:
        layout: Configuration name to its splits.
        is_synthetic: Whether the patients are invented.
        is_gated: Whether the repository approves requests for access by hand; only where patients are real when None.

    Raises:
        UsageError: If real patients' data shall have no gate.
    """
    from huggingface_hub import DatasetCard, DatasetCardData

    origin = Origin.SYNTHETIC if is_synthetic else Origin.PATIENTS
    data = DatasetCardData(
        **license_metadata(origin),
        pretty_name="Stigmatizing language in MIMIC-IV" + (" (synthetic)" if is_synthetic else ""),
        language=["en"],
        annotations_creators=None if is_synthetic else ["expert-generated"],
        task_categories=["text-classification"],
        tags=["clinical-notes", "stigmatizing-language", "health-equity", *(["synthetic"] if is_synthetic else [])],
        **gate_metadata(origin, not is_synthetic if is_gated is None else is_gated, "These rows hold text of"),
        configs=[
            {
                "config_name": name,
                **({"default": True} if name == "all" else {}),
                "data_files": [{"split": at, "path": f"{name}/{at}.parquet"} for at in splits],
            }
            for name, splits in layout.items()
            if splits
        ],
    )
    values = {
        "is_synthetic": is_synthetic,
        "tasks": {
            task.id: {"about": task, "labels": label_rows(task.id, task.labels)} for task in load_tasks().values()
        },
        "population": population(),
        "overlap": annotator_overlap(),
        "totals": {"spans": SPANS, "notes": NOTES, "patients": PATIENTS},
        "license": LICENSE,
        "license_link": LICENSE_LINK,
        "resource": RESOURCE,
        "paper": PAPER,
    }
    return render_card(DatasetCard, data, "dataset.md.jinja", values)
