"""PURE: where a campaign stands, and when it will be done."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from .types import TERMINAL_STATES, Campaign, Progress

__all__ = ["Estimate", "Status", "summary"]

LATELY_MS = 600_000
"""What `Progress.placed_lately` looks back at."""
SHORTEST_MS = 10_000
MINUTE_MS = 60_000

# Whose calls a person took, and whose nobody did. Not among them is what ended without a call, and
# `do_not_call`, which may be either.
_TAKEN = ("answered", "hung_up_early", "callback")
_NOT_TAKEN = ("voicemail", "message_left", "fax", "busy", "no_answer", "failed")


@dataclass(frozen=True, slots=True)
class Estimate:
    """When a campaign will be done.

    Attributes:
        done_ms: about then, in ms since the epoch; None when that cannot be said.
        not_before_ms: nobody may be called before then; None when somebody may be now.
        basis: how it is estimated, or why it is not, in words.
    """

    done_ms: int | None
    not_before_ms: int | None
    basis: str


@dataclass(frozen=True)
class Status:
    """A campaign at one moment.

    Attributes:
        now_ms: that moment, in ms since the epoch.
        warnings: what keeps it from going on, in words.
    """

    campaign: Campaign
    counted: Progress
    now_ms: int
    warnings: tuple[str, ...] = ()

    @cached_property
    def progress(self) -> Progress:
        """The numbers; who still waited when the campaign was canceled is canceled too."""
        counted = self.counted
        if self.campaign.state != "canceled" or not counted.waiting:
            return counted
        outcomes = dict(counted.outcomes)
        outcomes["canceled"] = outcomes.get("canceled", 0) + counted.waiting
        return replace(
            counted,
            outcomes=outcomes,
            waiting=0,
            done=counted.done + counted.waiting,
            due=0,
            next_due_ms=None,
        )

    @property
    def over(self) -> bool:
        """Whether nothing of it happens any more."""
        return self.campaign.state in TERMINAL_STATES and not self.progress.live

    @property
    def answer_rate(self) -> float | None:
        """Of the calls that are over the part that a person took; None when none is."""
        outcomes = self.progress.outcomes
        taken = sum(outcomes.get(outcome, 0) for outcome in _TAKEN)
        rest = sum(outcomes.get(outcome, 0) for outcome in _NOT_TAKEN)
        return taken / (taken + rest) if taken + rest else None

    @property
    def calls_per_minute(self) -> float:
        """In the last ten minutes, or since it was started."""
        started_ms = self.campaign.started_ms
        since_ms = LATELY_MS if started_ms is None else self.now_ms - started_ms
        over_ms = min(LATELY_MS, max(SHORTEST_MS, since_ms))
        return self.progress.placed_lately * MINUTE_MS / over_ms

    @property
    def estimate(self) -> Estimate | None:
        """When it will be done, if it goes on as until now; None when it does not run."""
        if self.campaign.state != "running":
            return None
        progress = self.progress
        left = progress.waiting + progress.live
        if not left:
            return Estimate(self.now_ms, None, "nobody is left to call")
        not_before_ms = None
        if not progress.due and not progress.live:
            not_before_ms = progress.next_due_ms
        per_minute = self.calls_per_minute
        if not per_minute:
            return Estimate(None, not_before_ms, "no call was placed in the last ten minutes")
        each = max(1.0, progress.attempts / progress.done) if progress.done else 1.0
        calls = max(left, round(each * progress.contacts) - progress.attempts)
        begin_ms = not_before_ms or self.now_ms
        basis = (
            f"{calls} calls are left at {each:.1f} a contact, as until now, and {per_minute:.1f} a"
            " minute, as lately; closed windows and later attempts come on top"
        )
        return Estimate(round(begin_ms + calls / per_minute * MINUTE_MS), not_before_ms, basis)

    def values(self) -> dict[str, Any]:
        """It as a JSON object: what the API and the command show."""
        campaign = self.campaign
        estimate = self.estimate
        return {
            **summary(campaign),
            "now_ms": self.now_ms,
            "spec": campaign.spec.model_dump(mode="json"),
            "progress": asdict(self.progress),
            "answer_rate": self.answer_rate,
            "calls_per_minute": self.calls_per_minute,
            "estimate": None if estimate is None else asdict(estimate),
            "warnings": list(self.warnings),
        }


def summary(campaign: Campaign) -> dict[str, Any]:
    """A campaign in a list, as a JSON object."""
    return {
        "id": campaign.id,
        "name": campaign.spec.name,
        "state": campaign.state,
        "reason": campaign.reason,
        "created_ms": campaign.created_ms,
        "started_ms": campaign.started_ms,
        "ended_ms": campaign.ended_ms,
        "accepted_loss": campaign.accepted_loss,
    }
