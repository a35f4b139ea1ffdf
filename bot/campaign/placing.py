"""PURE: the request for a call, and what becomes of an attempt when Twilio does not place it.

Sources: https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource,
https://www.twilio.com/docs/api/errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bot.telephony.address import AMD_PATH, STATUS_PATH, VOICE_PATH, Address
from bot.telephony.rest_errors import (
    RestBusy,
    RestDenied,
    RestError,
    RestUnavailable,
    RestUnreached,
    RestWithdrawn,
)

from .spec import CampaignSpec
from .types import Attempt

__all__ = ["EVENTS", "Fate", "Refusal", "judge", "parameters"]

EVENTS = ("initiated", "ringing", "answered", "completed")
"""Twilio tells by default of the end alone."""

ATTEMPT_PARAMETER = "attempt"

Fate = Literal["unknown", "later", "refused", "failed", "paused"]
"""`unknown`: a call may have been placed. Of the others none was, for certain: `later`, it is tried
again soon and does not count; `refused`, the number is never called; `failed`, as a call that
failed, so that many in a row pause the campaign; `paused`, nobody can be called like this: it does
not count, and the campaign waits for its owner."""

INVALID = "it is no valid number"
COUNTRY = "the country is not enabled in the account's voice geographic permissions"
INACTIVE = "the Twilio account is not active: look at its balance in the Console"
ADDRESS = "Twilio does not take our address: correct PARLEY_PUBLIC_URL"
OURS = "{from_number} cannot call: correct from_numbers"
TRIAL = "a trial account calls verified numbers alone: upgrade it, or verify them"
MOST = "the Twilio account has as many calls as it may have at the same time"

# Of the number that was to be called alone.
REFUSED = {
    13226: INVALID,
    21202: "Twilio does not call premium and emergency numbers",
    21211: INVALID,
    21214: "the number cannot be reached",
    21217: INVALID,
}
# Of a country or a network, which may be everybody's in the campaign, or a few people's.
FAILED = {
    13224: "Twilio cannot call this number now, or it is none",
    13227: COUNTRY,
    21203: COUNTRY,
    21215: COUNTRY,
    21216: "Twilio blocks calls to this number; to call +1, create a Primary Customer Profile",
    32205: COUNTRY,
}
# Such numbers are not asked for again.
FOR_GOOD = frozenset({21216})
# Of the account, of our own number, or of our address.
PAUSED = {
    10001: INACTIVE,
    10002: "trial accounts cannot do this: upgrade the Twilio account",
    10005: "voice calls are disabled for the Twilio account: ask Twilio's support",
    11100: ADDRESS,
    20003: "Twilio does not take the credentials: check TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and"
    " TWILIO_REGION",
    20005: INACTIVE,
    20008: "these are Twilio's test credentials: set the account's own",
    20404: "Twilio does not know the account: check TWILIO_ACCOUNT_SID and TWILIO_REGION",
    21205: ADDRESS,
    21210: "{from_number} is not the account's: buy or verify it, or change from_numbers",
    21212: OURS,
    21213: OURS,
    21219: TRIAL,
    21609: ADDRESS,
    90010: INACTIVE,
    573005: TRIAL,
}
# Of so many calls at the same time.
CROWDED = {10004: MOST, 86008: MOST}
DENIED = "Twilio does not let the account call: check its credentials, balance and permissions"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What becomes of an attempt whose call Twilio did not place.

    Attributes:
        reason: in words, for the campaign's owner.
        back_off: whether Twilio should be asked for nothing more for a while.
        for_good: whether it would refuse another attempt as well.
    """

    fate: Fate
    reason: str
    back_off: bool = False
    for_good: bool = False


def parameters(spec: CampaignSpec, attempt: Attempt, address: Address) -> dict[str, Any]:
    """What to ask of `calls.create`.

    The attempt's id is in every URL, for whichever request of Twilio's comes first; and it is a
    URL, not a document: the call may wait in Twilio's queue, and a stream's token would not.
    """
    query = f"{ATTEMPT_PARAMETER}={attempt.id}"
    asked: dict[str, Any] = {
        "to": attempt.number,
        "from_": attempt.from_number,
        "url": address.document(VOICE_PATH, query),
        "method": "POST",
        "status_callback": address.document(STATUS_PATH, query),
        "status_callback_event": list(EVENTS),
        "status_callback_method": "POST",
        "timeout": spec.ring_timeout_s,
        "time_limit": spec.time_limit_s,
    }
    if spec.record:
        asked |= {"record": True, "recording_channels": "dual"}
    if spec.machine_detection != "off":
        asked["machine_detection"] = _detection(spec)
    if spec.machine_detection == "async":
        asked |= {
            # The client sends it as it is, and Twilio knows no `True`.
            "async_amd": "true",
            "async_amd_status_callback": address.document(AMD_PATH, query),
            "async_amd_status_callback_method": "POST",
        }
    return asked


def _detection(spec: CampaignSpec) -> str:
    """Wait for the greeting's end only if Twilio is to say when that is."""
    waits = spec.voicemail == "leave_message" and spec.message_after != "stream"
    return "DetectMessageEnd" if waits else "Enable"


def judge(error: RestError, attempt: Attempt) -> Refusal:
    """What an error of `rest.create` means for the attempt."""
    match error:
        case RestWithdrawn():
            return Refusal("later", "it was not dialled in time")
        case RestUnreached():
            return Refusal("later", "Twilio cannot be reached", back_off=True)
        case RestUnavailable():
            return Refusal("unknown", "Twilio's answer did not come", back_off=True)
        case RestBusy():
            return Refusal("later", "Twilio had too many requests", back_off=True)
        case RestError(status=None):
            # It cannot be asked at all: the message says what to look at.
            return Refusal("later", str(error), back_off=True)
    return _by_code(error, attempt)


def _by_code(error: RestError, attempt: Attempt) -> Refusal:
    code = error.code
    named = f" (Twilio's error {code})" if code is not None else f" (HTTP {error.status})"
    if code in CROWDED:
        return Refusal("later", CROWDED[code] + named, back_off=True)
    if code in REFUSED:
        return Refusal("refused", REFUSED[code] + named)
    if code in FAILED:
        return Refusal("failed", FAILED[code] + named, for_good=code in FOR_GOOD)
    if code in PAUSED:
        words = PAUSED[code].format(from_number=attempt.from_number)
        return Refusal("paused", words + named)
    if isinstance(error, RestDenied) or error.status == 404:
        return Refusal("paused", DENIED + named)
    # Not its words: they have the number that was to be called, and our account.
    return Refusal("failed", "Twilio refused the call" + named)
