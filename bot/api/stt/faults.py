"""PURE: every error that a client of the speech-to-text service may get, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from providers import errors

__all__ = ["FAULTS", "Fault", "FaultKind", "fault_of"]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of error.

    Attributes:
        code: what programs tell it by; also the reason with which a WebSocket is closed.
        status: the HTTP status of an answer that has it.
        close: the code with which it closes a WebSocket, if it ends the session.
        meaning: what has happened, and what to do.
        ends: whether a WebSocket that is told so is closed.
    """

    code: str
    status: int
    close: int
    meaning: str
    ends: bool = True


_KINDS = (
    FaultKind(
        "bad_message", 400, 1007, "a message, or a body, is not of a form that is known", False
    ),
    FaultKind("bad_config", 400, 1008, "what is asked for contradicts itself or comes too late"),
    FaultKind("unknown_parameter_value", 400, 1008, "a parameter has a value that it cannot have"),
    FaultKind("bad_sample_rate", 400, 1008, "nobody takes so many samples a second"),
    FaultKind("bad_encoding", 400, 1008, "audio in that encoding is not taken"),
    FaultKind("bad_channels", 400, 1008, "audio of so many channels is not taken"),
    FaultKind("bad_language", 400, 1008, "there is no language of that name or code"),
    FaultKind(
        "unsupported_language", 400, 1008, "the recognizer asked for does not know the language"
    ),
    FaultKind("unknown_provider", 400, 1008, "there is no recognizer of that name"),
    FaultKind("provider_not_configured", 400, 1008, "the recognizer is known, but not set up here"),
    FaultKind(
        "provider_failed", 502, 1011, "no recognizer can go on: resume the session, or try later"
    ),
    FaultKind(
        "bad_audio", 400, 1007, "the audio is not what its encoding says, or is damaged", False
    ),
    FaultKind("message_too_large", 413, 1009, "one message, or a body, has too many bytes"),
    FaultKind("unauthorized", 401, 1008, "the key or token is missing, wrong or used up"),
    FaultKind("forbidden", 403, 1008, "the key may not do this"),
    FaultKind("origin_refused", 403, 1008, "pages of that origin may not use the service"),
    FaultKind(
        "key_in_url", 400, 1008, "a key stands in the address, where logs keep it: replace it"
    ),
    FaultKind("rate_limited", 429, 1013, "too many requests: wait as long as is said"),
    FaultKind("too_fast", 429, 1013, "too much audio waits: send it again a little later", False),
    FaultKind("too_many_sessions", 429, 1013, "so many sessions are open: end one, or wait"),
    FaultKind("quota_used_up", 429, 1013, "the key's audio of this period is used up"),
    FaultKind("session_not_found", 404, 1008, "there is no session of that id for this key"),
    FaultKind("session_expired", 410, 1008, "the session was left idle: begin another"),
    FaultKind("session_taken_over", 409, 1008, "another connection has resumed the session"),
    FaultKind("session_ended", 409, 1008, "the session is over: begin another"),
    FaultKind("chunk_out_of_order", 409, 1008, "a chunk between has not come: send that first"),
    FaultKind("chunk_conflict", 409, 1008, "a chunk of that index came with other bytes"),
    FaultKind("too_long", 409, 1008, "the session has lasted as long as one may: begin another"),
    FaultKind("idle", 408, 1008, "nothing came for as long as is waited"),
    FaultKind("slow_reader", 408, 1008, "results are not read: resume the session, and read them"),
    FaultKind("draining", 503, 1012, "this worker ends: connect again, and resume the session"),
    FaultKind("store_away", 503, 1013, "sessions cannot be kept for now: try again soon"),
    FaultKind("not_found", 404, 1008, "there is nothing at that address", False),
    FaultKind("method_not_allowed", 405, 1008, "the address is asked by other methods", False),
    FaultKind("not_a_websocket", 426, 1008, "the address is a WebSocket's: connect to it", False),
    FaultKind("internal", 500, 1011, "the service has a fault: try again, and report it"),
)
FAULTS: dict[str, FaultKind] = {kind.code: kind for kind in _KINDS}
"""Every kind of error, by its code."""


class Fault(Exception):
    """Something that a client is told it did wrong, or that it cannot have.

    Attributes:
        code: which of `FAULTS`.
        text: what is wrong, and what to change; it holds no key.
        allowed: what would have been right, in JSON values; None when that is not a list.
        retry_after_s: when it may go better; None when trying again does not help.
    """

    def __init__(
        self,
        code: str,
        text: str,
        *,
        allowed: Any = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, text)
        self._kind = FAULTS[code]
        self.code = code
        self.text = text
        self.allowed = allowed
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        """The HTTP status that goes with it."""
        return self._kind.status

    @property
    def close(self) -> int:
        """The code with which it closes a WebSocket."""
        return self._kind.close

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP answer with it says beside it."""
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(ceil(self.retry_after_s))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return headers

    @property
    def ends(self) -> bool:
        """Whether a WebSocket that is told so is closed."""
        return self._kind.ends

    def values(self, now_s: float) -> dict[str, Any]:
        """What clients are told, as JSON values; `now_s` is the Unix time."""
        values: dict[str, Any] = {"error": self.text, "code": self.code, "timestamp": now_s}
        if self.allowed is not None:
            values["allowed"] = self.allowed
        if self.retry_after_s is not None:
            values["retry_after_s"] = self.retry_after_s
        return values

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


# The first that fits holds, so what is special stands before what is general.
_CODES: tuple[tuple[type[errors.ProviderError], str], ...] = (
    (errors.UnsupportedLanguageError, "unsupported_language"),
    (errors.UnsupportedFormatError, "bad_encoding"),
    (errors.UnsupportedError, "unknown_parameter_value"),
    (errors.MissingKeyError, "provider_not_configured"),
    (errors.UnsupportedRateError, "bad_sample_rate"),
    (errors.AudioTooLargeError, "too_long"),
    (errors.AudioError, "bad_audio"),
    (errors.SessionNotFoundError, "session_not_found"),
    (errors.SessionExpiredError, "session_expired"),
    (errors.SessionActiveError, "session_taken_over"),
    (errors.CapacityError, "too_many_sessions"),
)
_AGAIN_S = 5.0
"""After which a recognizer that failed is worth another try, if it did not say so itself."""


def fault_of(error: errors.ProviderError) -> Fault:
    """What a client is told of a recognizer's error.

    Of the worker's own troubles with a vendor (its key, its account) it learns that there are some.
    """
    for kind, code in _CODES:
        if isinstance(error, kind):
            hint = f"; {error.hint}" if error.hint else ""
            retry = _AGAIN_S if error.retryable else None
            return Fault(code, f"{error.reason}{hint}", retry_after_s=retry)
    text = f"{error.provider} cannot go on"
    if isinstance(error, errors.ApiError):
        # What a client may name as it likes, a model, is known to the vendor alone.
        text = f"{error.provider} refuses what is asked of it, such as the model: {error.reason}"
    advised = error.retry_after_s if isinstance(error, errors.RateLimitError) else None
    retry_after_s = advised or (_AGAIN_S if error.retryable else None)
    return Fault("provider_failed", text, retry_after_s=retry_after_s)
