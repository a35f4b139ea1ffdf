"""PURE: what is to be found out about an attempt, by what is known of it and the time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bot.telephony.rest_resources import RestCall

from .phone import number_of
from .types import Attempt, Campaign

__all__ = [
    "CLOSED_LOOK_MS",
    "CLOSING_MS",
    "FEW_QUEUED",
    "LONGEST_MS",
    "SLACK_MS",
    "TAKEN_BACK_MS",
    "TAKING_MS",
    "Step",
    "Timings",
    "are_over",
    "candidates",
    "due_ms",
    "listed_for_certain_ms",
    "next_step",
    "possible",
    "taken_back_ms",
]

Task = Literal["wait", "lose", "search", "fetch", "unqueue", "take_back", "settle", "nothing"]

SLACK_MS = 60_000
"""How much earlier than its claim a call may seem to be that is taken for the attempt's: Twilio's
clock is not the store's."""

STRANGE_MS = 86_400_000
"""How much earlier one may seem to be that could still be it, should a clock be quite wrong."""

_OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})

TAKEN_BACK_MS = 3_000
"""So long before somebody may not be called any more, a call that still waits in Twilio's queue is
taken back: nobody may have time for it right then."""

FEW_QUEUED = 40
"""So many calls are taken back in what of that a sweeper's ticks leave."""

TAKING_MS = 25
"""For each one more: two requests to a Twilio that answers in 150 ms, `TAKEN_BACK_AT_ONCE` (see
`bot.campaign.patience`) at the same time."""

LONGEST_MS = 300_000
"""At most so long before, however many there are."""

LOOK_AGAIN_MS = 1_000
"""Not sooner is it looked whether the queue has grown."""

CLOSED_LOOK_MS = 5_000
"""How long after its worker saw a call over Twilio is asked about it, if it does not tell."""

CLOSING_MS = TAKEN_BACK_MS + 2_000
"""Nobody is claimed so shortly before: their call could not be taken back in time."""


@dataclass(frozen=True, slots=True)
class Timings:
    """How long things may take, in milliseconds.

    Attributes:
        lease_ms: from a claim until nobody may ask Twilio for the call any more.
        lost_ms: after the longest ringing, until Twilio's lists have every call.
        list_again_ms: between two of its lists.
        slack_ms: how late the word of a step may be before Twilio is asked about it.
        settle_ms: from a call's end until nobody waits for its record to be complete.
        again_ms: until an attempt is looked at again when nothing has changed.
    """

    lease_ms: int = 10_000
    lost_ms: int = 60_000
    list_again_ms: int = 15_000
    slack_ms: int = 30_000
    settle_ms: int = 15_000
    again_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class Step:
    """What to do about an attempt.

    `wait`: nothing before `at_ms`; `lose`: its dialer has died; `search`: look for its call in
    Twilio's lists; `fetch`: ask Twilio how its call is; `unqueue`: have Twilio not dial it, unless
    it has; `take_back`: have it not go on, unless it is answered; `settle`: decide its outcome;
    `nothing`: it is over.
    """

    task: Task
    at_ms: int = 0


def taken_back_ms(queued: int) -> int:
    """How long before nobody may be called any more calls are taken back, if so many wait in
    Twilio's queue."""
    return min(LONGEST_MS, TAKEN_BACK_MS + max(0, queued - FEW_QUEUED) * TAKING_MS)


def next_step(
    attempt: Attempt, campaign: Campaign, now_ms: int, timings: Timings, queued: int = 0
) -> Step:
    """What to do about an attempt now, there being so many calls `queued` at Twilio."""
    match attempt.state:
        case "claimed" if now_ms < attempt.lease_until_ms:
            return Step("wait", attempt.lease_until_ms)
        case "claimed":
            return Step("lose")
        case "unknown":
            return Step("search")
        case "ended":
            return Step("settle")
        case "placed":
            return _of_call(attempt, campaign, now_ms, timings, queued)
    return Step("nothing")


def _of_call(
    attempt: Attempt, campaign: Campaign, now_ms: int, timings: Timings, queued: int
) -> Step:
    waits = attempt.status in {"", "queued"}
    unanswered = waits or attempt.status in {"initiated", "ringing"}
    if unanswered and (campaign.state == "canceled" or attempt.unwanted or attempt.talked):
        return Step("take_back")
    over_ms = attempt.until_ms - taken_back_ms(queued)
    if waits and now_ms >= over_ms:
        return Step("unqueue")
    look_ms = due_ms(attempt, campaign, timings)
    if now_ms >= look_ms:
        return Step("fetch")
    return Step("wait", min(look_ms, _look_ms(attempt, now_ms, over_ms)) if waits else look_ms)


def _look_ms(attempt: Attempt, now_ms: int, over_ms: int) -> int:
    """When to look at a call that waits: the queue may grow, and `over_ms` come sooner by that."""
    early_ms = attempt.until_ms - LONGEST_MS
    if now_ms < early_ms:
        return early_ms
    return min(over_ms, now_ms + max(LOOK_AGAIN_MS, (over_ms - now_ms) // 2))


def due_ms(attempt: Attempt, campaign: Campaign, timings: Timings) -> int:
    """When Twilio should have told of the next step long ago."""
    spec = campaign.spec
    if attempt.closed_ms is not None:
        return attempt.closed_ms + CLOSED_LOOK_MS
    if attempt.answered_ms is not None:
        return attempt.answered_ms + spec.time_limit_s * 1000 + timings.slack_ms
    placed_ms = attempt.placed_ms or attempt.claimed_ms
    return placed_ms + spec.ring_timeout_s * 1000 + timings.slack_ms


def listed_for_certain_ms(attempt: Attempt, campaign: Campaign, timings: Timings) -> int:
    """From when on a list without the attempt's call says that there is none."""
    return attempt.claimed_ms + campaign.spec.ring_timeout_s * 1000 + timings.lost_ms


def candidates(calls: Iterable[RestCall], attempt: Attempt) -> list[RestCall]:
    """Those of Twilio's calls that are likely to be the attempt's, the likeliest first.

    The numbers are compared again: Twilio finds other spellings of them too, and a network may
    write the called one in another way than we dial it.
    """
    found = [
        (abs(call.created_ms - attempt.claimed_ms), call)
        for call in calls
        if call.direction == "outbound-api"
        and call.created_ms is not None
        and call.created_ms >= attempt.claimed_ms - SLACK_MS
        and attempt.number in (call.to_number, number_of(call.to_number))
        and call.from_number == attempt.from_number
    ]
    return [call for _, call in sorted(found, key=lambda item: item[0])]


def possible(calls: Iterable[RestCall], attempt: Attempt) -> list[RestCall]:
    """Those of the calls to and from its numbers that may be the attempt's, however unlikely: as
    long as nobody owns one of them, it is not for certain that the attempt has no call."""
    earliest_ms = attempt.claimed_ms - STRANGE_MS
    return [
        call
        for call in calls
        if call.direction == "outbound-api"
        and (call.created_ms is None or call.created_ms >= earliest_ms)
    ]


def are_over(calls: Iterable[RestCall]) -> bool:
    """Whether nothing will come of these calls any more."""
    return all(call.status in _OVER for call in calls)
