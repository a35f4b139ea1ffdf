"""PURE: calls and usage in the OpenAPI description."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from bot.numbers import PHONE_NUMBER
from bot.record import Record
from bot.store_keys import SID
from providers.usage import Use

from .parts import SCHEMAS, body, counted, errors, object_, parameter, response

__all__ = ["paths", "schemas"]

_DIALLABLE = r"^(\+[1-9][0-9]{1,14}|(sip|client):\S+)$"


def paths() -> dict[str, Any]:
    """What can be asked, by path."""
    return {
        "/calls": {"get": _list()},
        "/calls/{sid}": {"parameters": [_sid()], "get": _show(), "delete": _delete()},
        "/calls/{sid}/hangup": {"parameters": [_sid()], "post": _hang_up()},
        "/calls/{sid}/transfer": {"parameters": [_sid()], "post": _transfer()},
        "/usage": {"get": _used()},
    }


def _list() -> dict[str, Any]:
    return {
        "operationId": "listCalls",
        "summary": "The latest calls, newest first",
        "parameters": [
            counted("limit", "How many calls", default=50, maximum=200),
            counted("before_ms", "Only calls that began before then, in ms since the epoch"),
            parameter(
                "before_sid",
                "With before_ms, the page after this call: also calls that began at before_ms, if"
                " they are listed after it",
                {"type": "string", "pattern": f"^{SID.pattern}$"},
            ),
        ],
        "responses": {
            "200": response(
                "Records of calls",
                object_({"calls": {"type": "array", "items": {"$ref": SCHEMAS + "Record"}}}),
            ),
            **errors(_FAULTS, "400", "401", "403", "503"),
        },
    }


def _used() -> dict[str, Any]:
    return {
        "operationId": "showUsage",
        "summary": "What all workers used speech providers for this month",
        "description": "`amount` is in ms of audio, or in characters; `usd` is by list prices.",
        "responses": {
            "200": response(
                "Each use of a provider",
                object_({"usage": {"type": "array", "items": TypeAdapter(Use).json_schema()}}),
            ),
            **errors(_FAULTS, "401", "403"),
        },
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "showCall",
        "summary": "A call's record and its log of events",
        "responses": {
            "200": response("The call", {"$ref": SCHEMAS + "Call"}),
            **errors(_FAULTS, "401", "403", "404", "503"),
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
            "200": response("It is deleted", object_(deleted)),
            **errors(_FAULTS, "401", "403", "404", "409", "500", "503"),
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
    schema = object_({"to": number, "caller_id": own}, required=["to"])
    return {
        "operationId": "transferCall",
        "summary": "Connect the caller to another number at once",
        "requestBody": body({**schema, "additionalProperties": False}),
        "responses": _commanded(
            "It is being transferred", "400", "401", "403", "404", "408", "409", "413", "503"
        ),
    }


def _commanded(done: str, *faults: str) -> dict[str, Any]:
    schema = object_({"sid": {"type": "string"}, "command": {"type": "string"}})
    return {"200": response(done, schema), **errors(_FAULTS, *faults)}


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


def schemas() -> dict[str, Any]:
    """What answers are made of."""
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
        "Call": {"allOf": [{"$ref": SCHEMAS + "Record"}, object_({"log": log})]},
    }


def _sid() -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^{SID.pattern}$"}
    return parameter("sid", "The call's SID at Twilio", schema, place="path")
