"""PURE: what OpenAI's services share: account, addresses, languages, errors.

Source: https://platform.openai.com/docs/api-reference, and the `openai` SDK 3.54 for its types. It
is not called `openai`, so that nobody takes it for that SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from media.audio import AudioFormat, Encoding

from .domain import is_within
from .errors import (
    ApiError,
    AuthenticationError,
    InvalidResponseError,
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
from .messages import read
from .tags import general

__all__ = ["BASE_URL", "LANGUAGES", "PCM16_24K", "SESSION_S", "OpenAiAccount", "failure", "is_own"]
__all__ += ["language_code", "refusal", "text"]

BASE_URL = "https://api.openai.com/v1"
SESSION_S = 55 * 60.0
"""A realtime session ends after an hour, without a warning; so old it is left."""
PCM16_24K = AudioFormat(Encoding.PCM16, 24_000)
# What OpenAI calls a language that BCP-47 has another tag for.
_OWN_CODES = {"nb": "no", "nn": "no", "fil": "tl"}
LANGUAGES = (
    *("af", "ar", "az", "be", "bg", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et"),
    *("fa", "fi", "fr", "gl", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "kk", "kn"),
    *("ko", "lt", "lv", "mi", "mk", "mr", "ms", "ne", "nl", "no", "pl", "pt", "ro", "ru", "sk"),
    *("sl", "sr", "sv", "sw", "ta", "th", "tl", "tr", "uk", "ur", "vi", "zh"),
    *_OWN_CODES,
)
"""BCP-47 tags of the languages that it is good at."""

_QUOTA = {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"}
_HINTS = Hints(
    key="check OPENAI_API_KEY, OPENAI_ORG_ID and OPENAI_PROJECT_ID",
    quota="see the account's credit and limits",
    limit="ask OpenAI to raise the limit",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAiAccount:
    """Whose account it is, and where.

    Attributes:
        api_key: the key; other servers than OpenAI's own may want none.
        base_url: of the API, with its version.
        org_id, project_id: who pays, where a key has several.
        stt_model, files_model, tts_model, realtime_model: which models.
        tts_base_url: of another server that speaks over HTTP; it is shown `tts_api_key`, if any,
            and never `api_key`.
        tts_voice: who speaks when no voice is chosen.
    """

    api_key: str = field(default="", repr=False)
    base_url: str = BASE_URL
    org_id: str | None = None
    project_id: str | None = None
    stt_model: str = "gpt-live-transcribe"
    files_model: str = "gpt-transcribe"
    tts_base_url: str | None = None
    tts_api_key: str = field(default="", repr=False)
    tts_model: str = "gpt-4o-mini-tts"
    tts_voice: str | None = None
    realtime_model: str = "gpt-realtime-2.1-mini"

    def check_key(self, provider: str) -> None:
        """See that there is a key, if one is needed.

        Raises:
            MissingKeyError: there is none.
        """
        if not self.api_key and is_own(self.base_url):
            raise MissingKeyError(provider, "no key", hint="set OPENAI_API_KEY")

    @property
    def headers(self) -> dict[str, str]:
        """What proves the account; the key goes nowhere else."""
        headers = _bearer(self.api_key)
        if self.org_id:
            headers["OpenAI-Organization"] = self.org_id
        if self.project_id:
            headers["OpenAI-Project"] = self.project_id
        return headers

    @property
    def speech(self) -> tuple[str, dict[str, str]]:
        """The base URL of who speaks over HTTP, and what it is shown."""
        if self.tts_base_url is None:
            return self.base_url, self.headers
        return self.tts_base_url, _bearer(self.tts_api_key)

    @property
    def speech_key(self) -> str:
        """The variable that holds the key of who speaks over HTTP."""
        return "OPENAI_API_KEY" if self.tts_base_url is None else "OPENAI_TTS_API_KEY"

    def socket(self, query: str) -> str:
        """The URL of a realtime session."""
        # http becomes ws, and https wss.
        return f"ws{self.base_url.removeprefix('http')}/realtime?{query}"


def is_own(base_url: str) -> bool:
    """Whether an address is OpenAI's own."""
    return is_within(base_url, "openai.com")


def language_code(tag: str) -> str:
    """OpenAI's code for a BCP-47 tag: two letters (ISO 639-1), without the region."""
    code = general(tag)
    return _OWN_CODES.get(code, code)


def text(value: Any) -> str:
    """A value of a message that has to be a text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError
    return value


def refusal(provider: str, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an HTTP answer of 300 or more is."""
    try:
        error = read(provider, body).get("error")
    except InvalidResponseError:
        error = None
    told = error if isinstance(error, dict) else {}
    found = failure(provider, told, status=status, retry_after_s=advised_wait_s(headers))
    should = headers.get("x-should-retry")
    if should in ("true", "false"):
        found.retryable = should == "true"
    return found


def failure(
    provider: str,
    error: Mapping[str, Any],
    *,
    status: int = 0,
    retry_after_s: float | None = None,
) -> ProviderError:
    """The error that an `error` object tells of.

    Args:
        provider: the catalogue name of who is told.
        error: with `message`, `type`, `code` and `param`, as far as they are there.
        status: of the HTTP answer that it came in; 0 for a message of a session.
        retry_after_s: the vendor's advice.
    """
    code, kind, param = (str(error.get(name) or "") for name in ("code", "type", "param"))
    words = {code, kind}
    told = code or kind or (str(status) if status else None)
    said = str(error.get("message") or (f"HTTP status {status}" if status else "it failed"))[:200]
    if words & _QUOTA or status == 402:
        return QuotaError(provider, said, hint=_HINTS.quota, code=told)
    if "rate_limit" in code or "rate_limit" in kind or status == 429:
        return RateLimitError(
            provider,
            said,
            hint=_HINTS.limit,
            code=told,
            retry_after_s=retry_after_s,
        )
    if status == 401 or words & {"invalid_api_key", "authentication_error"}:
        # Its own text repeats a part of the key.
        return AuthenticationError(provider, "the key was refused", hint=_HINTS.key, code=told)
    if status == 403:
        return AuthenticationError(provider, said, hint=_HINTS.key, code=told)
    if (wrong := _wrong(provider, said, told, code, param.rpartition(".")[2])) is not None:
        return wrong
    return _by_status(provider, said, told, kind, status)


def _wrong(
    provider: str, said: str, told: str | None, code: str, param: str
) -> ProviderError | None:
    """What was asked for is not on offer."""
    if param in ("language", "languages") or "language" in code:
        return UnsupportedLanguageError(provider, said, code=told)
    if code == "model_not_found" or param == "model":
        hint = "name one that there is: OPENAI_STT_MODEL, OPENAI_FILES_MODEL, OPENAI_TTS_MODEL"
        return UnsupportedError(provider, said, hint=f"{hint}, OPENAI_REALTIME_MODEL", code=told)
    if param == "voice":
        return UnsupportedError(provider, said, hint="choose another voice", code=told)
    return None


def _by_status(provider: str, said: str, told: str | None, kind: str, status: int) -> ProviderError:
    # A request that met another one may come again; a session that was old enough, too.
    if status == 409 or kind == "server_error" or told == "session_expired":
        return UnavailableError(provider, said, code=told)
    if status == 404:
        hint = "see whether OPENAI_BASE_URL or OPENAI_TTS_BASE_URL is right; most end with /v1"
        return ApiError(provider, said, hint=hint, code=told)
    return by_status(provider, status, said, _HINTS, code=told)


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}
