"""The messages of the Speech service's WebSocket protocol ("USP"), as the service reads them.

As the SDKs send them, version 1.53 of the native one: there is no documentation. That a message
without `X-Timestamp` is refused is assumed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson

from tests.vendors.speech.refusal import Json, Refusal

__all__ = ["Message", "binary_frame", "opened", "read_message", "text_frame"]

_ID = re.compile(r"[0-9a-f]{32}")
_LINE = "\r\n"


@dataclass(frozen=True, slots=True)
class Message:
    """What a client said; names of headers are in lower case, `request_id` may be empty."""

    path: str
    request_id: str
    headers: Mapping[str, str]
    body: str | bytes

    def json(self) -> Json:
        """The body.

        Raises:
            Refusal: it is no JSON object.
        """
        fields = _object(self.body)
        if fields is None:
            raise Refusal(400, None, f"The body of {self.path} is not JSON")
        return fields


def read_message(frame: str | bytes) -> Message:
    """Read a client's message.

    Raises:
        Refusal: it is malformed.
    """
    head, body = _cut(frame)
    headers = _headers(head)
    path, request_id = headers.get("path", "").lower(), headers.get("x-requestid", "")
    if not path:
        raise Refusal(400, None, "Path is missing")
    if request_id and not _ID.fullmatch(request_id):
        raise Refusal(400, None, "X-RequestId is no UUID without dashes")
    if not request_id and path != "speech.config":
        raise Refusal(400, None, f"{path} has no X-RequestId")
    if isinstance(frame, bytes) != (path == "audio"):
        raise Refusal(400, None, f"{path} is no message of this kind")
    return Message(path, request_id, headers, body)


def text_frame(path: str, request_id: str, body: Json) -> str:
    """What the service says."""
    head = f"X-RequestId:{request_id}{_LINE}Content-Type:application/json; charset=utf-8{_LINE}"
    return f"{head}Path:{path}{_LINE * 2}{orjson.dumps(body).decode()}"


def binary_frame(
    path: str, request_id: str, audio: bytes, *, stream_id: str, content_type: str = ""
) -> bytes:
    """Audio of the service's."""
    head = f"X-RequestId:{request_id}{_LINE}X-StreamId:{stream_id}{_LINE}Path:{path}{_LINE}"
    if content_type:
        head += f"Content-Type:{content_type}{_LINE}"
    return struct.pack(">H", len(head)) + head.encode() + audio


def opened(frame: str | bytes) -> str | bytes:
    """A message without its headers, either side's: audio, or JSON that says the path."""
    try:
        head, body = _cut(frame)
    except Refusal:
        return frame
    if isinstance(body, bytes):
        return body
    path = re.search(r"^Path: ?(\S+)\r?$", head, re.MULTILINE | re.IGNORECASE)
    if path is None:
        return frame
    fields = _object(body)
    return orjson.dumps(
        {"path": path[1], **({"text": body} if fields is None else fields)}
    ).decode()


def _cut(frame: str | bytes) -> tuple[str, str | bytes]:
    if isinstance(frame, str):
        head, line, body = frame.partition(_LINE * 2)
        if not line:
            raise Refusal(400, None, "No empty line ends the headers")
        return head, body
    size = int.from_bytes(frame[:2], "big")
    if len(frame) < 2 + size:
        raise Refusal(400, None, "The headers are longer than the message")
    return frame[2 : 2 + size].decode("latin-1"), frame[2 + size :]


def _headers(head: str) -> dict[str, str]:
    headers = {}
    for line in filter(None, head.split(_LINE)):
        name, colon, value = line.partition(":")
        if not colon:
            raise Refusal(400, None, "A header has no value")
        headers[name.strip().lower()] = value.strip()
    try:
        at = datetime.fromisoformat(headers.get("x-timestamp", ""))
    except ValueError:
        raise Refusal(400, None, "X-Timestamp is no time") from None
    if at.tzinfo is None:
        raise Refusal(400, None, "X-Timestamp is not in UTC")
    return headers


def _object(body: str | bytes) -> Json | None:
    try:
        fields = orjson.loads(body)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
