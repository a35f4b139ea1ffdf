"""A stand-in of Twilio's REST API for each test, and the document that describes the real one."""

from __future__ import annotations

from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from openapi_core import Config, OpenAPI

from .fixtures import server, twilio

__all__ = ["api", "document", "server", "twilio"]

DOCUMENT = Path(__file__).resolve().parents[4] / "shared/protocols/twilio_api_v2010.json"


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """Twilio's OpenAPI document (github.com/twilio/twilio-oai); skips where it is not."""
    if not DOCUMENT.is_file():
        pytest.skip(f"no OpenAPI document at {DOCUMENT}")
    read: dict[str, Any] = orjson.loads(DOCUMENT.read_bytes())
    return read


@pytest.fixture(scope="session")
def api(document: dict[str, Any]) -> OpenAPI:
    """The document as a judge: every key that it names has to be there, and no other."""
    for schema in document["components"]["schemas"].values():
        for of_key in schema.get("properties", {}).values():
            if of_key.get("format") == "uri-map":
                of_key["additionalProperties"] = True
    # Whether the document itself is right takes long to find out, and is for Twilio to see to.
    config: Config = Config(
        spec_validator_cls=None,
        extra_format_validators={"date-time-rfc-2822": _is_rfc2822},
        additional_properties_default_policy="forbid",
        response_properties_default_policy="required",
    )
    return OpenAPI.from_dict(document, config=config)


def _is_rfc2822(text: object) -> bool:
    if not isinstance(text, str):
        return True
    try:
        return format_datetime(parsedate_to_datetime(text)) == text and text.endswith(" +0000")
    except ValueError:
        return False
