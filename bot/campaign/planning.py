"""PURE: when a contact is called next, if at all."""

from __future__ import annotations

from dataclasses import replace

from .spec import CampaignSpec, Retry
from .types import Contact, Outcome, Plan
from .window import openings

__all__ = ["first_plan", "next_plan", "plan_after", "replan"]


def first_plan(spec: CampaignSpec, zones: tuple[str, ...], now_ms: int) -> Plan | None:
    """When somebody in one of `zones` is called first; None when there is no moment for it."""
    return next(openings(spec, zones, now_ms), None)


def next_plan(
    spec: CampaignSpec,
    contact: Contact,
    outcome: Outcome,
    now_ms: int,
    *,
    jitter: float,
    call_back_s: int | None = None,
    silent: bool = False,
) -> Plan | None:
    """When a contact is called again after an attempt with that outcome; None when not any more.

    Args:
        contact: with the attempt counted, and with `retries` of the attempts before it.
        now_ms: when the attempt ended.
        jitter: from 0 to 1, random: which part of the campaign's `retry_jitter` is waited.
        call_back_s: in how many seconds the person asked to be called, for `callback`.
        silent: they took a call in which nobody talked to them: they are not called sooner than
            who has hung up early.
    """
    retry = _retry(spec, outcome)
    named = outcome == "callback" and call_back_s is not None
    # Who asks for a call at the last attempt is called once more: it is they who want it.
    spent = contact.attempts >= spec.attempts and not (named and "callback" not in contact.retries)
    if retry is None or spent:
        return None
    if retry.times is not None and contact.retries.get(outcome, 0) >= retry.times:
        return None
    after_s = retry.after_s
    if silent:
        after_s = max(after_s, spec.retry_after("hung_up_early").after_s)
    delay_s = after_s * (1 + jitter * spec.retry_jitter)
    if named and call_back_s is not None:
        # They named the time: no jitter.
        delay_s = call_back_s
    return _plan_from(spec, contact, now_ms + round(delay_s * 1000))


def replan(spec: CampaignSpec, contact: Contact, now_ms: int) -> Plan | None:
    """Another plan for a waiting contact whose plan has passed; None when no moment is left."""
    return _plan_from(spec, contact, now_ms)


def plan_after(spec: CampaignSpec, contact: Contact, delay_s: float, now_ms: int) -> Plan | None:
    """A plan for a contact whose live attempt is void: placed by nobody, it does not count.

    Args:
        contact: with that attempt still counted.
        delay_s: how long to wait before another.
    """
    without = replace(contact, today=contact.today - 1)
    return _plan_from(spec, without, now_ms + round(delay_s * 1000))


def _retry(spec: CampaignSpec, outcome: Outcome) -> Retry | None:
    match outcome:
        case "busy" | "no_answer" | "failed" | "voicemail" | "hung_up_early" | "callback":
            return spec.retry_after(outcome)
        case _:
            return None


def _plan_from(spec: CampaignSpec, contact: Contact, from_ms: int) -> Plan | None:
    """The next moment on a day on which the contact has an attempt left."""
    spent = contact.day if contact.today >= spec.attempts_per_day else None
    days = openings(spec, contact.zones, from_ms)
    return next((plan for plan in days if plan.day != spent), None)
