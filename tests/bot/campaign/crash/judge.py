"""PURE: what the ledger of accepted calls says about a campaign."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bot.campaign.types import Attempt, Contact

from .plan import ATTEMPTS

__all__ = ["Placed", "Verdict", "judge"]

# The clocks of the stand-in and of Redis are one, but a status is old when it is told.
SLACK_S = 0.1


@dataclass(frozen=True, slots=True)
class Placed:
    """An accepted request for a call, as the stand-in has it.

    Attributes:
        at_s: when it was accepted.
        ended_s: when its call was over.
        duration_s: from answer to end; None without an answer.
        heard: whether whoever answered heard of the bot; else they may be called again.
    """

    number: str
    attempt: str
    at_s: float
    ended_s: float
    status: str
    duration_s: int | None
    heard: bool


@dataclass(slots=True)
class Verdict:
    """What is wrong, and what there was."""

    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def judge(
    placed: Iterable[Placed],
    contacts: Mapping[str, Contact],
    attempts: Sequence[Attempt],
    retry_s: float,
) -> Verdict:
    """Judge a campaign that should be over.

    Args:
        placed: the stand-in's ledger.
        contacts: all that were to be called, by number, as the store has them in the end.
        attempts: all that the store has.
        retry_s: how long after a call's end nobody is called again.
    """
    verdict = Verdict()
    calls: dict[str, list[Placed]] = defaultdict(list)
    for call in placed:
        calls[call.number].append(call)
    for number, contact in contacts.items():
        in_order = sorted(calls[number], key=lambda call: call.at_s)
        verdict.problems += _of_contact(contact, in_order, retry_s)
        verdict.problems += _of_answers(contact, in_order)
    verdict.problems += [f"{number}: called, and no contact" for number in calls.keys() - contacts]
    verdict.problems += _of_attempts(attempts)
    states = Counter(attempt.state for attempt in attempts)
    accepted = Counter(len(found) for found in calls.values())
    verdict.counts = {
        "contacts": len(contacts),
        "done": sum(contact.state == "done" for contact in contacts.values()),
        "accepted calls": sum(map(len, calls.values())),
        **{f"contacts called {times} times": accepted[times] for times in sorted(accepted)},
        "attempts": len(attempts),
        **{f"attempts {state}": count for state, count in sorted(states.items())},
        "attempts that were unknown": sum(attempt.token > 1 for attempt in attempts),
    }
    return verdict


def _of_contact(contact: Contact, calls: Sequence[Placed], retry_s: float) -> list[str]:
    number, problems = contact.number, []
    if contact.state != "done":
        problems.append(f"{number}: {contact.state}, not done")
    if len(calls) > ATTEMPTS:
        problems.append(f"{number}: called {len(calls)} times, not {ATTEMPTS}")
    # Twilio refuses some numbers: such an attempt is counted, but there is no call.
    refused = contact.outcome == "refused"
    if len(calls) + refused != contact.attempts:
        problems.append(f"{number}: {contact.attempts} attempts counted, {len(calls)} calls made")
    if len({call.attempt for call in calls}) < len(calls):
        problems.append(f"{number}: called twice for one attempt")
    for before, after in pairwise(calls):
        if after.at_s < before.ended_s + retry_s - SLACK_S:
            late_s = after.at_s - before.ended_s
            problems.append(f"{number}: called {late_s:.2f} s after {before.status}")
    if contact.outcome not in {"answered", "refused"} and contact.attempts < ATTEMPTS:
        problems.append(f"{number}: given up after {contact.attempts} attempts: {contact.outcome}")
    return problems


def _of_answers(contact: Contact, calls: Sequence[Placed]) -> list[str]:
    number, problems = contact.number, []
    if any(call.heard and call.status == "completed" and call.duration_s for call in calls[:-1]):
        problems.append(f"{number}: called again after it had been answered")
    if contact.outcome == "answered" and not any(call.duration_s for call in calls):
        problems.append(f"{number}: answered, says the store, and Twilio does not")
    return problems


def _of_attempts(attempts: Sequence[Attempt]) -> list[str]:
    return [
        f"{attempt.number}: attempt {attempt.id} is {attempt.state}"
        for attempt in attempts
        if attempt.state not in {"settled", "void"}
    ]
