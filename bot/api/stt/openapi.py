"""PURE: the OpenAPI description of the HTTP part of the service.

Source: https://spec.openapis.org/oas/v3.1.1.html.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from bot.api.openapi.parts import SCHEMAS, body, object_, parameter, response

from . import schemas
from .answer_schemas import answers
from .faults import FAULTS
from .parameters import MOST_CHUNKS, PARAMETERS

__all__ = ["describe"]

_TEXT = {"type": "string"}
_EMPTY = {"const": "", "description": "As if it were not there"}
_COUNT = {"type": "integer", "minimum": 0}
_ID = {"type": "string", "format": "uuid"}
_ACCESS = (
    *("key_in_url", "unauthorized", "forbidden", "origin_refused", "rate_limited", "store_away"),
    "internal",
)
_WRONG = tuple(kind.code for kind in FAULTS.values() if kind.status == 400)
_GONE = ("session_not_found", "session_expired")
_LIMITS = ("too_many_sessions", "quota_used_up", "draining", "provider_failed")


def describe(server_url: str, *, keyless: bool = False) -> dict[str, Any]:
    """The HTTP part of the service at `server_url`, as OpenAPI 3.1.

    Args:
        server_url: of the deployment.
        keyless: whether this machine's programs need no key there.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Parley: streaming speech-to-text",
            "version": version("parley"),
            "summary": "Chunks of a session's audio over HTTP; the WebSockets are described by"
            " /stt/asyncapi.json",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url}],
        "security": [*([{}] if keyless else []), {"bearer": []}, {"header": []}],
        "paths": _paths(),
        "components": {"securitySchemes": _SECURITY, "schemas": answers()},
    }


_SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key, or a token; a worker with --dev, no PARLEY_API_KEY, and a public"
        " URL on loopback asks for none",
    },
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def _paths() -> dict[str, Any]:
    session = [parameter("id", "The session's id", _ID, place="path")]
    return {
        "/stt/openapi.json": {"get": _description("describe", "This document")},
        "/stt/asyncapi.json": {"get": _description("describeSockets", "The WebSockets")},
        "/stt/stream-chunk": {"post": _chunk()},
        "/stt/sessions/{id}": {"parameters": session, "get": _show(), "delete": _end()},
        "/stt/token": {"post": _token()},
        "/streaming/stats": {"get": _stats()},
        "/health": {"get": _health()},
    }


def _description(name: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {"200": response("The description", {"type": "object"})},
    }


def _chunk() -> dict[str, Any]:
    properties = {
        "audio_chunk": {
            "type": "string",
            "contentMediaType": "application/octet-stream",
            "minLength": 1,
            "description": "Audio, cut wherever the client likes; with is_final_chunk it may be"
            " left out",
        },
        "chunk_index": {
            "anyOf": [{**_COUNT, "maximum": MOST_CHUNKS}, _EMPTY],
            "description": "The chunk's number, from 0: what is sent again is not heard again",
        },
        "is_final_chunk": {
            "anyOf": [{"type": "boolean"}, _EMPTY],
            "description": "Nothing follows",
        },
        **{
            name: {"anyOf": [found.schema, _EMPTY], "description": found.meaning}
            for name, found in PARAMETERS.items()
            if name != "after"
        },
    }
    form = {
        "schema": {
            "type": "object",
            "properties": properties,
            "anyOf": [
                {"required": ["audio_chunk"]},
                {"required": ["is_final_chunk"], "properties": {"is_final_chunk": {"const": True}}},
            ],
        }
    }
    return {
        "operationId": "sendChunk",
        "summary": "The next piece of a session's audio",
        "description": "Without a `session_id`, or with a new one and the index 0, a session"
        " begins; what it is to be is asked for with its first chunk. The answer has what was"
        " understood since the one before. A chunk that is sent again gets its answer again. The"
        " last one's answer comes when everything is understood.",
        "requestBody": {"required": True, "content": {"multipart/form-data": form}},
        "responses": {
            "200": {
                **response("What was understood", {"$ref": SCHEMAS + "Chunk"}),
                "links": {
                    name: {
                        "operationId": name,
                        "parameters": {"id": "$response.body#/session_id"},
                    }
                    for name in ("showSession", "endSession")
                },
            },
            **_faults(
                *_ACCESS,
                *_WRONG,
                *_GONE,
                *_LIMITS,
                "too_fast",
                "message_too_large",
                "session_ended",
                "session_taken_over",
                "chunk_out_of_order",
                "chunk_conflict",
                "too_long",
                "idle",
            ),
        },
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "showSession",
        "summary": "How a session stands, and all that was understood in it",
        "parameters": [
            parameter(
                "after",
                "`results` begins with the final transcription that follows this `sequence`",
                {**_COUNT, "maximum": 10**15 - 1, "default": 0},
            )
        ],
        "responses": {
            "200": response("The session", {"$ref": SCHEMAS + "Session"}),
            **_faults(*_ACCESS, *_GONE, "session_ended", "unknown_parameter_value"),
        },
    }


def _end() -> dict[str, Any]:
    return {
        "operationId": "endSession",
        "summary": "End a session, and forget what was understood in it",
        "responses": {
            "200": response("It is gone", object_({"session_id": _ID, "deleted": {"const": True}})),
            **_faults(*_ACCESS, *_GONE, "session_ended"),
        },
    }


def _token() -> dict[str, Any]:
    asked = object_(
        {
            "expires_in_s": {"type": "integer", "minimum": 1, "maximum": 600, "default": 60},
            "origin": {
                "type": ["string", "null"],
                "description": "For pages of this origin alone",
                "examples": ["https://example.com"],
            },
        },
        required=[],
    )
    answer = object_({"token": _TEXT, "expires_at": {"type": "string", "format": "date-time"}})
    return {
        "operationId": "makeToken",
        "summary": "A token for a browser, which opens sessions for a short while",
        "requestBody": body({**asked, "additionalProperties": False}, required=False),
        "responses": {
            "201": response("The token; it is shown this once", answer),
            **_faults(
                *_ACCESS, "bad_message", "unknown_parameter_value", "message_too_large", "idle"
            ),
        },
    }


def _stats() -> dict[str, Any]:
    return {
        "operationId": "showStats",
        "summary": "How much the service is used, and how its recognizers do, on all workers",
        "responses": {
            "200": response("The sums", {"$ref": SCHEMAS + "Stats"}),
            **_faults(*_ACCESS),
        },
    }


def _health() -> dict[str, Any]:
    return {
        "operationId": "showHealth",
        "summary": "That this worker lives, and how its providers are",
        "security": [],
        "responses": {"200": response("It lives", {"$ref": SCHEMAS + "Health"})},
    }


def _faults(*codes: str) -> dict[str, Any]:
    """Answers that say what is wrong, by status."""
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(FAULTS[code].status, []).append(code)
    return {str(status): _fault(of) for status, of in sorted(by_status.items())}


def _fault(codes: list[str]) -> dict[str, Any]:
    meaning = "; ".join(f"`{code}`: {FAULTS[code].meaning}" for code in codes)
    return response(meaning, schemas.error(codes))
