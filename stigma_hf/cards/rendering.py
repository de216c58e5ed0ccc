"""From metadata and a template to the text of a card, checked as far as a hub's rules are known without asking it."""

import re
from typing import TYPE_CHECKING, Any

from stigma_hf.errors import UsageError
from stigma_hf.reporting.wording import count, number, with_interval

if TYPE_CHECKING:
    from huggingface_hub import CardData, RepoCard

_FIELD_KINDS = {"text", "checkbox", "date_picker", "country"}
_LICENSE_ID = re.compile(r"[a-z0-9][a-z0-9.-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def render_card(kind: "type[RepoCard]", data: "CardData", template: str, values: dict[str, Any]) -> str:
    """The text of a card: front matter, then the template filled in.

    Args:
        kind: `ModelCard` or `DatasetCard`.
        data: The metadata.
        template: Name of a file in `stigma_hf/resources/cards`.
        values: What the template needs.

    Raises:
        UsageError: If the metadata breaks a rule of the hub.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("stigma_hf", "resources/cards"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "interval": with_interval, "count": count, "cell": _cell}
    text = f"---\n{data.to_yaml()}\n---\n\n{environment.get_template(template).render(values)}"
    check_card(kind(text))
    return text


def check_card(card: "RepoCard") -> None:
    """Check the metadata of a card: what the hub refuses or warns of, where it can be told without a network.

    Args:
        card: A card of `huggingface_hub`, whose own classes have read it already.

    Raises:
        UsageError: At the first rule that is broken.
    """
    data = card.data.to_dict()
    _check_license(data)
    for language in _listed(data.get("language")):
        if not _LANGUAGE.fullmatch(language):
            raise UsageError(f"card: expected ISO 639 codes as language, found {language!r}")
    _check_ids(data)
    _check_gate(data)


def _check_license(data: dict[str, Any]) -> None:
    name, link = data.get("license_name"), data.get("license_link")
    if "license" not in data:
        raise UsageError("card: expected a license, found none")
    if data["license"] == "other" and not _LICENSE_ID.fullmatch(str(name)):
        raise UsageError(
            "card: expected a license_name of lower-case letters, digits, dots and dashes with license 'other', "
            f"found {name!r}"
        )
    if data["license"] == "other" and not str(link).startswith("https://"):
        raise UsageError(f"card: expected an https link as license_link with license 'other', found {link!r}")


def _check_ids(data: dict[str, Any]) -> None:
    """Check what has to be ids of repositories."""
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    for key in ("base_model", "datasets"):
        for name in _listed(data.get(key)):
            try:
                validate_repo_id(name)
            except HFValidationError as error:
                raise UsageError(f"card: expected ids of repositories as {key}, found {name!r}") from error


def _check_gate(data: dict[str, Any]) -> None:
    for question, asked in (data.get("extra_gated_fields") or {}).items():
        kind = asked.get("type") if isinstance(asked, dict) else asked
        is_choice = kind == "select" and isinstance(asked, dict) and bool(asked.get("options"))
        if kind not in _FIELD_KINDS and not is_choice:
            kinds = ", ".join(sorted(_FIELD_KINDS))
            raise UsageError(f"card: expected {question!r} to be {kinds}, or select with options; found {kind!r}")


def _listed(value: object) -> list[str]:
    """A value of metadata that may be one thing or several."""
    return [] if value is None else [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _cell(text: object) -> str:
    """Text that does not end the cell of a table."""
    return str(text).replace("|", "\\|")
