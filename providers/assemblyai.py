"""PURE: AssemblyAI's account, addresses and errors.

Source: https://www.assemblyai.com/docs/streaming/message-sequence, its page on
`common-session-errors-and-closures`, and the codes in AssemblyAI's own SDK (1.8.2)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import orjson

from .codec import Close, Failed
from .errors import (
    ApiError,
    AuthenticationError,
    DeadlineError,
    MissingKeyError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
)
from .http_request import advised_wait_s

__all__ = ["PROVIDER", "AssemblyAiAccount", "closing", "failure", "refusal"]

PROVIDER = "assemblyai"
_KEY = frozenset([401, 403, 1008, 4001])
_FUNDS = frozenset([402, 4002, 4003])
_LIMIT = frozenset([429, 3009, 4102])
_INPUT = frozenset([400, 404, 3006, 3007, 4000, 4100, 4101])
_LATE = frozenset([408, 504])
_IN_ORDER = 1000
_HINT_KEY = "check ASSEMBLYAI_API_KEY, and ASSEMBLYAI_BASE_URL"
_HINT_FUNDS = "see the balance in AssemblyAI's dashboard"
_HINT_LIMIT = "ask AssemblyAI for more sessions at a time"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblyAiAccount:
    """Whose account it is, and where.

    Attributes:
        api_key: the key.
        base_url: where; in the EU it is `https://streaming.eu.assemblyai.com`.
        model: which model recognizes; None is the one for the language.

    Raises:
        MissingKeyError: there is no key.
    """

    api_key: str = field(default="", repr=False)
    base_url: str = "https://streaming.assemblyai.com"
    model: str | None = None

    def __post_init__(self) -> None:
        if not self.api_key:
            raise MissingKeyError(PROVIDER, "no key", hint="set ASSEMBLYAI_API_KEY")

    @property
    def headers(self) -> dict[str, str]:
        """What proves the account: the key as it is, no scheme before it."""
        return {"Authorization": self.api_key}

    def socket_url(self, query: Sequence[tuple[str, str]]) -> str:
        """The address of a stream: the scheme alone is another."""
        base = "ws" + self.base_url.rstrip("/").removeprefix("http")
        return f"{base}/v3/ws?{urlencode(query)}"


def failure(code: int, text: str, *, retry_after_s: float | None = None) -> ProviderError:
    """The error that a code tells of: of a message, of a close frame, or an HTTP status.

    Args:
        code: it.
        text: what AssemblyAI says about it.
        retry_after_s: its advice.
    """
    said, name = text[:200] or f"it ended the session with {code}", str(code)
    lower = said.lower()
    if code in _LIMIT or "concurrent" in lower:
        return RateLimitError(
            PROVIDER, said, hint=_HINT_LIMIT, code=name, retry_after_s=retry_after_s
        )
    if code in _FUNDS or "insufficient" in lower:
        return QuotaError(PROVIDER, said, hint=_HINT_FUNDS, code=name)
    if code in _KEY:
        return AuthenticationError(PROVIDER, said, hint=_HINT_KEY, code=name)
    if code in _INPUT and "rate exceeded" not in lower:
        return ApiError(PROVIDER, said, code=name)
    if code in _LATE:
        return DeadlineError(PROVIDER, said, code=name)
    # Another session goes on from there: also when this one was given its audio too fast.
    return UnavailableError(PROVIDER, said, code=name)


def closing(close: Close) -> list[Failed]:
    """What a close frame means; nothing when it has no reason."""
    if close.code is None or close.code <= _IN_ORDER or not close.reason:
        return []
    return [Failed(failure(close.code, close.reason))]


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an HTTP status other than 101 is; header names are in lower case."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    text = said.get("error") if isinstance(said, dict) else None
    text = text if isinstance(text, str) else f"HTTP status {status}"
    return failure(status, text, retry_after_s=advised_wait_s(headers))
