"""PURE: the AsyncAPI description of the two WebSockets.

Sources: https://www.asyncapi.com/docs/reference/specification/v3.0.0 and the WebSockets binding
0.1.0 (https://github.com/asyncapi/bindings/tree/master/websockets).
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from . import schemas
from .controls import CONTROL_TYPES
from .faults import FAULTS
from .messages import ASR_MESSAGES, SERVER_MESSAGES
from .schemas import SCHEMAS, name_of

__all__ = ["ASR_PATH", "STREAM_PATH", "describe"]

STREAM_PATH, ASR_PATH = "/stt/stream", "/ws/asr-stream"
_MESSAGES = "#/components/messages/"
_ASR_CONTROLS = ("end", "audio", "finalize", "keepalive")


def describe(server_url: str) -> dict[str, Any]:
    """The WebSockets at `server_url` (the deployment's, http or https), as AsyncAPI 3.0."""
    url = urlsplit(server_url)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Parley: streaming speech-to-text",
            "version": version("parley"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "parley": {
                "host": url.netloc,
                "protocol": "wss" if url.scheme == "https" else "ws",
                "security": [
                    {"$ref": f"#/components/securitySchemes/{name}"} for name in _security()
                ],
            }
        },
        "channels": {"stream": _stream(), "asrStream": _asr_stream()},
        "operations": _operations(),
        "components": {
            "messages": _messages(),
            "schemas": _schemas(),
            "securitySchemes": _security(),
        },
    }


_ABOUT = (
    "Operations are the service's: it `receive`s what clients send, and `send`s what they get. A"
    " worker with --dev, a public URL on loopback and no PARLEY_API_KEY asks for no key; else keys"
    " are in a header or in a subprotocol, never in an address. What is wrong before a session"
    " begins is answered by an error message and the close (who may not, by HTTP 401, 403 or 429,"
    " and a key in the address, or a missing subprotocol, by 400, unless there is an Origin:"
    " browsers do not show these). A client that is too fast is not read for a"
    " while, and one that is gone may resume its session for a while; one that it has closed is"
    " not gone on with, but what of it was missed is told, from session_started to session_ended."
    " A wrong message or config within a session is answered by an error, and changes nothing."
)


def _stream() -> dict[str, Any]:
    return {
        "address": STREAM_PATH,
        "title": "Streaming speech-to-text",
        "description": "The service begins with session_started. Audio is binary messages. Who"
        " resumes a session drops the finals of greater numbers than the `sequence` of"
        " session_started: they were lost with a worker, and what is said from `audio_ms` on is"
        " told anew under those numbers. An utterance in which a connection is lost is not cut by"
        " that: `audio_ms` is where its recognizer waits, 30 s long, or from where on all of it is"
        " to be sent again. If its client does not come back, it is made final after these.",
        "messages": _references(_STREAM_SAID, _STREAM_TOLD),
        "bindings": {"ws": {**_binding(), "query": schemas.query()}},
        "x-close-codes": _closes(),
    }


def _asr_stream() -> dict[str, Any]:
    return {
        "address": ASR_PATH,
        "title": "Streaming speech-to-text for clients of other services",
        "description": "The client begins with its configuration, which `metadata` answers. Audio"
        " is binary messages; an empty one ends it, as `end` does, and as some seconds without"
        " any do. `complete` comes when all is told.",
        "messages": _references(_ASR_SAID, _ASR_TOLD),
        "bindings": {"ws": _binding()},
        "x-close-codes": _closes(),
    }


def _binding() -> dict[str, Any]:
    subprotocol = {
        "type": "string",
        "description": "For clients that can send no other header, as browsers: parley.stt.v1,"
        " which the service answers, and the key or a token",
        "examples": ["parley.stt.v1, parley.auth.KEY_OR_TOKEN"],
    }
    headers = {"type": "object", "properties": {"Sec-WebSocket-Protocol": subprotocol}}
    return {"method": "GET", "headers": headers, "bindingVersion": "0.1.0"}


def _closes() -> list[dict[str, Any]]:
    """Why the service closes; the reason is an error's code, which an error message explains."""
    ended = {"code": 1000, "reason": "client", "meaning": "the client has, all is told"}
    faults = (kind for kind in FAULTS.values() if kind.ends)
    return [
        ended,
        *({"code": kind.close, "reason": kind.code, "meaning": kind.meaning} for kind in faults),
    ]


_STREAM_SAID = ("binaryAudio", *(f"{name}Control" for name in CONTROL_TYPES))
_STREAM_TOLD = (*(kind.__name__ for kind in SERVER_MESSAGES), "StreamError")
_ASR_SAID = ("asrConfig", "binaryAudio", *(f"{name}Control" for name in _ASR_CONTROLS))
_ASR_TOLD = (*(kind.__name__ for kind in ASR_MESSAGES), "AsrError")


def _references(*names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"$ref": _MESSAGES + name} for part in names for name in part}


def _operations() -> dict[str, Any]:
    return {
        "hear": _operation("receive", "stream", _STREAM_SAID, "Audio, and what to do with it"),
        "tell": _operation("send", "stream", _STREAM_TOLD, "What was understood"),
        "hearAsr": _operation("receive", "asrStream", _ASR_SAID, "Configuration, then audio"),
        "tellAsr": _operation("send", "asrStream", _ASR_TOLD, "What was understood"),
    }


def _operation(action: str, channel: str, names: tuple[str, ...], summary: str) -> dict[str, Any]:
    place = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": place},
        "summary": summary,
        "messages": [{"$ref": f"{place}/messages/{name}"} for name in names],
    }


def _messages() -> dict[str, Any]:
    told = {
        kind.__name__: _message(name_of(kind), kind.__name__)
        for kind in (*SERVER_MESSAGES, *ASR_MESSAGES)
    }
    said = {f"{name}Control": _message(name, f"{name}Control") for name in CONTROL_TYPES}
    audio = {
        "name": "audio",
        "contentType": "application/octet-stream",
        "summary": "Audio in the session's encoding, cut wherever the client likes",
        "payload": {"type": "string", "format": "binary"},
    }
    return {
        "binaryAudio": audio,
        **said,
        "asrConfig": _message("config", "asrConfig"),
        **told,
        "StreamError": _message("error", "StreamError"),
        "AsrError": _message("error", "AsrError"),
    }


def _message(name: str, schema: str) -> dict[str, Any]:
    return {"name": name, "payload": {"$ref": SCHEMAS + schema}}


def _schemas() -> dict[str, Any]:
    return {
        **schemas.messages(),
        **{f"{name}Control": schema for name, schema in schemas.controls().items()},
        "asrConfig": schemas.asr_config(),
        "StreamError": schemas.error(kind="error"),
        "AsrError": schemas.error(kind="error", text="detail"),
    }


def _security() -> dict[str, Any]:
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
        "header": {"type": "httpApiKey", "name": "X-API-Key", "in": "header"},
    }
