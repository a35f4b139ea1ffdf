"""How big a proof is, how fast everything goes in it, and who is called."""

from __future__ import annotations

from dataclasses import dataclass

from bot.campaign.reconcile import Timings
from bot.campaign.spec import RETRIED, CampaignSpec, Retry, Window
from bot.campaign.types import Limits, NewContact, Plan
from tests.vendors.twilio_rest.meddling import Meddling
from tests.vendors.twilio_rest.people import Crowd

__all__ = ["ATTEMPTS", "ProofPlan"]

ATTEMPTS = 3
RING_S = 5
SPEED = 5.0
"""How much faster people and their telephones are."""

DAY_MS = 86_400_000

LEASE_MS = 3_000

LIST_LAG_S = 0.5


@dataclass(frozen=True, slots=True)
class ProofPlan:
    """One proof.

    Attributes:
        kills: of processes, Redis among them.
        workers: how many dialers there are at any time.
        per_second: how many calls may be placed.
        seed: of every chance but those of the processes themselves.
        retry_s: after how long people are called again.
        lost_ms: after the longest ringing, until Twilio's lists have every call.
        late_s: how much later a held request is carried out at most: its attempt is being looked
            for by then.
        whole: whether Twilio asks a whole `parley serve`, and not some webhooks in this process.
        dropped: which part of the callbacks never comes. It takes the longest ringing, or the
            longest call, until anybody asks.
    """

    contacts: int
    kills: int
    workers: int = 4
    per_second: float = 20.0
    seed: int = 1
    retry_s: int = 8
    lost_ms: int = 1_500
    late_s: float = 3.0
    whole: bool = False
    dropped: float = 0.05

    @property
    def spec(self) -> CampaignSpec:
        """A campaign that may call at any time, and tries again soon."""
        return CampaignSpec(
            name="crash",
            from_numbers=("+15550200001", "+15550200002", "+15550200003"),
            caller_id="rotate",
            window=Window.parse("00:00-24:00"),
            days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
            max_concurrent=500,
            attempts=ATTEMPTS,
            attempts_per_day=100,
            retry={outcome: Retry(after_s=self.retry_s) for outcome in RETRIED},
            ring_timeout_s=RING_S,
            time_limit_s=10,
            early_s=0,
            breaker=1000,
        )

    @property
    def limits(self) -> Limits:
        return Limits(self.per_second, 500, 0, LEASE_MS)

    @property
    def timings(self) -> Timings:
        """All but the ringing as it is in production, only shorter."""
        return Timings(
            lease_ms=LEASE_MS,
            lost_ms=self.lost_ms,
            list_again_ms=500,
            slack_ms=1_500,
            settle_ms=1_000,
            again_ms=1_500,
        )

    @property
    def crowd(self) -> Crowd:
        """Whoever is called."""
        return Crowd(
            self.seed,
            {
                "answers": 50,
                "hangs_up": 5,
                "machine": 5,
                "busy": 15,
                "no_answer": 15,
                "failed": 9,
                "unreachable": 1,
            },
            light=True,
            ring_ms=3_000,
            light_ms=6_000,
        )

    @property
    def meddling(self) -> Meddling:
        """What happens to callbacks."""
        return Meddling(
            self.dropped, doubled=0.1, delayed=0.1, reordered=0.2, delay_s=1.0, seed=self.seed
        )

    def people(self, now_ms: int) -> list[tuple[NewContact, Plan]]:
        """The contacts, all due at once."""
        plan = Plan(now_ms, now_ms + DAY_MS, "2026-01-01")
        return [
            (NewContact(f"+1555{number:07}", ("UTC",)), plan)
            for number in range(1, self.contacts + 1)
        ]
