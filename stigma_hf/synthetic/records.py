"""The marks that say of a folder that everything in it is invented."""

import json
from pathlib import Path
from typing import Any

_README = """\
# Synthetic data: nobody in it exists

Written by stigma_hf {version} (`stigma-hf synthesize --notes {notes} --seed {seed} --release {release}`). The
files have the names and columns of MIMIC-IV {release} and MIMIC-IV-Note 2.2, and the annotations the layout
of Harrigian et al. 2023. Every patient, stay and note is invented; nothing was copied or learned from
MIMIC-IV or from any record of care. Ids begin with 9 (patients), 8 (stays) and 7 (transfers), so none is an
id of MIMIC-IV.

{spans:,} annotated spans, {notes:,} notes ({annotated_notes:,} with annotations), {patients:,} patients
({annotated_patients:,} with annotations), {admissions:,} stays.

{likeness}

Notes are put together from ready-made parts around hand-written sentences. Medicine, times, ages, services
and units are drawn at random and mean nothing, and real notes are far more varied. Scores on this data say
that software works, not how a model does on notes.

No sentence of a validation or test patient is seen in training, in the split `released` of a 2.2 tree and
in the split `hash`, both with seed {split_seed}. Other seeds mix the sentences.
"""

_COMPLETE = """\
The annotated spans are as many as published for every anchor and label, the notes and patients for every
label, and the spans and patients of every label by sex and race."""
_SAMPLE = """\
This is a sample, smaller than the published data; its counts by anchor, label, sex and race are near the
published shares."""


def write_marks(folder: Path, record: dict[str, Any]) -> None:
    """Put `SYNTHETIC.md` and `provenance.json` into a folder.

    Args:
        folder: A folder with synthetic files.
        record: The provenance record; its counts and settings go into the text as well.
    """
    values = {**record, **record["counts"], "version": record["stigma_hf_version"]}
    text = _README.format(**values, likeness=_COMPLETE if record["is_complete"] else _SAMPLE)
    (folder / "SYNTHETIC.md").write_text(text, encoding="utf-8")
    (folder / "provenance.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
