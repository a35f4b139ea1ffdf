"""Why a model gave no answer, and whether another attempt, or another model, can help."""

from __future__ import annotations

import re
from dataclasses import dataclass

import openai

from providers.http_request import advised_wait_s

__all__ = ["Failure", "failure_of"]

# Of the account, whichever model is asked. Source: https://platform.openai.com/docs/guides/error-codes
OUT_OF_QUOTA = frozenset({"insufficient_quota", "credit_balance_exhausted"})
_CODE = re.compile(r"[a-z0-9_.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that failed.

    Attributes:
        reason: what happened, in a few words of ours.
        again: whether the same model may answer the same request soon.
        wait_s: how long the server wants us to wait before; None when it does not say.
        elsewhere: whether another model may answer it.
    """

    reason: str
    again: bool = True
    wait_s: float | None = None
    elsewhere: bool = True


def failure_of(error: Exception) -> Failure:
    """What an exception of the client, or of our own deadlines, means.

    Its text is not taken over: servers repeat in it what they were sent, a part of the key too.
    """
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return Failure("no answer in time")
    if isinstance(error, openai.APIStatusError):
        return _refused(error)
    if isinstance(error, openai.APIConnectionError):
        return Failure("the connection failed")
    if isinstance(error, openai.APIError):
        quota = error.code in OUT_OF_QUOTA or error.type in OUT_OF_QUOTA
        reason = f"an error in the stream{_named(error.code)}"
        return Failure(reason, again=not quota, elsewhere=not quota)
    return Failure("an answer that cannot be read")


def _refused(error: openai.APIStatusError) -> Failure:
    status, headers = error.status_code, error.response.headers
    quota = status == 429 and bool({error.code, error.type} & OUT_OF_QUOTA)
    again = status in (408, 409, 429) or status >= 500
    if (told := headers.get("x-should-retry")) in ("true", "false"):
        again = told == "true"
    return Failure(
        f"HTTP {status}{_named(error.code)}",
        again=again and not quota,
        wait_s=advised_wait_s(headers),
        elsewhere=not (quota or status == 401),
    )


def _named(code: str | None) -> str:
    return f" ({code})" if code and _CODE.fullmatch(code) else ""
