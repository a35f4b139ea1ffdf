"""What each request may hold: names, values, and what is wrong with the others.

Names and kinds are those of Twilio's OpenAPI document (the tests compare them where it is at hand);
ranges, lengths and enumerations those of
https://www.twilio.com/docs/voice/api/call-resource and
https://www.twilio.com/docs/voice/api/recording. Twilio ignores names that it does not know; so does
this, and complains about them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .problem import Problem, invalid

__all__ = ["CALL", "CALLS", "CREATE", "NUMBER", "NUMBERS", "RECORD", "RECORDING", "Given", "read"]

MAX_TWIML = 4000
_HOST = re.compile(r"[A-Za-z0-9.\-\[\]:]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """`fits` says whether a value may be; `code` refuses one that may not.

    What is `lenient` is accepted whatever it holds, as Twilio does, and complained about.
    """

    fits: Callable[[str], bool]
    code: int = 20001
    repeats: bool = False
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What a request held, and what is odd about it."""

    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str, otherwise: str | None = None) -> str | None:
        return self.values.get(name, otherwise)


def read(pairs: Iterable[tuple[str, str]], known: Mapping[str, Parameter]) -> Given:
    """What a form or a query holds.

    Raises:
        Problem: a value may not be.
    """
    given = Given()
    for name, value in pairs:
        parameter = known.get(name)
        if parameter is None:
            given.complaints.append(f"there is no parameter {name!r}")
            continue
        if not parameter.fits(value):
            if not parameter.lenient:
                raise invalid(f"{name} is not valid: {value[:100]}", parameter.code)
            given.complaints.append(f"{name} cannot be {value[:100]!r}")
        if parameter.repeats:
            given.lists.setdefault(name, []).append(value)
        elif name in given.values:
            given.complaints.append(f"{name} is given twice")
        given.values[name] = value
    return given


def need(given: Given, *names: str, code: int, fault: str) -> None:
    """At least one of these has to be there.

    Raises:
        Problem: none is.
    """
    if not any(given.get(name) for name in names):
        raise Problem(400, code, fault)


def _is_url(text: str) -> bool:
    # Unlike Twilio it takes a loopback address: what is tried out is on this machine.
    parts = urlsplit(text)
    host = parts.hostname or ""
    return parts.scheme in {"http", "https"} and bool(_HOST.fullmatch(host)) and " " not in text


def _one_of(*values: str) -> Callable[[str], bool]:
    return frozenset(values).__contains__


def _between(low: int, high: int) -> Callable[[str], bool]:
    return lambda text: text.isascii() and text.isdecimal() and low <= int(text) <= high


