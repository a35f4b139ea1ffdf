"""What we tell Twilio to do, as TwiML documents.

Twilio goes on to the next verb when a stream was refused, and asks `<Connect action>` when one
has ended; both lead to `/twilio/next`. Sources: https://www.twilio.com/docs/voice/twiml/stream,
https://www.twilio.com/docs/voice/twiml/connect and the pages of the other verbs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

import structlog
from twilio.twiml.voice_response import Dial, VoiceResponse

from .address import NEXT_PATH, STREAM_PATH, Address

__all__ = [
    "INLINE_LIMIT",
    "PARAMETER_LIMIT",
    "TOKEN_PARAMETER",
    "Announcement",
    "Apology",
    "apologize",
    "connect",
    "hang_up",
    "nothing",
    "parameter_bytes",
    "parameter_fault",
    "redirect",
    "reject",
    "transfer",
]

log = structlog.get_logger(__name__)

TOKEN_PARAMETER = "token"
"""The `<Parameter>` that lets a stream in; a custom parameter cannot have this name."""

PARAMETER_LIMIT = 500
"""A `<Parameter>`'s name and value together must stay below this many characters."""

INLINE_LIMIT = 4000
"""How many characters a document may have that is given by REST
(https://www.twilio.com/docs/voice/api/call-resource#update-a-call-resource)."""

CLIENT_SCHEME = "client:"

# What XML 1.0 cannot hold, escaped or not (https://www.w3.org/TR/xml/#charsets).
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_ESCAPED = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#09;"}
"""In an attribute, beside what `escape` knows."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a caller hears of a voice of Twilio's, when no worker can speak."""

    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Apology:
    """What is said when a call is given up, and who takes it then."""

    said: Announcement
    fallback_number: str | None = None


def connect(
    address: Address,
    token: str,
    *,
    parameters: Mapping[str, str] | None = None,
    digits: str | None = None,
    said: Announcement | None = None,
) -> str:
    """Open the call's stream, after sending touch tones or an announcement if there are any.

    Custom `parameters` that Twilio would refuse, or that would hide the token, are left out and
    said in the log by name: a call without them is better than none.
    """
    response = VoiceResponse()
    if digits:
        response.play(digits=digits)
    if said is not None:
        _say(response, said)
    stream = response.connect(action=address.document(NEXT_PATH), method="POST").stream(
        url=address.media, status_callback=address.document(STREAM_PATH)
    )
    stream.parameter(name=TOKEN_PARAMETER, value=token)
    for name, value in (parameters or {}).items():
        if fault := parameter_fault(name, value):
            log.warning("stream parameter left out", parameter=name[:80], fault=fault)
        else:
            stream.parameter(name=name, value=value)
    response.redirect(address.document(NEXT_PATH), method="POST")
    return str(response)


def hang_up() -> str:
    """End the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def nothing() -> str:
    """An empty document: for a call that has ended, and for events that ask for no answer."""
    return str(VoiceResponse())


def transfer(address: Address, number: str, caller_id: str | None = None) -> str:
    """Connect the caller to `number`; when that call ends Twilio asks `next`.

    `number` is E.164, or `sip:user@host` or `client:identity`, as in `bot.dialog.types.Transfer`.
    """
    response = VoiceResponse()
    _dial(response, address.document(NEXT_PATH), number, caller_id)
    return str(response)


def reject() -> str:
    """Refuse an incoming call with the busy tone, without answering it."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)


def redirect(url: str, pause_s: int = 0) -> str:
    """Ask `url` for the next document, after `pause_s` seconds of silence.

    A call that was not answered yet goes on ringing meanwhile
    (https://www.twilio.com/docs/voice/twiml/pause).
    """
    response = VoiceResponse()
    if pause_s:
        response.pause(length=pause_s)
    response.redirect(url, method="POST")
    return str(response)


def apologize(address: Address, apology: Apology, query: str = "") -> str:
    """Say the apology, then dial the fallback number, or hang up when there is none.

    `query` is that of `next`, which Twilio asks when the dialled call ends.
    """
    response = VoiceResponse()
    _say(response, apology.said)
    if apology.fallback_number:
        _dial(response, address.document(NEXT_PATH, query), apology.fallback_number)
    else:
        response.hangup()
    return str(response)


def _say(response: VoiceResponse, said: Announcement) -> None:
    if text := _ILLEGAL.sub("", said.text).strip():
        response.say(text, language=said.language)


def _dial(response: VoiceResponse, action: str, number: str, caller_id: str | None = None) -> None:
    if caller_id is not None:
        caller_id = _ILLEGAL.sub("", caller_id)
    dial = response.dial(action=action, method="POST", caller_id=caller_id)
    _noun(dial, _ILLEGAL.sub("", number))


def _noun(dial: Dial, number: str) -> None:
    # Each kind of address has an element of its own; in another it is error 13223, and the caller
    # is not connected: https://www.twilio.com/docs/api/errors/13223.
    if number.startswith("sip:"):
        dial.sip(number)
    elif number.startswith(CLIENT_SCHEME):
        # Of a client the identity alone: https://www.twilio.com/docs/voice/twiml/client.
        dial.client(number.removeprefix(CLIENT_SCHEME))
    else:
        dial.number(number)


def parameter_fault(name: str, value: str) -> str | None:
    """Why this cannot be a stream's custom parameter; None when it can."""
    if name == TOKEN_PARAMETER:
        return f"the name {TOKEN_PARAMETER!r} is Parley's own"
    if not name:
        return "it has no name"
    if len(name) + len(value) >= PARAMETER_LIMIT:
        return f"name and value are {len(name) + len(value)} of at most {PARAMETER_LIMIT - 1} chars"
    if _ILLEGAL.search(name + value):
        return "it holds a character that XML cannot"
    return None


def parameter_bytes(name: str, value: str) -> int:
    """How long a stream's custom parameter is in a document, of which Twilio takes 64 KiB
    (https://www.twilio.com/docs/api/errors/11750)."""
    return len(f'<Parameter name="" value="" />{escape(name + value, _ESCAPED)}'.encode())
