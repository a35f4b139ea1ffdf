"""PURE: TwiML documents, read into the verbs that the phone follows.

Source: https://www.twilio.com/docs/voice/twiml and the pages of the verbs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

__all__ = [
    "Connect",
    "Dial",
    "Hangup",
    "Pause",
    "Play",
    "Redirect",
    "Reject",
    "Request",
    "Say",
    "Stream",
    "TwimlError",
    "Unsupported",
    "Verb",
    "read_twiml",
    "stream_fault",
]

PARSE_FAILURE = 12100
NO_NUMBER = 13223
NO_SIP_URI = 13243
HANDSHAKE_ERROR = 31920
UNSUPPORTED_SCHEME = 31922
MALFORMED_URL = 31923
_PARAMETER_LIMIT = 500
_E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
_SIP_URI = re.compile(r"sips?:\S+", re.IGNORECASE)
_SCHEME = re.compile(r"(client|sips?|tel):.*", re.IGNORECASE)


class TwimlError(Exception):
    """A document that Twilio cannot follow; `code` is its error number."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Request:
    """A URL to ask, absolute, and how."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Stream:
    """Where the media go, and what the worker is told."""

    url: str
    name: str = ""
    # They carry the admission token.
    parameters: dict[str, str] = field(default_factory=dict, repr=False)
    status: Request | None = None


@dataclass(frozen=True, slots=True)
class Connect:
    """Stream until the socket closes; then ask `action`, or go on."""

    stream: Stream
    action: Request | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """Ask for another document."""

    to: Request


@dataclass(frozen=True, slots=True)
class Say:
    """Speak with a voice of Twilio's."""

    text: str


@dataclass(frozen=True, slots=True)
class Play:
    """Play the recording at `url`, or send `digits`."""

    url: str = ""
    digits: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Pause:
    """Be silent."""

    seconds: int = 1


@dataclass(frozen=True, slots=True)
class Dial:
    """Call somebody else and join the two; then ask `action`, or go on.

    `number` is E.164, a SIP URI, or `client:` and the identity of a client.
    """

    number: str
    action: Request | None = None


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the call; `reason` is `rejected` or `busy`."""

    reason: str = "rejected"


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A verb that the phone does not follow."""

    name: str


Verb = Connect | Redirect | Say | Play | Pause | Dial | Hangup | Reject | Unsupported


def read_twiml(document: str | bytes, base_url: str) -> list[Verb]:
    """Read a document; relative URLs in it are relative to `base_url`, where it came from.

    Raises:
        TwimlError: it is not TwiML.
    """
    try:
        root = ElementTree.fromstring(document)
    except (ElementTree.ParseError, ValueError) as error:
        raise TwimlError(PARSE_FAILURE, f"the document is not XML: {error}") from None
    if root.tag != "Response":
        raise TwimlError(PARSE_FAILURE, f"the document is <{root.tag}>, not <Response>")
    verbs = []
    for element in root:
        read = _READERS.get(element.tag)
        verbs.append(Unsupported(element.tag) if read is None else read(element, base_url))
    return verbs


def stream_fault(url: str) -> tuple[int, str] | None:
    """Why Twilio would not even try to open a stream's URL: its error number and the reason."""
    parts = urlsplit(url)
    if not parts.hostname:
        return MALFORMED_URL, "<Stream url> has no host"
    # Twilio takes wss:// alone. A worker on the phone's own machine has no certificate.
    loopback = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme != "wss" and not (parts.scheme == "ws" and loopback):
        return UNSUPPORTED_SCHEME, f"<Stream url> begins with {parts.scheme}://, not wss://"
    if "?" in url:
        return HANDSHAKE_ERROR, "<Stream url> has a query string"
    return None


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _method(element: Element, key: str) -> str:
    method = element.get(key, "POST").upper()
    if method not in {"GET", "POST"}:
        raise TwimlError(PARSE_FAILURE, f"<{element.tag} {key}> is neither GET nor POST")
    return method


