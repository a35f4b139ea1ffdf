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
JUST_STARTED_MS = 60_000
"""Within which a campaign may not have placed a call yet."""
LONGEST_MS = 90 * 86_400_000
"""Of what takes longer nobody can say when it will be done."""
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
        account_per_second: how many calls all campaigns together may place.
        warnings: what keeps it from going on, and what it risks, in words.
    """

    campaign: Campaign
    counted: Progress
    now_ms: int
    account_per_second: float
    warnings: tuple[str, ...] = ()

    @cached_property
    def progress(self) -> Progress:
        """The numbers; who still waited when the campaign was canceled is canceled too."""
        counted = self.counted
        if self.campaign.state != "canceled" or not counted.waiting:
            return counted
        outcomes = dict(counted.contact_outcomes)
        outcomes["canceled"] = outcomes.get("canceled", 0) + counted.waiting
        return replace(
            counted,
            contact_outcomes=outcomes,
            waiting=0,
            done=counted.done + counted.waiting,
            due=0,
            next_due_ms=None,
            last_due_ms=None,
        )

    @property
    def over(self) -> bool:
        """Whether nothing of it happens any more."""
        return self.campaign.state in TERMINAL_STATES and not self.progress.live

    @property
    def stopped(self) -> bool:
        """Whether Parley itself has paused it: it waits for its owner to change something."""
        return self.campaign.state == "paused" and not self.campaign.by_owner

    @property
    def answer_rate(self) -> float | None:
        """Of the calls that are over the part that a person took; None when none is."""
        outcomes = self.progress.outcomes
        taken = sum(outcomes.get(outcome, 0) for outcome in _TAKEN)
        rest = sum(outcomes.get(outcome, 0) for outcome in _NOT_TAKEN)
        return taken / (taken + rest) if taken + rest else None

    @property
    def calls_per_minute(self) -> float:
        """In the last ten minutes, or since the first call in them."""
        progress = self.progress
        if progress.lately_from_ms is None:
            return 0.0
        since_ms = max(progress.lately_from_ms, self.campaign.started_ms or 0)
        over_ms = min(LATELY_MS, max(SHORTEST_MS, self.now_ms - since_ms))
        return progress.placed_lately * MINUTE_MS / over_ms

    @property
    def estimate(self) -> Estimate | None:
        """When it will be done, if it goes on as until now; None when it does not run."""
        if self.campaign.state != "running":
            return None
        progress, spec = self.progress, self.campaign.spec
        if not progress.waiting + progress.live:
            return Estimate(self.now_ms, None, "nobody is left to call")
        not_before_ms = None if progress.due else progress.next_due_ms
        begin_ms = max(self.now_ms, not_before_ms or 0)
        if spec.starts_at is not None:
            begin_ms = max(begin_ms, round(spec.starts_at.timestamp() * 1000))
        per_minute, rate = self._rate(held_up=begin_ms == self.now_ms)
        if not per_minute:
            return Estimate(None, not_before_ms, rate)
        calls = self.calls_left
        taken_ms = calls / per_minute * MINUTE_MS
        if taken_ms > LONGEST_MS:
            return Estimate(None, not_before_ms, f"{_calls(calls)}, {rate}: that takes months")
        done_ms = max(begin_ms + round(taken_ms), progress.last_due_ms or 0)
        basis = f"{_calls(calls)}, {rate}; closed windows and later attempts come on top"
        if spec.ends_at is not None and spec.ends_at.timestamp() * 1000 < done_ms:
            done_ms = round(spec.ends_at.timestamp() * 1000)
            basis = f"it ends then, perhaps before everybody is called: {_calls(calls)}, {rate}"
        return Estimate(done_ms, not_before_ms, basis)

    @property
    def calls_left(self) -> int:
        """How many calls those who are not done may still need, if as many as those who are done
        needed; one for each while nobody is done, and never more than the campaign makes."""
        progress = self.progress
        left = progress.waiting + progress.live
        each = progress.done_attempts / progress.done if progress.done else 1.0
        had = progress.attempts - progress.done_attempts
        most = max(0, left * self.campaign.spec.attempts - had)
        return min(most, max(progress.waiting, round(each * left) - had))

    def _rate(self, *, held_up: bool) -> tuple[float, str]:
        """Calls a minute from now on and where that is from; 0 and why, when nobody can say.

        Args:
            held_up: people are due now, so that calls should be placed.
        """
        limits = (self.campaign.spec.calls_per_second, self.account_per_second)
        most = min(limit * 60 for limit in limits if limit is not None)
        lately = self.calls_per_minute
        if lately:
            return min(most, lately), f"{_number(min(most, lately))} a minute, as lately"
        started_ms = self.campaign.started_ms or 0
        if held_up and self.now_ms - started_ms >= JUST_STARTED_MS:
            return 0.0, "no call was placed in the last ten minutes"
        return most, f"{_number(most)} a minute at most"

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


def _calls(count: int) -> str:
    return "1 call is left" if count == 1 else f"about {count} calls are left"


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 0.1 else f"{value:.1g}"


def summary(campaign: Campaign) -> dict[str, Any]:
    """A campaign in a list, as a JSON object."""
    return {
        "id": campaign.id,
        "name": campaign.spec.name,
        "state": campaign.state,
        "unreadable": campaign.unreadable,
        "reason": campaign.reason,
        "created_ms": campaign.created_ms,
        "started_ms": campaign.started_ms,
        "ended_ms": campaign.ended_ms,
        "accepted_loss": campaign.accepted_loss,
    }
