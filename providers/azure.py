"""PURE: what Azure's recognizers and synthesizers share: account, addresses, errors.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/ (its pages on the REST APIs,
on sovereign clouds, and on private endpoints, which tell the paths under a resource's own domain)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from .codec import Close
from .errors import (
    ApiError,
    AuthenticationError,
    InvalidAudioError,
    MissingKeyError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from .http_request import advised_wait_s
from .http_status import Hints, by_status

__all__ = ["AzureAccount", "Query", "closing", "failure", "refusal", "socket_url"]

Query = Sequence[tuple[str, str]]

_REGION = re.compile(r"[a-z0-9]+")
_SPEECH_DOMAINS = {"usgov": "speech.azure.us", "china": "speech.azure.cn"}
_API_DOMAINS = {"usgov": "api.cognitive.microsoft.us", "china": "api.cognitive.azure.cn"}
_SPEECH_DOMAIN, _API_DOMAIN = "speech.microsoft.com", "api.cognitive.microsoft.com"
_MOST_TEXT = 200
_HINTS = Hints(
    key="check AZURE_SPEECH_KEY and AZURE_SPEECH_REGION: a key belongs to one region",
    quota="see what the resource's pricing tier allows",
    limit="see the resource's quotas, and ask Azure to raise them",
)
_HINT_STREAMS = "see how many streams its pricing tier allows at once, and ask Azure for more"
_HINT_MUTE = "it does not say why: see the voice or the language, its region, and the SSML"
_HINT_VOICE = "choose another voice, of those that the region lists"
_HINT_REGION = "see AZURE_SPEECH_REGION, AZURE_BASE_URL, and what the region offers"
_REFUSED, _THEIR_FAULT = (1002, 1003, 1007, 1008, 1009), (1011, 1013)
"""Close codes; the first are told of what was wrong with a message, and of much else."""
_THROTTLED = 4429
"""A close code, too."""
_TOO_MANY = re.compile("too ?many|throttl")
_WRONG = re.compile("ssml|invalid|malformed|bad request|not supported|unsupported|not allowed")
"""What is said of a message that would be as wrong on another connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureAccount:
    """Whose resource it is, and where.

    Attributes:
        speech_key: one of the two keys of a Speech resource.
        speech_region: where the resource is, such as `westeurope`; also as the portal writes it.
        base_url: the resource's own domain, such as `https://NAME.cognitiveservices.azure.com`,
            in place of the region's addresses.
        stt_endpoint_id: of a custom model that recognizes streams.
        tts_voice: who speaks when no voice is chosen; None is the one for the language.
        tts_style: in which of its styles a voice speaks, such as `customerservice`.
        tts_input: how the WebSocket is given a text, as `ssml` or, sentence by sentence, as `text`.

    Raises:
        MissingKeyError: there is no key, or it is not said where the resource is.
        UnsupportedError: the region is no region's name.
    """

    speech_key: str = field(default="", repr=False)
    speech_region: str = ""
    base_url: str | None = None
    stt_endpoint_id: str | None = None
    tts_voice: str | None = None
    tts_style: str | None = None
    tts_input: str = "ssml"

    def __post_init__(self) -> None:
        if not self.speech_key:
            raise MissingKeyError("azure", "no key", hint="set AZURE_SPEECH_KEY")
        if self.base_url is None and not self.speech_region:
            raise MissingKeyError("azure", "no region", hint="set AZURE_SPEECH_REGION")
        if self.base_url is None and not _REGION.fullmatch(self._region):
            raise UnsupportedError(
                "azure", f"no region is called {self.speech_region!r}", hint=_HINT_REGION
            )

    @property
    def headers(self) -> dict[str, str]:
        """What proves the account; the key goes nowhere else."""
        return {"Ocp-Apim-Subscription-Key": self.speech_key}

    def stt_url(self, path: str, query: Query = ()) -> str:
        """The address of a recognizer: `path` begins with `/speech`."""
        return self._url("stt", path, query)

    def tts_url(self, path: str, query: Query = ()) -> str:
        """The address of a synthesizer: `path` begins with `/cognitiveservices`."""
        return self._url("tts", path, query)

    def api_url(self, path: str, query: Query = ()) -> str:
        """The address of what else there is: `path` begins with `/speechtotext`."""
        base = self.base_url or f"https://{self._region}.{self._domain(_API_DOMAINS, _API_DOMAIN)}"
        return _joined(base, path, query)

    def _url(self, service: str, path: str, query: Query) -> str:
        if self.base_url is not None:
            return _joined(f"{self.base_url.rstrip('/')}/{service}", path, query)
        domain = self._domain(_SPEECH_DOMAINS, _SPEECH_DOMAIN)
        return _joined(f"https://{self._region}.{service}.{domain}", path, query)

    @property
    def _region(self) -> str:
        """As addresses have it: the portal writes `West Europe`."""
        return self.speech_region.replace(" ", "").lower()

    def _domain(self, sovereign: Mapping[str, str], public: str) -> str:
        own = (name for cloud, name in sovereign.items() if self._region.startswith(cloud))
        return next(own, public)


