"""PURE: JSON schemas of what clients say and are told, made of what says and reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from .controls import CONTROL_TYPES
from .faults import FAULTS
from .messages import ASR_MESSAGES, SERVER_MESSAGES
from .parameters import ASR_NAMES, ASR_PARAMETERS, PARAMETERS

__all__ = ["asr_config", "control", "controls", "error", "messages", "name_of", "query"]

SCHEMAS = "#/components/schemas/"
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def messages() -> dict[str, Any]:
    """Every message of the service but errors, and what they are made of, by the class's name."""
    return exact([*SERVER_MESSAGES, *ASR_MESSAGES])


def exact(kinds: Iterable[type]) -> dict[str, Any]:
    """Schemas of dataclasses of which all fields are always there, and nothing else."""
    asked: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        (kind.__name__, "serialization", TypeAdapter(kind)) for kind in kinds
    ]
    _, found = TypeAdapter.json_schemas(asked, ref_template=SCHEMAS + "{model}")
    return {name: _exact(schema) for name, schema in found["$defs"].items()}


def _exact(schema: dict[str, Any]) -> dict[str, Any]:
    text, _, attributes = schema.get("description", "").partition("\n\nAttributes:\n")
    meanings = {
        match[1]: " ".join(match[2].split()).rstrip(".")
        for match in _ATTRIBUTE.finditer(attributes)
    }
    properties = {}
    for name, of in schema["properties"].items():
        plain = {key: value for key, value in of.items() if key not in ("title", "default")}
        meaning = {"description": meanings[name]} if name in meanings else {}
        properties[name] = {**plain, **meaning}
    return {
        "type": "object",
        "description": " ".join(text.split()),
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def name_of(kind: type) -> str:
    """What a message's `type` says."""
    return str(kind.__dataclass_fields__["type"].default)  # type: ignore[attr-defined]


def error(codes: Iterable[str] = FAULTS, *, text: str = "error", kind: str = "") -> dict[str, Any]:
    """What is told of an error.

    Args:
        codes: which ones may come.
        text: the name under which it says what is wrong.
        kind: its `type`, on a WebSocket.
    """
    properties: dict[str, Any] = {
        **({"type": {"const": kind}} if kind else {}),
        text: {"type": "string", "description": "What is wrong, and what to change"},
        "code": {"type": "string", "enum": list(codes)},
        "timestamp": {"type": "number", "minimum": 0, "description": "The Unix time, in seconds"},
    }
    required = list(properties)
    properties["allowed"] = {
        "type": ["array", "object"],
        "description": "What would have been right, where that can be listed",
    }
    properties["retry_after_s"] = {
        "type": "number",
        "minimum": 0,
        "description": "When it may go better, in seconds",
    }
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def query() -> dict[str, Any]:
    """The query of `/stt/stream`. What else it has is ignored, and told."""
    properties = {
        name: {**parameter.schema, "description": parameter.meaning}
        for name, parameter in PARAMETERS.items()
    }
    return {"type": "object", "properties": properties}


def controls() -> dict[str, Any]:
    """What clients say in JSON, by its `type`."""
    return {name: control(name) for name in CONTROL_TYPES}


def control(name: str) -> dict[str, Any]:
    """One of what clients say in JSON."""
    if name == "config":
        return _config()
    properties: dict[str, Any] = {"type": {"const": name}}
    if name == "audio":
        properties["audio"] = {"type": "string", "contentEncoding": "base64"}
    return {
        "type": "object",
        "description": CONTROL_TYPES[name],
        "properties": properties,
        "required": list(properties),
    }


def _config() -> dict[str, Any]:
    """A `config` message within a session of `/stt/stream`."""
    properties = {
        parameter.name: {
            **parameter.schema,
            "description": parameter.meaning
            + ("" if parameter.changeable == "always" else "; only before any audio"),
        }
        for parameter in PARAMETERS.values()
        if parameter.changeable
    }
    return {
        "type": "object",
        "description": CONTROL_TYPES["config"],
        "properties": {"type": {"const": "config"}, **properties},
        "required": ["type"],
    }


def asr_config() -> dict[str, Any]:
    """The first message of `/ws/asr-stream`, as it is best written."""
    names = {meant: name for name, meant in ASR_NAMES.items()}
    return {
        "type": "object",
        "description": "What the session is to be. It may be wrapped, as in {config: …} or"
        " {streaming_config: {config: …}}, and its names may be in camel case. What else it has"
        " is ignored, and told",
        "properties": {
            names.get(name, name): {
                **PARAMETERS[name].schema,
                "description": PARAMETERS[name].meaning,
            }
            for name in ASR_PARAMETERS
        },
    }