def _request(element: Element, base_url: str, key: str, method_key: str) -> Request | None:
    url = element.get(key)
    if url is None:
        return None
    return Request(urljoin(base_url, url), _method(element, method_key))


def _connect(element: Element, base_url: str) -> Verb:
    if len(element) != 1 or element[0].tag != "Stream":
        return Unsupported("Connect without <Stream>")
    return Connect(_stream(element[0], base_url), _request(element, base_url, "action", "method"))


def _stream(element: Element, base_url: str) -> Stream:
    parameters: dict[str, str] = {}
    for child in element:
        name, value = child.get("name"), child.get("value")
        if child.tag != "Parameter" or not name or value is None:
            raise TwimlError(PARSE_FAILURE, "<Stream> holds something else than whole <Parameter>s")
        if len(name) + len(value) >= _PARAMETER_LIMIT:
            fault = (
                f"<Parameter name={name[:40]!r}> is longer than {_PARAMETER_LIMIT - 1} characters"
            )
            raise TwimlError(PARSE_FAILURE, fault)
        parameters[name] = value
    if element.get("track", "inbound_track") != "inbound_track":
        raise TwimlError(PARSE_FAILURE, "a <Stream> in <Connect> has the inbound track alone")
    return Stream(
        _socket_url(element.get("url", ""), base_url),
        element.get("name", ""),
        parameters,
        _request(element, base_url, "statusCallback", "statusCallbackMethod"),
    )


def _socket_url(url: str, base_url: str) -> str:
    """The stream's URL as it stands: the handshake's signature covers exactly this."""
    if urlsplit(url).scheme:
        return url
    return "ws" + urljoin(base_url, url).removeprefix("http")


def _redirect(element: Element, base_url: str) -> Verb:
    return Redirect(Request(urljoin(base_url, _text(element)), _method(element, "method")))


def _play(element: Element, base_url: str) -> Verb:
    digits = element.get("digits", "")
    return Play(digits=digits) if digits else Play(urljoin(base_url, _text(element)))


def _pause(element: Element, _base_url: str) -> Verb:
    length = element.get("length", "1")
    if not length.isdecimal():
        raise TwimlError(PARSE_FAILURE, "<Pause length> is not a number of seconds")
    return Pause(int(length))


def _dial(element: Element, base_url: str) -> Verb:
    nouns = [child.tag for child in element]
    if not nouns:
        number = _dialled("Number", _text(element))
    elif nouns in (["Number"], ["Sip"], ["Client"]):
        number = _dialled(nouns[0], _text(element[0]))
    else:
        return Unsupported(f"Dial with <{'>, <'.join(nouns)}>")
    return Dial(number, _request(element, base_url, "action", "method"))


def _dialled(noun: str, text: str) -> str:
    """Whom a noun of `<Dial>` calls, if it is the noun for such an address.

    Sources: https://www.twilio.com/docs/api/errors/13223 and 13243. No page has an error for the
    identity of a client; that `client:` before it is one is assumed, and 13223 for it as well.
    """
    match noun:
        case "Sip" if not _SIP_URI.fullmatch(text):
            raise TwimlError(NO_SIP_URI, "<Sip> does not hold a URI such as sip:user@host")
        case "Client" if not text or _SCHEME.fullmatch(text):
            raise TwimlError(NO_NUMBER, "<Client> does not hold the bare identity of a client")
        case "Client":
            return f"client:{text}"
        case "Number" if not _E164.fullmatch(text):
            raise TwimlError(NO_NUMBER, "<Number> does not hold a number such as +15551234567")
    return text


def _reject(element: Element, _base_url: str) -> Verb:
    return Reject(element.get("reason", "rejected"))


_READERS: dict[str, Callable[[Element, str], Verb]] = {
    "Connect": _connect,
    "Redirect": _redirect,
    "Say": lambda element, _: Say("".join(element.itertext()).strip()),
    "Play": _play,
    "Pause": _pause,
    "Dial": _dial,
    "Hangup": lambda _element, _: Hangup(),
    "Reject": _reject,
}
