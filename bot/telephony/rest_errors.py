"""PURE: how a request to Twilio's REST API can fail.

    RestError              Twilio refused, or gave an answer that is not one
    ├── CallGone           the call is unknown, or no longer in progress
    ├── RestDenied         the credentials are wrong, or may not do this
    ├── RestBusy           too many requests at once; this one was not processed
    ├── RestWithdrawn      nobody wanted it any more before it was sent
    └── RestUnavailable    no answer in time, or Twilio's own fault; whether it was done is unknown
        └── RestUnreached  no connection could be made: it was not done

The body of a refusal is JSON of Twilio's own (`code`, `message`), a problem detail of RFC 9457
(`code`, `title`, `detail`), or a page of some proxy, which is not quoted.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = [
    "LONGEST_RETRY_S",
    "CallGone",
    "RestBusy",
    "RestDenied",
    "RestError",
    "RestUnavailable",
    "RestUnreached",
    "RestWithdrawn",
    "refusal",
    "retry_after_s",
]

MAX_MESSAGE = 300
LONGEST_RETRY_S = 300.0
"""No answer is waited upon longer, whatever it says: it may be some proxy's."""
NOT_IN_PROGRESS = 21220

# The call itself, or what is made on it: not found means that the call is not. That a call is not
# in progress is also said of a recording that comes a moment too early, and then it is not gone.
_OF_CALL = re.compile(r"/Calls/[^/]+(/Recordings)?\.json$")
_CALL = re.compile(r"/Calls/[^/]+\.json$")


class RestError(Exception):
    """Twilio did not do what was asked.

    Attributes:
        status: the HTTP status of the answer; None when there was none.
        code: Twilio's error code (https://www.twilio.com/docs/api/errors); None when it gave none.
        retry_after_s: how long Twilio asks to wait before the next attempt, within
            `LONGEST_RETRY_S`; None when it does not.
    """

    def __init__(
        self,
        fault: str,
        *,
        status: int | None = None,
        code: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(fault)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s


class CallGone(RestError):
    """The call is unknown to Twilio, or has ended."""


class RestDenied(RestError):
    """Twilio does not accept the account SID and token, or they may not do this."""


class RestBusy(RestError):
    """Too many requests at once; Twilio has not processed this one."""


class RestWithdrawn(RestError):
    """It was too late to ask when the request could have been sent, so it was not."""


class RestUnavailable(RestError):
    """Twilio gave no answer, or failed itself. Whether the request was carried out is unknown."""


class RestUnreached(RestUnavailable):
    """No connection to Twilio could be made, so the request was not carried out."""


def refusal(
    method: str, path: str, status: int, body: str, retry_after: str | None, now: datetime
) -> RestError:
    """The error that an answer other than a success stands for.

    Args:
        method: GET, POST or DELETE.
        path: of the resource that was asked for, without query.
        status: HTTP status, 300 or above.
        body: what came with it; may be anything.
        retry_after: the header of that name.
        now: with which a date in `retry_after` is compared.
    """
    code, message = _explanation(body)
    named = f", error {code}" if code is not None else ""
    said = f": {message}" if message else ""
    remedy = ""
    if status == 401:
        remedy = "; check TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_REGION"
    return _kind(path, status, code)(
        f"Twilio answered {method} {path} with HTTP {status}{named}{said}{remedy}",
        status=status,
        code=code,
        retry_after_s=retry_after_s(retry_after, now),
    )


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds to wait by a `Retry-After` header, a number or a date (RFC 9110, 10.2.3), but no more
    than `LONGEST_RETRY_S`."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), LONGEST_RETRY_S)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max(0.0, (when - now).total_seconds()), LONGEST_RETRY_S)


def _kind(path: str, status: int, code: int | None) -> type[RestError]:
    if status == 404 and _OF_CALL.search(path):
        return CallGone
    if code == NOT_IN_PROGRESS and _CALL.search(path):
        return CallGone
    if status in {401, 403}:
        return RestDenied
    if status == 429:
        return RestBusy
    if status == 408 or status >= 500:
        return RestUnavailable
    return RestError


def _explanation(body: str) -> tuple[int | None, str]:
    try:
        held = json.loads(body)
    except ValueError:
        return None, ""
    if not isinstance(held, dict):
        return None, ""
    code = held.get("code")
    code = int(code) if isinstance(code, int | str) and str(code).isdecimal() else None
    said = [held.get(key) for key in ("message", "title", "detail")]
    text = " - ".join(item for item in said if isinstance(item, str) and item)
    return code, " ".join(text.split())[:MAX_MESSAGE]
