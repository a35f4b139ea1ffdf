"""PURE: hostile messages of a media stream, each with what must become of it.

Every message comes from a seeded generator, so that a run can be repeated. `Fate` says where the
worker accounts for it: nothing that is sent may be counted nowhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any

from media.twilio import MAX_MESSAGE_BYTES

__all__ = [
    "CLOSE_CODES",
    "HOSTILE_KINDS",
    "Fate",
    "Message",
    "ending_message",
    "hostile_message",
    "start_message",
]

_Json = dict[str, Any]
_MARK = '{"event":"mark","sequenceNumber":SEQUENCE,"mark":{"name":"NAME"}}'
_EVENTS = ("media", "dtmf", "mark", "stop", "start", "connected")
# What no field of the protocol may hold, whichever it is.
_WRONG: tuple[Any, ...] = (None, True, [], {}, -1, 0.5, [["x"]], {"payload": 1})


# What the worker must close with after each kind of ending (RFC 6455, section 7.4.1). A `stop` is
# believed whatever it names: it came on a socket that was proved to be the call's.
CLOSE_CODES = {"stop": 1000, "foreign stop": 1000, "too long": 1009, "bad UTF-8": 1007}


class Fate(Enum):
    """Where a message is accounted for."""

    ERROR = "parley_protocol_errors"
    FRAME = "parley_frames{direction=in}"
    MARK = "the record's log: mark"
    KEY = "the record's log: key"
    END = "the stream's end"


@dataclass(frozen=True, slots=True)
class Message:
    """One message: text, or bytes for a binary frame; `raw` bytes go into a text frame."""

    kind: str
    fate: Fate
    data: str | bytes
    raw: bool = False


def hostile_message(chance: Random, sids: tuple[str, str]) -> Message:
    """A message for a stream that was let in; `sids` are its account's and its call's."""
    kind = chance.choice(list(_MAKERS))
    fate, data = _MAKERS[kind](chance, sids)
    return Message(kind, fate, data)


def ending_message(chance: Random, sids: tuple[str, str]) -> Message:
    """A message after which the stream is over."""
    kind = chance.choice(tuple(CLOSE_CODES))
    if kind == "too long":
        return Message(kind, Fate.END, "x" * (MAX_MESSAGE_BYTES + 1))
    if kind == "bad UTF-8":
        return Message(kind, Fate.END, b'{"event":"media\xff\xfe"}', raw=True)
    account, call = sids if kind == "stop" else ("AC" + "f" * 32, "CA" + "f" * 32)
    return Message(kind, Fate.END, json.dumps(_event("stop", (account, call))))


def start_message(sids: tuple[str, str], stream: str, parameters: dict[str, str]) -> _Json:
    """A good `start`."""
    start = _event("start", sids)
    start["start"] |= {"streamSid": stream, "customParameters": parameters}
    return start


def _event(name: str, sids: tuple[str, str]) -> _Json:
    """A good message of a stream in progress."""
    account, call = sids
    head = {"event": name, "sequenceNumber": "7", "streamSid": "MZ" + "0" * 32}
    bodies: dict[str, _Json] = {
        "media": {"track": "inbound", "chunk": "5", "timestamp": "100", "payload": "//8="},
        "dtmf": {"track": "inbound_track", "digit": "1"},
        "mark": {"name": "1"},
        "stop": {"accountSid": account, "callSid": call},
        "start": {
            "streamSid": "MZ" + "0" * 32,
            "accountSid": account,
            "callSid": call,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {},
        },
    }
    if name == "connected":
        return {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    return {**head, name: bodies[name]}


Made = tuple[Fate, str | bytes]


def _noise(chance: Random, sids: tuple[str, str]) -> Made:
    letters = [chr(chance.choice((chance.randrange(128), chance.randrange(0xD800)))) for _ in "123"]
    return Fate.ERROR, "{" + "".join(letters) * chance.randrange(1, 400)


def _not_an_object(chance: Random, sids: tuple[str, str]) -> Made:
    return Fate.ERROR, chance.choice(
        ("", " ", "null", "[]", "0", '"media"', "1e400", "true", "[{}]")
    )


def _cut(chance: Random, sids: tuple[str, str]) -> Made:
    text = json.dumps(_event(chance.choice(_EVENTS), sids))
    return Fate.ERROR, text[: chance.randrange(len(text))]


def _binary(chance: Random, sids: tuple[str, str]) -> Made:
    return Fate.ERROR, b"\x00" + chance.randbytes(chance.randrange(2000))


def _deep(chance: Random, sids: tuple[str, str]) -> Made:
    depth = chance.randrange(2000, 30_000)
    return Fate.ERROR, '{"event":' + "[" * depth + "]" * depth + "}"


def _no_json_number(chance: Random, sids: tuple[str, str]) -> Made:
    number = chance.choice(("NaN", "Infinity", "-Infinity", "0x10", "1_000", "+1", "01"))
    return Fate.ERROR, _MARK.replace("SEQUENCE", number)


def _huge_number(chance: Random, sids: tuple[str, str]) -> Made:
    number = chance.choice(("9" * 400, "1e308", "-1", "1" + "0" * 15, f'"{"9" * 9000}"'))
    return Fate.ERROR, _MARK.replace("SEQUENCE", number)


def _lone_surrogate(chance: Random, sids: tuple[str, str]) -> Made:
    escape = chance.choice((r"\ud800", r"\udfff", r"\ud800\ud800", r"\udc00\ud800"))
    return Fate.ERROR, _MARK.replace("SEQUENCE", "1").replace("NAME", escape)


def _unknown(chance: Random, sids: tuple[str, str]) -> Made:
    name = chance.choice(("", "MEDIA", "media ", "\x00", "clear", "é" * 9_000, "__class__", "{}"))
    return Fate.ERROR, json.dumps({"event": name, "streamSid": "MZ" + "0" * 32})


def _again(chance: Random, sids: tuple[str, str]) -> Made:
    return Fate.ERROR, json.dumps(_event(chance.choice(("start", "connected")), sids))


def _without_a_field(chance: Random, sids: tuple[str, str]) -> Made:
    holder, field = _must_have(chance, message := _event(chance.choice(_EVENTS), sids))
    del holder[field]
    return Fate.ERROR, json.dumps(message)


def _wrong_type(chance: Random, sids: tuple[str, str]) -> Made:
    holder, field = _must_have(chance, message := _event(chance.choice(_EVENTS), sids))
    holder[field] = chance.choice(_WRONG)
    return Fate.ERROR, json.dumps(message)


def _must_have(chance: Random, message: _Json) -> tuple[_Json, str]:
    """A field of a message that it must have, and what holds it."""
    body = message.get(message["event"])
    fields = [(message, "event")]
    if isinstance(body, dict):
        fields += [(message, "sequenceNumber"), (message, message["event"])]
        fields += [(body, field) for field in body if field != "customParameters"]
    else:
        fields += [(message, "protocol"), (message, "version")]
    return chance.choice(fields)


def _bad_audio(chance: Random, sids: tuple[str, str]) -> Made:
    message = _event("media", sids)
    message["media"]["payload"] = chance.choice(
        ("/", "//8", "/ /8=", "//8=\n", "//8=//8=", "é", "=", "_-8=", "\x00", "//8=" * 3_000 + "!")
    )
    return Fate.ERROR, json.dumps(message)


def _odd_audio(chance: Random, sids: tuple[str, str]) -> Made:
    message = _event("media", sids)
    size = chance.choice((0, 1, 159, 161, 319, 4_000))
    message["media"]["payload"] = base64.b64encode(b"\xff" * size).decode()
    message["streamSid"] = chance.choice((None, 7, "MZ" + "f" * 32))
    message["media"]["track"] = chance.choice(("outbound", "", "\x00"))
    message["media"]["chunk"] = chance.choice(("0", "999999999999999", 3))
    return Fate.FRAME, json.dumps(message)


def _strange_mark(chance: Random, sids: tuple[str, str]) -> Made:
    message = _event("mark", sids)
    message["mark"]["name"] = chance.choice(("", "-1", "999999", "\x00", "never sent", "é" * 500))
    return Fate.MARK, json.dumps(message)


def _strange_key(chance: Random, sids: tuple[str, str]) -> Made:
    message = _event("dtmf", sids)
    message["dtmf"]["digit"] = chance.choice(("", "12", "é", "\x00", "9" * 9_000, "E", "w", " 1"))
    return Fate.ERROR, json.dumps(message)


def _key(chance: Random, sids: tuple[str, str]) -> Made:
    message = _event("dtmf", sids)
    message["dtmf"]["digit"] = chance.choice("0123456789*#ABCD")
    return Fate.KEY, json.dumps(message)


_MAKERS: dict[str, Callable[[Random, tuple[str, str]], Made]] = {
    "noise": _noise,
    "not an object": _not_an_object,
    "cut off": _cut,
    "binary": _binary,
    "deeply nested": _deep,
    "no JSON number": _no_json_number,
    "huge number": _huge_number,
    "lone surrogate": _lone_surrogate,
    "unknown event": _unknown,
    "start again": _again,
    "a field missing": _without_a_field,
    "a field of a wrong type": _wrong_type,
    "no base64": _bad_audio,
    "odd audio": _odd_audio,
    "mark never sent": _strange_mark,
    "no key": _strange_key,
    "key": _key,
}

HOSTILE_KINDS = tuple(_MAKERS)
