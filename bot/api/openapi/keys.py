"""PURE: keys of the speech-to-text service in the OpenAPI description."""

from __future__ import annotations

from typing import Any

from bot.api.keys.draft import KeyDraft
from bot.api.keys.secret import ID
from bot.api.keys.types import SCOPES

from .parts import SCHEMAS, body, errors, object_, parameter, response

__all__ = ["paths", "schemas"]

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_ORIGIN = r"^https?://[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:[1-9][0-9]{0,3})?$"
_KEY = {"$ref": SCHEMAS + "Key"}
_FAULTS = {
    "400": "What was asked is not well-formed; the message has a line for each fault",
    "401": "The API key is missing or wrong",
    "403": "The API is closed: the worker has no PARLEY_API_KEY",
    "404": "There is no such key",
    "408": "The body did not come in time",
    "409": "There are as many keys as there may be",
    "413": "The body is too large",
    "503": "Redis is away",
}


def paths() -> dict[str, Any]:
    """What can be asked, by path."""
    key = parameter("id", "The key's public part", {"type": "string"}, place="path")
    return {
        "/keys": {"get": _list(), "post": _create()},
        "/keys/{id}": {"parameters": [key], "delete": _revoke()},
    }


def schemas() -> dict[str, Any]:
    """The schemas that they name."""
    draft = KeyDraft.model_json_schema()
    draft["properties"]["origins"]["items"]["pattern"] = _ORIGIN
    del draft["properties"]["scopes"]["uniqueItems"]  # twice is once
    return {"KeyDraft": draft, "Key": _key()}


def _key() -> dict[str, Any]:
    limit = {"type": ["integer", "null"], "minimum": 1, "description": "null is no limit"}
    moment = {"type": ["integer", "null"], "description": "In ms since the epoch"}
    used = {"open_sessions": _COUNT, "audio_s_today": {"type": "number", "minimum": 0}}
    required = {
        "id": {"type": "string", "pattern": f"^{ID}$"},
        "name": _TEXT,
        "scopes": {"type": "array", "items": {"enum": sorted(SCOPES)}},
        "per_minute": limit,
        "sessions": limit,
        "audio_s_per_day": limit,
        "origins": {"type": "array", "items": _TEXT},
        "created_ms": _COUNT,
        "used_ms": moment,
        "revoked_ms": moment,
    }
    return object_({**required, **used}, list(required))


def _list() -> dict[str, Any]:
    return {
        "operationId": "listKeys",
        "summary": "All keys, newest first, and what is used of them",
        "description": "Revoked ones are listed for 30 days.",
        "responses": {
            "200": response("Keys", object_({"keys": {"type": "array", "items": _KEY}})),
            **errors(_FAULTS, "401", "403", "503"),
        },
    }


def _create() -> dict[str, Any]:
    made = {"allOf": [_KEY, object_({"key": _TEXT})]}
    return {
        "operationId": "createKey",
        "summary": "Make a key for the speech-to-text service",
        "description": "All of it, `key`, is shown this once: a digest of it is kept.",
        "requestBody": body({"$ref": SCHEMAS + "KeyDraft"}),
        "responses": {
            "201": response("The key", made),
            **errors(_FAULTS, "400", "401", "403", "408", "409", "413", "503"),
        },
    }


def _revoke() -> dict[str, Any]:
    return {
        "operationId": "revokeKey",
        "summary": "Have a key be good for nothing; its open sessions end within seconds",
        "responses": {
            "200": response("It is revoked", object_({"revoked": _TEXT})),
            **errors(_FAULTS, "401", "403", "404", "503"),
        },
    }
