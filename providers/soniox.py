"""PURE: what Soniox's recognizer and synthesizer share: account, addresses, languages, errors.

Source: https://soniox.com/docs (real-time WebSocket API), the models `stt-rt-v5` and `tts-rt-v2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import (
    MissingKeyError,
    ProviderError,
    RateLimitError,
    UnavailableError,
)
from .http_request import advised_wait_s
from .http_status import Hints, by_status
from .tags import general

__all__ = ["LANGUAGES", "PROVIDER", "REGIONS", "SonioxAccount", "failure", "language_code"]
__all__ += ["refusal"]

PROVIDER = "soniox"
REGIONS = ("us", "eu", "jp")
# What Soniox calls a language that BCP-47 has another tag for.
_OWN_CODES = {"nb": "no", "nn": "no", "fil": "tl"}
LANGUAGES = (
    *("af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es"),
    *("et", "eu", "fa", "fi", "fr", "gl", "gu", "he", "hi", "hr", "hu", "id", "it", "ja", "kk"),
    *("kn", "ko", "lt", "lv", "mk", "ml", "mr", "ms", "nl", "no", "pa", "pl", "pt", "ro", "ru"),
    *("sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "vi", "zh"),
    *_OWN_CODES,
)
"""BCP-47 tags of the languages on offer."""

_STATUSES: Mapping[int, str] = {
    401: "the key was refused",
    403: "the key may not do this",
}
_HINTS = Hints(
    key="check SONIOX_API_KEY and SONIOX_REGION: a key belongs to one region",
    quota="see the account's balance and budgets",
    limit="ask Soniox to raise the limit",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SonioxAccount:
    """Whose account it is, and where.

    Attributes:
        api_key: the key, of one region.
        region: `us`, `eu` or `jp`.
        stt_url, tts_url: other addresses than the region's.
        stt_model, tts_model: which models.

    Raises:
        MissingKeyError: there is no key.
    """

    api_key: str = field(default="", repr=False)
    region: str = "us"
    stt_url: str | None = None
    tts_url: str | None = None
    stt_model: str = "stt-rt-v5"
    tts_model: str = "tts-rt-v2"

    def __post_init__(self) -> None:
        if not self.api_key:
            raise MissingKeyError(PROVIDER, "no key", hint="set SONIOX_API_KEY")

    @property
    def headers(self) -> dict[str, str]:
        """What proves the account; the key goes nowhere else."""
        return {"Authorization": f"Bearer {self.api_key}"}

    def address(self, service: str, path: str) -> str:
        """The URL of a service in the account's region."""
        region = "" if self.region == "us" else f"{self.region}."
        return f"wss://{service}.{region}soniox.com/{path}"


def language_code(tag: str) -> str:
    """Soniox's code for a BCP-47 tag: two letters, without the region."""
    code = general(tag)
    return _OWN_CODES.get(code, code)


def refusal(status: int, headers: Mapping[str, str]) -> ProviderError:
    """The error that an HTTP status of 300 or more is; header names are in lower case."""
    error = failure({"error_code": status})
    if isinstance(error, RateLimitError):
        error.retry_after_s = advised_wait_s(headers)
    return error


def failure(message: Mapping[str, Any]) -> ProviderError:
    """The error that a message with an `error_code` tells of, or that an HTTP status is."""
    status = message.get("error_code")
    known = _STATUSES.get(status) if isinstance(status, int) else None
    told = known is not None or {"error_type", "error_message"} & message.keys()
    text = str(message.get("error_message") or known or f"HTTP status {status}")[:200]
    # A status that is all there is has been said already.
    kind = str(message.get("error_type") or status) if told else None
    if status == 413:  # this stream was as long as one may be; the next one goes on from there
        return UnavailableError(PROVIDER, text, code=kind)
    return by_status(PROVIDER, status if isinstance(status, int) else 0, text, _HINTS, code=kind)
