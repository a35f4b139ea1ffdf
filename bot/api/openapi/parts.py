"""PURE: what descriptions of all subjects are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

__all__ = ["SCHEMAS", "body", "counted", "errors", "object_", "parameter", "response"]

SCHEMAS = "#/components/schemas/"
JSON = "application/json"


def object_(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    """An object; what is `required` of it is all, if nothing else is said."""
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


def response(text: str, schema: dict[str, Any], media_type: str = JSON) -> dict[str, Any]:
    """An answer."""
    return {"description": text, "content": {media_type: {"schema": schema}}}


def errors(faults: Mapping[str, str], *statuses: str) -> dict[str, Any]:
    """Answers that say what is wrong, by status; `faults` says what each means."""
    return {status: response(faults[status], {"$ref": SCHEMAS + "Error"}) for status in statuses}


def body(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    """A request's body in JSON."""
    return {"required": required, "content": {JSON: {"schema": schema}}}


def counted(name: str, text: str, **bounds: int) -> dict[str, Any]:
    """A positive whole number in the query."""
    return parameter(name, text, {"type": "integer", "minimum": 1, **bounds})


def parameter(
    name: str, text: str, schema: dict[str, Any], *, place: Literal["query", "path"] = "query"
) -> dict[str, Any]:
    """A part of the address; one in the path is always there."""
    required = {"required": True} if place == "path" else {}
    return {"name": name, "in": place, **required, "description": text, "schema": schema}
