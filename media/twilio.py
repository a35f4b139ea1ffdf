"""Twilio Media Streams messages, both ways, from and to text.

The worker reads with `parse` and writes with `render`; the simulated phone, which plays Twilio,
writes with `render_event` and reads with `parse_command`. Base64 stops here: elsewhere audio is
µ-law bytes, 8 kHz mono.

Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Any

import orjson

from media.messages import (
    BINARY_FRAME,
    INVALID_MESSAGE,
    Command,
    Connected,
    Dtmf,
    Event,
    Mark,
    Media,
    MediaStreamError,
    SendClear,
    SendMark,
    SendMedia,
    Start,
    Stop,
    StreamEvent,
    Unknown,
)

__all__ = ["MAX_MESSAGE_BYTES", "parse", "parse_command", "render", "render_event"]

# Twilio sends about 400 bytes for 20 ms of audio; this is six seconds of it in one message.
MAX_MESSAGE_BYTES = 64 * 1024

# A SID becomes a key, a file's name and a part of messages, so nothing in it may need escaping.
_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COUNT_DIGITS = 15
_KEYS = frozenset("0123456789*#ABCD")
_Json = dict[str, Any]


def parse(text: str | bytes) -> Event:
    """Read one message from Twilio. Fields that are not known are ignored.

    Raises:
        MediaStreamError: the message is too long, is not JSON, or lacks what its event must have.
    """
    if len(text) > MAX_MESSAGE_BYTES:
        raise _invalid(f"the message is longer than {MAX_MESSAGE_BYTES} bytes")
    message = _load(text)
    event = _text(message, "event")
    read = _READERS.get(event)
    return Unknown(event) if read is None else read(message)


def render(command: Command, stream_sid: str) -> str:
    """Write one message to Twilio, with exactly the documented fields.

    `stream_sid` goes in as it is: one that `parse` gave needs no escaping.
    """
    if isinstance(command, SendMedia):
        payload = b2a_base64(command.payload, newline=False).decode("ascii")
        return f'{{"event":"media","streamSid":"{stream_sid}","media":{{"payload":"{payload}"}}}}'
    if isinstance(command, SendMark):
        name = orjson.dumps(command.name).decode()
        return f'{{"event":"mark","streamSid":"{stream_sid}","mark":{{"name":{name}}}}}'
    return f'{{"event":"clear","streamSid":"{stream_sid}"}}'


def parse_command(frame: str | bytes, stream_sid: str) -> Command:
    """Read one frame from a worker as strictly as Twilio does.

    Raises:
        MediaStreamError: 31950 for a binary frame; 31951 for what is not JSON, an unknown event, a
            missing or extra field, another stream's SID, or a payload that is not base64.
    """
    if isinstance(frame, bytes):
        raise MediaStreamError(BINARY_FRAME, "the frame is binary")
    message = _load(frame)
    event = _text(message, "event")
    if event not in _COMMAND_FIELDS:
        raise _invalid("the event is not one of media, mark, clear")
    _only(message, _COMMAND_FIELDS[event])
    if _text(message, "streamSid") != stream_sid:
        raise _invalid("field 'streamSid' is not this stream's")
    if event == "clear":
        return SendClear()
    body = _object(message, event)
    if event == "mark":
        _only(body, {"name"})
        return SendMark(_text(body, "name"))
    _only(body, {"payload"})
    return SendMedia(_audio(body))


def render_event(event: StreamEvent, stream_sid: str) -> str:
    """Write one message as Twilio does: counters are strings, and so is every parameter.

    `stream_sid` goes in as it is; see `render`.
    """
    if isinstance(event, Media):
        payload = b2a_base64(event.payload, newline=False).decode("ascii")
        return (
            f'{{"event":"media","sequenceNumber":"{event.sequence}","streamSid":"{stream_sid}",'
            f'"media":{{"track":"{event.track}","chunk":"{event.chunk}",'
            f'"timestamp":"{event.timestamp_ms}","payload":"{payload}"}}}}'
        )
    return orjson.dumps(_event_fields(event, stream_sid)).decode()


def _event_fields(event: Connected | Start | Dtmf | Mark | Stop, stream_sid: str) -> _Json:
    if isinstance(event, Connected):
        return {"event": "connected", "protocol": event.protocol, "version": event.version}
    head = {"sequenceNumber": str(event.sequence), "streamSid": stream_sid}
    if isinstance(event, Start):
        return {"event": "start", **head, "start": _start_fields(event, stream_sid)}
    if isinstance(event, Dtmf):
        return {"event": "dtmf", **head, "dtmf": {"track": event.track, "digit": event.digit}}
    if isinstance(event, Mark):
        return {"event": "mark", **head, "mark": {"name": event.name}}
    stop = {"accountSid": event.account_sid, "callSid": event.call_sid}
    return {"event": "stop", **head, "stop": stop}


def _start_fields(event: Start, stream_sid: str) -> _Json:
    return {
        "streamSid": stream_sid,
        "accountSid": event.account_sid,
        "callSid": event.call_sid,
        "tracks": event.tracks,
        # The only numbers of the protocol that are written as numbers.
        "mediaFormat": {
            "encoding": event.encoding,
            "sampleRate": event.sample_rate_hz,
            "channels": event.channels,
        },
        "customParameters": dict(event.parameters),
    }


def _read_connected(message: _Json) -> Connected:
    return Connected(_text(message, "protocol"), _text(message, "version"))


def _read_start(message: _Json) -> Start:
    body = _object(message, "start")
    media_format = _object(body, "mediaFormat")
    parameters = _object(body, "customParameters")
    if not all(type(value) is str for value in parameters.values()):
        raise _invalid("field 'customParameters' holds a value that is not a string")
    tracks = body.get("tracks")
    if type(tracks) is not list or not all(type(track) is str for track in tracks):
        raise _invalid("field 'tracks' is missing or not a list of strings")
    return Start(
        stream_sid=_sid(body, "streamSid"),
        account_sid=_sid(body, "accountSid"),
        call_sid=_sid(body, "callSid"),
        parameters=parameters,
        tracks=tuple(tracks),
        encoding=_text(media_format, "encoding"),
        sample_rate_hz=_count(media_format, "sampleRate"),
        channels=_count(media_format, "channels"),
        sequence=_count(message, "sequenceNumber"),
    )


def _read_media(message: _Json) -> Media:
    body = _object(message, "media")
    return Media(
        _audio(body),
        _count(body, "chunk"),
        _count(body, "timestamp"),
        _count(message, "sequenceNumber"),
        _text(body, "track"),
    )


def _read_dtmf(message: _Json) -> Dtmf:
    body = _object(message, "dtmf")
    digit = _text(body, "digit")
    if digit not in _KEYS:
        raise _invalid("field 'digit' is no key")
    return Dtmf(digit, _count(message, "sequenceNumber"), _text(body, "track"))


def _read_mark(message: _Json) -> Mark:
    return Mark(_text(_object(message, "mark"), "name"), _count(message, "sequenceNumber"))


def _read_stop(message: _Json) -> Stop:
    body = _object(message, "stop")
    return Stop(_sid(body, "accountSid"), _sid(body, "callSid"), _count(message, "sequenceNumber"))


_READERS: dict[str, Callable[[_Json], Event]] = {
    "connected": _read_connected,
    "start": _read_start,
    "media": _read_media,
    "dtmf": _read_dtmf,
    "mark": _read_mark,
    "stop": _read_stop,
}
_COMMAND_FIELDS = {
    "media": {"event", "streamSid", "media"},
    "mark": {"event", "streamSid", "mark"},
    "clear": {"event", "streamSid"},
}


def _invalid(reason: str) -> MediaStreamError:
    return MediaStreamError(INVALID_MESSAGE, reason)


def _load(text: str | bytes) -> _Json:
    try:
        message = orjson.loads(text)
    except ValueError:
        # orjson's error holds the whole document.
        raise _invalid("the message is not JSON") from None
    if type(message) is not dict:
        raise _invalid("the message is not a JSON object")
    return message


def _only(fields: _Json, allowed: set[str]) -> None:
    if extra := fields.keys() - allowed:
        raise _invalid(f"field {min(extra)[:40]!r} is not allowed here")


def _object(fields: _Json, key: str) -> _Json:
    value = fields.get(key)
    if type(value) is not dict:
        raise _invalid(f"field {key!r} is missing or not an object")
    return value


def _text(fields: _Json, key: str) -> str:
    value = fields.get(key)
    if type(value) is not str:
        raise _invalid(f"field {key!r} is missing or not a string")
    return value


def _sid(fields: _Json, key: str) -> str:
    value = _text(fields, key)
    if not _SID.fullmatch(value):
        raise _invalid(f"field {key!r} is not a SID")
    return value


def _count(fields: _Json, key: str) -> int:
    """A counter: documented as a string of decimal digits, taken as a number too."""
    value = fields.get(key)
    if type(value) is str and len(value) <= _COUNT_DIGITS and value.isdecimal():
        return int(value)
    if type(value) is int and 0 <= value < 10**_COUNT_DIGITS:
        return value
    raise _invalid(f"field {key!r} is missing or not a counter")


def _audio(fields: _Json) -> bytes:
    try:
        return a2b_base64(fields["payload"], strict_mode=True)
    except (KeyError, TypeError, ValueError):
        raise _invalid("field 'payload' is missing or not base64") from None
