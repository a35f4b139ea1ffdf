"""Attempts in the store: claimed, followed, settled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import cast

from .attempt_scripts import EMPTY_LIST, LOOK, LOST_ANSWER, SETTLE, VOID
from .call_scripts import CLOSED, NOTE
from .claim_script import CLAIM
from .packing import gap_ms, read_contact
from .pausing import tell_paused
from .store_part import BATCH, StorePart, attempt_given, plan_asked
from .types import Attempt, Claims, Limits, Outcome, Plan

__all__ = ["AttemptsPart"]


class AttemptsPart(StorePart):
    """Attempts, for `bot.campaign.store.CampaignStore`."""

    async def claim(self, campaign: str, ids: Sequence[str], limits: Limits) -> Claims:
        """Claim up to `len(ids)` due contacts, an attempt with one of these ids for each.

        In one step, by the clock that decides: the campaign runs, has begun and is not over; its
        rate and the account's, their numbers of live attempts; the alive workers' room; and for
        each contact its plan, that its number is not on the do-not-call list (it is done then),
        and has no live attempt in any campaign (it is put off for a minute then).

        One claim looks at 100 contacts at most, so that there may be fewer attempts than ids
        although nothing is in the way: `wait_ms` is 0 then. Who asked for a call at this time comes
        first, then who is due for longest. Contacts whose plan is over are given once a minute, and
        keep nobody waiting. Asked again with the same ids, it gives the attempts that it gave, as
        they are now.
        """
        asked = {
            "campaign": campaign,
            "ids": list(ids),
            "gap_ms": gap_ms(limits.calls_per_second),
            "max_concurrent": limits.max_concurrent,
            "inbound_room": limits.inbound_room,
            "lease_ms": limits.lease_ms,
        }
        blocked, wait_ms, claimed, stale = await self._scripts.run(CLAIM, asked)
        pairs = zip(stale[::2], stale[1::2], strict=True)
        return Claims(
            attempts=_attempts(claimed),
            stale=[read_contact(number.decode(), held) for number, held in pairs],
            blocked=blocked.decode(),
            wait_ms=None if wait_ms < 0 else wait_ms,
        )

    async def attempt(self, attempt: str) -> Attempt | None:
        """The attempt of that id."""
        found = await self._attempts([attempt.encode()])
        return found[0] if found else None

    async def attempt_of(self, sid: str) -> Attempt | None:
        """The attempt whose call has that SID."""
        return await self._named(self._keys.sid(sid))

    async def attempts(self, campaign: str) -> AsyncIterator[Attempt]:
        """All attempts of a campaign in the order of their claims, in batches; those that were
        settled longer ago than the store keeps anything are left out."""
        start = 0
        while ids := await self._ids(campaign, start):
            for attempt in await self._attempts(ids):
                yield attempt
            start += BATCH

    async def _ids(self, campaign: str, start: int) -> list[bytes]:
        name, end = self._keys.campaign(campaign, "attempts"), start + BATCH - 1
        return cast(list[bytes], await self._link.ask(lambda redis: redis.lrange(name, start, end)))

    async def note(
        self,
        attempt: str,
        *,
        sid: str,
        status: str = "",
        duration_s: int | None = None,
        minutes: int | None = None,
        answered_by: str = "",
        reason: str = "",
    ) -> Attempt | None:
        """Something was learned of the attempt's call: by the create's answer, a webhook, a list.

        Binds the SID if none is bound. A terminal status stays, and no status goes back; of all
        else the first that is said counts. What has another SID than the bound one changes nothing
        (see the `sid` of what is given), nor does anything once the attempt is settled. A void
        attempt whose contact is not live again is revived; a contact that is done stays so. A SID
        that is another attempt's is not bound. None when there is no such attempt.
        """
        facts = {
            "duration_s": duration_s,
            "minutes": minutes,
            "answered_by": answered_by or None,
            "reason": reason or None,
        }
        said = {name: value for name, value in facts.items() if value is not None}
        asked = {"attempt": attempt, "sid": sid, "status": status, "facts": said}
        return attempt_given(await self._scripts.run(NOTE, asked))

    async def call_closed(self, attempt: str, sid: str) -> bool:
        """Whoever had its call knows that it is over: if Twilio does not tell of it soon, the
        sweeper asks. False when it has told, or the call is another."""
        return bool(await self._scripts.run(CLOSED, {"attempt": attempt, "sid": sid}))

    async def lost_answer(self, attempt: str, token: int) -> Attempt | None:
        """The create's answer did not come (or the lease is over): the attempt is `unknown` from
        now on, with a new token, and is looked at now. None when the token is old or the SID known
        already."""
        asked = {"attempt": attempt, "token": token}
        return attempt_given(await self._scripts.run(LOST_ANSWER, asked))

    async def empty_list(self, attempt: str, token: int, again_ms: int) -> Attempt | None:
        """A list of Twilio's did not have its call: one more of `empties`, and a new token, so that
        no list is counted twice; look again at `again_ms` (since the epoch). None when the token is
        old or the attempt not `unknown` any more."""
        asked = {"attempt": attempt, "token": token, "again_ms": again_ms}
        return attempt_given(await self._scripts.run(EMPTY_LIST, asked))

    async def void(
        self,
        attempt: str,
        token: int,
        plan: Plan | None,
        *,
        outcome: Outcome = "expired",
        reason: str = "",
    ) -> bool:
        """No call was placed, for certain (or as certain as can be), or it was taken back before
        it rang (then `attempt.ended` is pushed): it does not count. The contact waits for `plan`,
        or is done with `outcome`. False when the token is old, or another call is known."""
        asked = {
            "attempt": attempt,
            "token": token,
            "plan": plan_asked(plan),
            "outcome": outcome,
            "reason": reason,
        }
        return bool(await self._scripts.run(VOID, asked))

    async def settle(
        self,
        attempt: str,
        outcome: Outcome,
        plan: Plan | None,
        *,
        reason: str = "",
        usd: float | None = None,
        token: int | None = None,
    ) -> bool:
        """Decide what became of an attempt, once: the contact waits for `plan`, or is done.

        Frees the number and the places, counts, feeds the circuit breaker (which may pause the
        campaign), and pushes `attempt.ended`, and `contact.done` if it is. False when it is settled
        already; with a `token` also when that is old or a call of it is known.
        """
        asked = {
            "attempt": attempt,
            "outcome": outcome,
            "plan": plan_asked(plan),
            "reason": reason,
            "usd": None if usd is None else repr(usd),
            "usd_micros": 0 if usd is None else round(usd * 1e6),
            "token": token,
        }
        settled = await self._scripts.run(SETTLE, asked)
        if isinstance(settled, list):
            campaign, why = settled
            tell_paused(campaign.decode(), why.decode())
        return bool(settled)

    async def watch(self, attempt: str, at_ms: int) -> None:
        """Have the sweeper look at a live attempt then."""
        name = self._keys.watch
        await self._link.ask(lambda redis: redis.zadd(name, {attempt: at_ms}, xx=True))

    async def look(self, count: int, again_ms: int) -> list[Attempt]:
        """Up to `count` attempts that are to be looked at now; each again `again_ms` later, if
        nobody says otherwise, so that whoever got them may die."""
        return _attempts(await self._scripts.run(LOOK, {"count": count, "again_ms": again_ms}))

    async def live(self, campaign: str) -> list[Attempt]:
        """The live attempts of a campaign."""
        name = self._keys.campaign(campaign, "live")
        ids = await self._link.ask(lambda redis: redis.smembers(name))
        return await self._attempts(sorted(ids)) if ids else []

    async def queued(self) -> int:
        """How many calls of all campaigns Twilio has in its queue, as far as is known."""
        return int(await self._link.ask(lambda redis: redis.scard(self._keys.queued)))

    async def last_called(self, number: str, from_number: str) -> Attempt | None:
        """The last attempt that called `number` from that number of ours: a call-back is of it."""
        return await self._named(self._keys.called(number, from_number))

    async def _named(self, name: str) -> Attempt | None:
        attempt = await self._link.ask(lambda redis: redis.get(name))
        return None if attempt is None else await self.attempt(attempt.decode())


def _attempts(given: Sequence[bytes]) -> list[Attempt]:
    read = (attempt_given(text) for text in given)
    return [attempt for attempt in read if attempt is not None]
