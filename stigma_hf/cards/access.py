"""Under which licence something is shared, and what a person who asks for access is asked."""

from typing import Any

from stigma_hf.errors import UsageError
from stigma_hf.publishing.provenance import MAY_BE_PUBLIC, Origin

LICENSE = "PhysioNet Credentialed Health Data License 1.5.0"
LICENSE_ID = "physionet-credentialed-health-data-license-1.5.0"
LICENSE_LINK = "https://physionet.org/about/licenses/physionet-credentialed-health-data-license-150/"
RESOURCE = "https://physionet.org/content/stigmatizing-language/1.0.0/"
OPEN_LICENSE = "apache-2.0"

_PROMPT = (
    "{what} patients' notes. Access is granted by hand, to credentialed users of PhysioNet who have signed the data "
    "use agreements of MIMIC-IV, MIMIC-IV-Note and Characterization of Stigmatizing Language in Medical Records. "
    "Whoever is granted access is bound by these agreements here as well."
)
_CREDENTIALS = {
    "Name": "text",
    "Affiliation": "text",
    "PhysioNet profile (user name or link)": "text",
    "I am a credentialed user of PhysioNet": "checkbox",
    "I have signed the data use agreements named above and keep to them": "checkbox",
    "I will not try to identify any patient, clinician or institution": "checkbox",
    "I will not pass the files on": "checkbox",
}
_OPEN_PROMPT = (
    "No text of a patient's note went into this repository; it is shared by hand all the same, with people who say "
    "who they are."
)
_OPEN_FIELDS = {
    "Name": "text",
    "Affiliation": "text",
    "I will not use it for decisions about patients or clinicians": "checkbox",
}


def license_metadata(origin: Origin) -> dict[str, Any]:
    """The licence as the metadata of a card; what nobody knows the origin of counts as made from patients' notes."""
    if origin in MAY_BE_PUBLIC:
        return {"license": OPEN_LICENSE}
    return {"license": "other", "license_name": LICENSE_ID, "license_link": LICENSE_LINK}


def gate_metadata(origin: Origin, is_gated: bool, what: str) -> dict[str, Any]:
    """What people are asked before they get access, as the metadata of a card; nothing if it is not gated.

    Args:
        origin: What it was made from.
        is_gated: Whether requests for access are approved by hand.
        what: The beginning of a sentence that ends in "patients' notes".

    Raises:
        UsageError: If it may not be without a gate.
    """
    is_open = origin in MAY_BE_PUBLIC
    if not is_gated and not is_open:
        reason = "made from patients' notes" if origin is Origin.PATIENTS else "of unknown origin"
        raise UsageError(f"expected something that may be public, found one {reason}: its card always has a gate")
    if not is_gated:
        return {}
    return {
        "extra_gated_heading": "Access on request" if is_open else "Credentialed access",
        "extra_gated_prompt": _OPEN_PROMPT if is_open else _PROMPT.format(what=what),
        "extra_gated_fields": dict(_OPEN_FIELDS if is_open else _CREDENTIALS),
    }