def _joined(base: str, path: str, query: Query) -> str:
    return f"{base.rstrip('/')}{path}{'?' if query else ''}{urlencode(query)}"


def socket_url(url: str) -> str:
    """The address of a WebSocket: the scheme alone is another."""
    return "ws" + url.removeprefix("http")


def refusal(provider: str, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an HTTP answer with a status of 300 or more is; header names in lower case."""
    code, text = _explained(body)
    if status == 400 and not text:
        return ApiError(provider, "HTTP status 400", hint=_HINT_MUTE, code=code)
    return failure(provider, status, text or f"HTTP status {status}", code, advised_wait_s(headers))


def failure(
    provider: str,
    status: int,
    text: str,
    code: str | None = None,
    retry_after_s: float | None = None,
) -> ProviderError:
    """The error that an HTTP status is.

    Args:
        provider: the catalogue name.
        status: the HTTP status.
        text: what Azure says about it; never what it was sent.
        code: Azure's own.
        retry_after_s: its advice.
    """
    text, words = text[:_MOST_TEXT], f"{code} {text}".lower()
    if status == 403 and "quota" in words:
        return QuotaError(provider, text, hint=_HINTS.quota, code=code)
    if status == 404:
        return UnsupportedError(provider, text, hint=_HINT_REGION, code=code)
    if status == 400 and "voice" in words:
        return UnsupportedError(provider, text, hint=_HINT_VOICE, code=code)
    if status in (400, 415, 422) and ("locale" in words or "language" in words):
        return UnsupportedLanguageError(provider, text, code=code)
    if status in (400, 415, 422) and "audio" in words:
        return InvalidAudioError(provider, text, code=code)
    return by_status(provider, status, text, _HINTS, code=code, retry_after_s=retry_after_s)


def closing(provider: str, close: Close) -> ProviderError | None:
    """The error that a close frame tells of; None: nothing but that the connection is over.

    Of a connection that is ended with nothing but a code, whichever it is, another one is tried.
    "Quota exceeded" is said of paid resources, too, of which no quota is used up: there it can be
    no more than how many streams there may be at once. A free one's is told by a result.
    """
    reason, code = close.reason[:_MOST_TEXT], str(close.code)
    lower = reason.lower()
    if "quota" in lower:
        return RateLimitError(provider, reason, hint=_HINT_STREAMS, code=code)
    if "authentication" in lower or "forbidden" in lower:
        return AuthenticationError(provider, reason, hint=_HINTS.key, code=code)
    if close.code == _THROTTLED or _TOO_MANY.search(lower):
        return RateLimitError(provider, reason, hint=_HINTS.limit, code=code)
    if close.code in _REFUSED and "voice" in lower:
        return UnsupportedError(provider, reason, hint=_HINT_VOICE, code=code)
    if close.code in _REFUSED and ("locale" in lower or "language" in lower):
        return UnsupportedLanguageError(provider, reason, code=code)
    if close.code in _REFUSED and _WRONG.search(lower):
        return ApiError(provider, reason, code=code)
    if close.code in (*_REFUSED, *_THEIR_FAULT):
        return UnavailableError(provider, reason or "it gave up", code=code)
    return None


def _explained(body: bytes) -> tuple[str | None, str]:
    """Azure's code for an error and its words, in one of the shapes of its services."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None, ""
    said = _inner(said)
    code, text = said.get("code"), said.get("message") or said.get("Message")
    return (None if code is None else str(code)[:100]), str(text or "")


def _inner(said: Any) -> Mapping[str, Any]:
    """The object that has the words: it may be in `error`, and a closer one in `innerError`."""
    if isinstance(said, dict) and isinstance(said.get("error"), dict):
        said = said["error"]
    if isinstance(said, dict) and isinstance(said.get("innerError"), dict):
        said = {**said, **said["innerError"]}
    return said if isinstance(said, dict) else {}