def _matching(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def _at_most(characters: int) -> Callable[[str], bool]:
    return lambda text: len(text) <= characters


def _or_nothing(fits: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: not text or fits(text)


def _sid(prefix: str) -> Parameter:
    return Parameter(_matching(rf"{prefix}[0-9a-fA-F]{{32}}"))


def _endpoint(code: int) -> Parameter:
    return Parameter(_matching(r"\+[1-9][0-9]{6,14}|(sips?|client|sim):\S+"), code)


_ANY = Parameter(lambda _text: True)
_METHOD = Parameter(_one_of("GET", "POST"))
_BOOLEAN = Parameter(_one_of("true", "false"))
_CALLBACK = Parameter(_is_url, 21609)
_INSTRUCTIONS = {
    "Url": Parameter(_is_url, 21205),
    "Method": _METHOD,
    "Twiml": Parameter(_at_most(MAX_TWIML)),
    "FallbackUrl": Parameter(_is_url, 21205),
    "FallbackMethod": _METHOD,
    "StatusCallback": _CALLBACK,
    "StatusCallbackMethod": _METHOD,
    "TimeLimit": Parameter(_between(1, 86_400)),
}
_RECORDING = {
    "RecordingChannels": Parameter(_one_of("mono", "dual")),
    "RecordingTrack": Parameter(_one_of("inbound", "outbound", "both")),
    "Trim": Parameter(_one_of("trim-silence", "do-not-trim")),
    "RecordingStatusCallback": _CALLBACK,
    "RecordingStatusCallbackMethod": _METHOD,
    # Several in one value, separated by spaces, is what the document shows for these.
    "RecordingStatusCallbackEvent": Parameter(
        _matching(r"(in-progress|completed|absent)( (in-progress|completed|absent))*"),
        repeats=True,
        lenient=True,
    ),
}
_PAGES = {
    "PageSize": Parameter(_between(1, 1000), 20007),
    "Page": Parameter(_between(0, 1_000_000)),
    "PageToken": _ANY,
}
_DAY = Parameter(_matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{8}Z)?"))

CREATE: Mapping[str, Parameter] = {
    **_INSTRUCTIONS,
    **_RECORDING,
    "To": _endpoint(21211),
    "From": _endpoint(21212),
    "ApplicationSid": Parameter(_matching("AP[0-9a-fA-F]{32}"), 21218),
    # Twilio creates the call all the same and then reports nothing (warning 21626).
    "StatusCallbackEvent": Parameter(
        _one_of("initiated", "ringing", "answered", "completed"), repeats=True, lenient=True
    ),
    "SendDigits": Parameter(_matching(r"[0-9A-D#*wW]{1,32}")),
    "Timeout": Parameter(_between(1, 600)),
    "Record": _BOOLEAN,
    "SipAuthUsername": _ANY,
    "SipAuthPassword": _ANY,
    "MachineDetection": Parameter(_one_of("Enable", "DetectMessageEnd")),
    "MachineDetectionTimeout": Parameter(_between(3, 59)),
    "MachineDetectionSpeechThreshold": Parameter(_between(1000, 6000)),
    "MachineDetectionSpeechEndThreshold": Parameter(_between(500, 5000)),
    "MachineDetectionSilenceTimeout": Parameter(_between(2000, 10_000)),
    "AsyncAmd": _BOOLEAN,
    "AsyncAmdStatusCallback": _CALLBACK,
    "AsyncAmdStatusCallbackMethod": _METHOD,
    "CallerId": _endpoint(21212),
    "Byoc": _sid("BY"),
    "CallReason": _ANY,
    "CallToken": _ANY,
    "ClientNotificationUrl": _CALLBACK,
}
CALL: Mapping[str, Parameter] = {
    **_INSTRUCTIONS,
    "Status": Parameter(_one_of("canceled", "completed")),
}
CALLS: Mapping[str, Parameter] = {
    **_PAGES,
    "To": _ANY,
    "From": _ANY,
    "ParentCallSid": _sid("CA"),
    "Status": Parameter(
        _one_of(
            "queued",
            "ringing",
            "in-progress",
            "completed",
            "busy",
            "failed",
            "no-answer",
            "canceled",
        )
    ),
    **{f"{when}{how}": _DAY for when in ("StartTime", "EndTime") for how in ("", "<", ">")},
}
RECORD: Mapping[str, Parameter] = _RECORDING
RECORDING: Mapping[str, Parameter] = {
    "Status": Parameter(_one_of("in-progress", "paused", "stopped")),
    "PauseBehavior": Parameter(_one_of("skip", "silence")),
}
NUMBERS: Mapping[str, Parameter] = {
    **_PAGES,
    "Beta": _BOOLEAN,
    "FriendlyName": _ANY,
    "PhoneNumber": _ANY,
    "Origin": Parameter(_one_of("twilio", "hosted")),
}
_SETTABLE = {
    f"{kind}{what}": parameter
    for kind in ("Voice", "Sms")
    for what, parameter in {
        # An empty value takes the setting away.
        "Url": Parameter(_or_nothing(_is_url), 21205),
        "Method": _METHOD,
        "FallbackUrl": Parameter(_or_nothing(_is_url), 21205),
        "FallbackMethod": _METHOD,
        "ApplicationSid": Parameter(_or_nothing(_matching("AP[0-9a-fA-F]{32}")), 21218),
    }.items()
}
NUMBER: Mapping[str, Parameter] = {
    **_SETTABLE,
    "AccountSid": _sid("AC"),
    "ApiVersion": Parameter(_one_of("2010-04-01", "2008-08-01")),
    "FriendlyName": Parameter(_at_most(64)),
    "StatusCallback": Parameter(_or_nothing(_is_url), 21609),
    "StatusCallbackMethod": _METHOD,
    "VoiceCallerIdLookup": _BOOLEAN,
    "VoiceReceiveMode": Parameter(_one_of("voice", "fax")),
    "EmergencyStatus": Parameter(_one_of("Active", "Inactive")),
    "EmergencyAddressSid": _sid("AD"),
    "TrunkSid": Parameter(_or_nothing(_matching("TK[0-9a-fA-F]{32}"))),
    "IdentitySid": _sid("RI"),
    "AddressSid": _sid("AD"),
    "BundleSid": _sid("BU"),
}
