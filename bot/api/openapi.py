"""PURE: the OpenAPI description of the JSON API.

Source: https://spec.openapis.org/oas/v3.1.1.html.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from bot.numbers import PHONE_NUMBER
from bot.record import Record
from bot.store_keys import SID
from providers.usage import Use

__all__ = ["describe"]

SCHEMAS = "#/components/schemas/"
JSON = "application/json"
_DIALLABLE = r"^(\+[1-9][0-9]{1,14}|(sip|client):\S+)$"


def describe(server_url: str) -> dict[str, Any]:
    """The API at `server_url` as an OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Parley",
            "version": version("parley"),
            "summary": "Calls of a telephone voice-bot worker",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url}],
        "security": [{"key": []}],
        "paths": {
            "/openapi.json": {"get": _description()},
            "/calls": {"get": _list()},
            "/calls/{sid}": {"parameters": [_sid()], "get": _show(), "delete": _delete()},
            "/calls/{sid}/hangup": {"parameters": [_sid()], "post": _hang_up()},
            "/calls/{sid}/transfer": {"parameters": [_sid()], "post": _transfer()},
            "/usage": {"get": _used()},
        },
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "PARLEY_API_KEY; a worker with --dev, no key, and a public URL"
                    " on loopback asks for none",
                }
            },
            "schemas": _schemas(),
        },
    }


def _description() -> dict[str, Any]:
    return {
        "operationId": "describe",
        "summary": "This document",
        "security": [],
        "responses": {"200": _response("The description", {"type": "object"})},
    }


def _list() -> dict[str, Any]:
    return {
        "operationId": "listCalls",
        "summary": "The latest calls, newest first",
        "parameters": [
            _query("limit", "How many calls", {"default": 50, "maximum": 200}),
            _query("before_ms", "Only calls that began before then, in ms since the epoch", {}),
            {
                "name": "before_sid",
                "in": "query",
                "description": "With before_ms, the page after this call: also calls that began at"
                " before_ms, if they are listed after it",
                "schema": {"type": "string", "pattern": f"^{SID.pattern}$"},
            },
        ],
        "responses": {
            "200": _response(
                "Records of calls",
                _object({"calls": {"type": "array", "items": {"$ref": SCHEMAS + "Record"}}}),
            ),
            **_errors("400", "401", "403", "503"),
        },
    }


def _used() -> dict[str, Any]:
    return {
        "operationId": "showUsage",
        "summary": "What all workers used speech providers for this month",
        "description": "`amount` is in ms of audio, or in characters; `usd` is by list prices.",
        "responses": {
            "200": _response(
                "Each use of a provider",
                _object({"usage": {"type": "array", "items": TypeAdapter(Use).json_schema()}}),
            ),
            **_errors("401", "403"),
        },
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "showCall",
        "summary": "A call's record and its log of events",
        "responses": {
            "200": _response("The call", {"$ref": SCHEMAS + "Call"}),
            **_errors("401", "403", "404", "503"),
        },
    }


def _delete() -> dict[str, Any]:
    paths = {"type": "array", "items": {"type": "string"}}
    deleted = {"deleted": {"type": "string"}, "recordings": paths, "missing": paths}
    return {
        "operationId": "deleteCall",
        "summary": "Delete what is kept of a call that has ended",
        "description": "The record, the log and the recordings that are on this worker's machine;"
        " `missing` names those that are not.",
        "responses": {
            "200": _response("It is deleted", _object(deleted)),
            **_errors("401", "403", "404", "409", "500", "503"),
        },
    }


def _hang_up() -> dict[str, Any]:
    return {
        "operationId": "hangUpCall",
        "summary": "Hang up at once, in mid-sentence if need be",
        "responses": _commanded("It is being hung up", "401", "403", "404", "409", "503"),
    }


def _transfer() -> dict[str, Any]:
    number = {"type": "string", "pattern": _DIALLABLE, "examples": ["+15551234567"]}
    own = {"type": ["string", "null"], "pattern": PHONE_NUMBER}
    schema = _object({"to": number, "caller_id": own}, required=["to"])
    body = {**schema, "additionalProperties": False}
    return {
        "operationId": "transferCall",
        "summary": "Connect the caller to another number at once",
        "requestBody": {"required": True, "content": {JSON: {"schema": body}}},
        "responses": _commanded(
            "It is being transferred", "400", "401", "403", "404", "408", "409", "413", "503"
        ),
    }


def _commanded(done: str, *errors: str) -> dict[str, Any]:
    schema = _object({"sid": {"type": "string"}, "command": {"type": "string"}})
    return {"200": _response(done, schema), **_errors(*errors)}


_FAULTS = {
    "400": "What was asked is not well-formed",
    "401": "The API key is missing or wrong",
    "403": "The API is closed: the worker has no PARLEY_API_KEY",
    "404": "There is no such call",
    "408": "The body did not come in time",
    "409": "The call has ended, or, to be deleted, is in progress",
    "413": "The body is too large",
    "500": "A recording could not be deleted",
    "503": "Redis is away, or neither a worker nor Twilio has confirmed the command",
}


def _errors(*statuses: str) -> dict[str, Any]:
    return {status: _response(_FAULTS[status], {"$ref": SCHEMAS + "Error"}) for status in statuses}


def _schemas() -> dict[str, Any]:
    record = TypeAdapter(Record).json_schema(mode="serialization", ref_template=SCHEMAS + "{model}")
    parts = record.pop("$defs")
    log = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"kind": {"type": "string"}, "at_ms": {"type": "integer"}},
            "required": ["kind", "at_ms"],
        },
    }
    return {
        **parts,
        "Record": {**record, "description": "What is kept of a call"},
        "Call": {"allOf": [{"$ref": SCHEMAS + "Record"}, _object({"log": log})]},
        "Error": _object({"error": {"type": "string"}}),
    }


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


def _response(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {JSON: {"schema": schema}}}


def _query(name: str, text: str, bounds: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, **bounds}
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _sid() -> dict[str, Any]:
    return {
        "name": "sid",
        "in": "path",
        "required": True,
        "description": "The call's SID at Twilio",
        "schema": {"type": "string", "pattern": f"^{SID.pattern}$"},
    }
