"""The invented notes that come with the package, under names that say what they are about."""

from functools import cache

from stigma_hf.tasks import RESOURCES

_HEADING = "Chief Complaint:\n"


@cache
def example_notes() -> dict[str, str]:
    """Name to note."""
    files = sorted((RESOURCES / "notes").iterdir(), key=lambda file: file.name)
    notes = [file.read_text(encoding="utf-8") for file in files]
    return {f"{number}: {_complaint(note)}": note for number, note in enumerate(notes, start=1)}


def _complaint(note: str) -> str:
    return note.partition(_HEADING)[2].partition("\n")[0]
