"""PURE: the messages of Azure's WebSocket protocol ("USP"), which its Speech SDKs speak.

Microsoft does not publish it: this is what the SDKs send and take
(https://github.com/microsoft/cognitive-services-speech-sdk-js, `src/common.speech`).

A message is headers and a body. In a text message an empty line is between them, in a binary one
the headers' length comes first, in two bytes, big-endian. What belongs to one turn, which is one
recognition or one text, has its id in `X-RequestId`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from .codec import Frame
from .errors import InvalidResponseError
from .messages import read

__all__ = ["JSON", "UspMessage", "binary_message", "json_message", "read_usp", "speech_config"]
__all__ += ["text_message"]

JSON = "application/json"
_LINE = "\r\n"


@dataclass(frozen=True, slots=True)
class UspMessage:
    """What the service said.

    Attributes:
        headers: names are in lower case.
        body: text of a text message, bytes of a binary one.
    """

    headers: Mapping[str, str]
    body: str | bytes = field(repr=False)

    @property
    def path(self) -> str:
        """What kind of message it is, in lower case."""
        return self.headers.get("path", "").lower()

    @property
    def request_id(self) -> str:
        """Of which turn it is."""
        return self.headers.get("x-requestid", "").lower()

    def json(self, provider: str) -> dict[str, Any]:
        """Its body.

        Raises:
            InvalidResponseError: it is no JSON object.
        """
        return read(provider, self.body)


def read_usp(provider: str, frame: Frame) -> UspMessage:
    """Read a message; there may be a space after a header's colon.

    Raises:
        InvalidResponseError: it is none.
    """
    if isinstance(frame, str):
        head, _, body = frame.partition(_LINE * 2)
        return UspMessage(_headers(provider, head), body)
    size = struct.unpack_from(">H", frame)[0] if len(frame) >= 2 else len(frame)
    if len(frame) < 2 + size:
        raise InvalidResponseError(provider, "a binary message is shorter than its headers")
    return UspMessage(
        _headers(provider, frame[2 : 2 + size].decode("ascii", "replace")), frame[2 + size :]
    )


def _headers(provider: str, head: str) -> dict[str, str]:
    headers = {}
    for line in filter(None, head.split(_LINE)):
        name, colon, value = line.partition(":")
        if not colon:
            raise InvalidResponseError(provider, "a message's header has no value")
        headers[name.strip().lower()] = value.strip()
    return headers


def text_message(path: str, content_type: str, body: str, at: str, request_id: str = "") -> str:
    """A text message.

    Args:
        path: what kind it is.
        content_type: of its body.
        body: as it is sent.
        at: when, as `Marks.now` writes it.
        request_id: of which turn it is; empty for none.
    """
    return _head(path, content_type, at, request_id) + _LINE + body


def json_message(path: str, fields: Mapping[str, Any], at: str, request_id: str = "") -> str:
    """A text message in JSON; otherwise as `text_message`."""
    return text_message(path, JSON, orjson.dumps(fields).decode(), at, request_id)


def binary_message(
    path: str, body: bytes, at: str, request_id: str, *, content_type: str = "", stream: str = ""
) -> bytes:
    """A binary message; `stream` is the number of the audio stream that it is of."""
    head = _head(path, content_type, at, request_id)
    if stream:
        head += f"X-StreamId:{stream}{_LINE}"
    return struct.pack(">H", len(head)) + head.encode("ascii") + body


def _head(path: str, content_type: str, at: str, request_id: str) -> str:
    head = f"Path:{path}{_LINE}"
    if request_id:
        head += f"X-RequestId:{request_id}{_LINE}"
    head += f"X-Timestamp:{at}{_LINE}"
    if content_type:
        head += f"Content-Type:{content_type}{_LINE}"
    return head


def speech_config(at: str, source: Mapping[str, str] | None = None) -> str:
    """The first message of a connection: who speaks; `source` describes the audio that comes."""
    context: dict[str, Any] = {
        "system": {"name": "Parley", "version": "1", "build": "Python", "lang": "Python"},
        "os": {"platform": "Python", "name": "unknown", "version": "unknown"},
    }
    if source is not None:
        context["audio"] = {"source": source}
    return json_message("speech.config", {"context": context}, at)
