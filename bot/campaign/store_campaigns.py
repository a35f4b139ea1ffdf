"""Campaigns in the store: their states and numbers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import structlog
from redis.asyncio import Redis

from .campaign_scripts import CHANGE, CREATE, DELETE, PROGRESS, RETIRE
from .keys import SHARDS
from .packing import UNREADABLE, flattened, read_campaign
from .spec import CampaignSpec
from .store_part import BATCH, StorePart
from .types import TERMINAL_STATES, Attempt, Campaign, CampaignState, Progress

__all__ = ["CampaignsPart"]

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # without what is taken for something else
_ID_LENGTH = 8

log = structlog.get_logger(__name__)


class CampaignsPart(StorePart):
    """Campaigns, for `bot.campaign.store.CampaignStore`."""

    async def create(self, spec: CampaignSpec) -> Campaign:
        """A new campaign, a draft; its id is 8 letters and digits."""
        fields = {"spec": spec.model_dump_json(), **flattened(spec)}
        while True:
            name = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
            if await self._scripts.run(CREATE, {"campaign": name, "fields": fields}):
                break
        created = await self.campaign(name)
        assert created is not None, "a campaign without an end does not expire"
        return created

    async def campaign(self, campaign: str, *, readable: bool = True) -> Campaign | None:
        """The campaign of that id; if `readable`, not one that is not over and cannot be read, for
        nobody can say what is to become of its contacts."""
        name = self._keys.campaign(campaign)
        fields = await self._link.ask(lambda redis: redis.hgetall(name))
        if b"spec" not in fields:
            return None
        found = read_campaign(campaign, fields)
        if readable and found.unreadable and found.state not in TERMINAL_STATES:
            _warn(campaign)
            return None
        return found

    async def any_campaign(self) -> bool:
        """Whether there is one, or has been of late."""
        index = self._keys.index
        return bool(await self._link.ask(lambda redis: redis.exists(index)))

    async def campaigns(self) -> list[Campaign]:
        """All, the newest first."""
        index = self._keys.index
        names = await self._link.ask(lambda redis: redis.zrevrange(index, 0, -1))
        kept = await self._hashes(names)
        if gone := [name for name, fields in zip(names, kept, strict=True) if not fields]:
            await self._link.ask(lambda redis: redis.zrem(index, *gone))
        return _read(names, kept)

    async def running(self) -> list[Campaign]:
        """Those that run and can be read, in the order in which they may claim: by priority, among
        equals who claimed longest ago."""
        names = await self._link.ask(lambda redis: redis.smembers(self._keys.running))
        kept = await self._hashes(sorted(names))
        last = {
            name.decode(): int(fields.get(b"claimed", 0))
            for name, fields in zip(sorted(names), kept, strict=True)
        }
        found = [item for item in _read(sorted(names), kept) if item.state == "running"]
        for item in found:
            if item.unreadable:
                _warn(item.id)
        found = [item for item in found if not item.unreadable]
        return sorted(found, key=lambda item: (-item.spec.priority, last[item.id], item.id))

    async def clearing(self) -> list[Campaign]:
        """Those that are over, and may have calls at Twilio still, or attempts to `retire`."""
        index = self._keys.clearing
        names = sorted(await self._link.ask(lambda redis: redis.smembers(index)))
        kept = await self._hashes(names)
        for name, fields in zip(names, kept, strict=True):
            if not fields:
                await self.cleared(name.decode())
        return _read(names, kept)

    async def cleared(self, campaign: str) -> None:
        """A campaign that is over has no calls any more, and its attempts expire."""
        await self._link.ask(lambda redis: redis.srem(self._keys.clearing, campaign))

    async def tell_obstacle(self, obstacle: str, for_s: int) -> None:
        """Leave word of why nobody is dialled for any campaign, for so long; of nothing if ''."""
        name = self._keys.obstacle
        if obstacle:
            await self._link.ask(lambda redis: redis.set(name, obstacle, ex=for_s))
        else:
            await self._link.ask(lambda redis: redis.delete(name))

    async def obstacle(self) -> str:
        """Why nobody is dialled for any campaign, as a dialer said lately; '' for nothing."""
        said = await self._link.ask(lambda redis: redis.get(self._keys.obstacle))
        return "" if said is None else str(said, "utf-8")

    async def change(
        self,
        campaign: str,
        to: CampaignState,
        *,
        allowed: Sequence[CampaignState],
        reason: str = "",
        by_owner: bool = False,
        accepted_loss: bool | None = None,
    ) -> Campaign | None:
        """Move to another state if the present one is `allowed`.

        One that is done or canceled stays so, and expires. `done` is refused as long as a contact
        is live, or waits before the campaign's `ends_at`. Pushes the event `campaign.{to}`.

        Returns:
            The campaign as it is then, or None when that is not allowed (or it is unknown).
        """
        asked: dict[str, Any] = {
            "campaign": campaign,
            "to": to,
            "allowed": dict.fromkeys(allowed, True),
            "reason": reason,
            "by_owner": by_owner,
            "loss": None if accepted_loss is None else int(accepted_loss),
        }
        if not await self._scripts.run(CHANGE, asked):
            return None
        return await self.campaign(campaign, readable=False)

    async def progress(self, campaign: str) -> Progress:
        """The numbers of a campaign; all zero for an unknown one."""
        flat, live, due, next_due_ms, last_due_ms, lately, since_ms = await self._scripts.run(
            PROGRESS, {"campaign": campaign}
        )
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        return Progress(
            contacts=int(fields.get(b"contacts", 0)),
            waiting=int(fields.get(b"waiting", 0)),
            live=live,
            done=int(fields.get(b"done", 0)),
            attempts=int(fields.get(b"attempts", 0)),
            done_attempts=int(fields.get(b"done_attempts", 0)),
            outcomes=_counts(fields, b"outcome:"),
            contact_outcomes=_counts(fields, b"became:"),
            talked_s=int(fields.get(b"talked_s", 0)),
            usd=int(fields.get(b"usd_micros", 0)) / 1e6,
            due=due,
            next_due_ms=None if next_due_ms < 0 else next_due_ms,
            last_due_ms=None if last_due_ms < 0 else last_due_ms,
            placed_lately=lately,
            lately_from_ms=None if since_ms < 0 else since_ms,
            undelivered=int(fields.get(b"undelivered", 0)),
        )

    async def retire(self, campaign: str) -> bool:
        """Let some more attempts of a campaign that is over expire, and at last the campaign; true
        as long as there are more. What is live expires when it is settled."""
        return bool(await self._scripts.run(RETIRE, {"campaign": campaign, "count": BATCH}))

    async def delete(self, campaign: str) -> bool:
        """Delete a draft, or a campaign that is over and has no live attempt, with contacts,
        attempts and events; false for any other. In steps: repeated, it goes on."""
        if not await self._scripts.run(DELETE, {"campaign": campaign}):
            return False
        # What a call back is found by belongs perhaps to another campaign by now: it expires.
        while await self.retire(campaign):
            continue
        attempts = self._keys.campaign(campaign, "attempts")
        while ids := await self._link.ask(lambda redis: redis.lrange(attempts, 0, BATCH - 1)):
            gone = [item for kept in await self._attempts(ids) for item in self._names_of(kept)]
            await self._unlink(gone)
            await self._link.ask(lambda redis: redis.ltrim(attempts, BATCH, -1))
        await self._forget_events(campaign)
        await self._unlink([self._keys.contacts(campaign, shard) for shard in SHARDS])
        await self._unlink([self._keys.campaign(campaign)])
        await self._link.ask(lambda redis: redis.zrem(self._keys.index, campaign))
        return True

    def _names_of(self, attempt: Attempt) -> list[str]:
        sid = [self._keys.sid(attempt.sid)] if attempt.sid else []
        return [self._keys.attempt(attempt.id), *sid]

    async def _forget_events(self, campaign: str) -> None:
        outbox, pattern = self._keys.outbox, f"{campaign}:*"
        async for page in self._pages(
            lambda redis, cursor: redis.zscan(outbox, cursor, pattern, BATCH)
        ):
            await self._forget_outboxes(campaign, [member for member, _ in page])

    async def _forget_outboxes(self, campaign: str, members: Sequence[bytes]) -> None:
        numbers = [member.decode().partition(":")[2] for member in members]
        await self._unlink([self._keys.campaign(campaign, "outbox", to) for to in numbers])
        if members:
            await self._link.ask(lambda redis: redis.zrem(self._keys.outbox, *members))

    async def _unlink(self, names: Sequence[str]) -> None:
        if names:
            await self._link.ask(lambda redis: redis.unlink(*names))

    async def _hashes(self, names: Sequence[bytes]) -> list[dict[bytes, bytes]]:
        async def ask(redis: Redis) -> list[Any]:
            async with redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.hgetall(self._keys.campaign(name.decode()))
                return await pipe.execute()

        return await self._link.ask(ask) if names else []


def _counts(fields: Mapping[bytes, bytes], prefix: bytes) -> dict[str, int]:
    return {
        name.removeprefix(prefix).decode(): int(value)
        for name, value in fields.items()
        if name.startswith(prefix) and int(value)
    }


@lru_cache(maxsize=1024)
def _warn(campaign: str) -> None:
    """Say it once of each."""
    log.error("campaign stands still", campaign=campaign, reason=UNREADABLE)


def _read(names: Sequence[bytes], kept: Sequence[dict[bytes, bytes]]) -> list[Campaign]:
    pairs = zip(names, kept, strict=True)
    return [read_campaign(name.decode(), fields) for name, fields in pairs if b"spec" in fields]
