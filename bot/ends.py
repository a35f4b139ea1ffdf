"""How the calls of this worker end.

A stream's end is not a call's end. A call ends at the first of: Twilio says so (`end`), or its
stream has ended and Twilio did not come back to `/twilio/next` within 10 s (`sweep`). Then the
dialog's `on_end` runs, once over all workers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog

from bot.campaign.ending import Endings
from bot.dialog import Ended, Hangup
from bot.last_words import LAST_WORDS_S
from bot.late_ends import LateEnds
from bot.live_call import LiveCall, LiveCalls
from bot.log import bind_call
from bot.metrics import Metrics
from bot.parts import StreamEnd
from bot.record import Record
from bot.store import Store, StoreError
from bot.tasks import within
from bot.telephony.decision import ended_by
from bot.telephony.facts import asked_key
from bot.telephony.pending import load_pending

__all__ = ["Ends"]

log = structlog.get_logger(__name__)

RETURN_DEADLINE_S = 10.0
"""How long after its stream's end a call may stay away from `/twilio/next`."""
END_HOOK_DEADLINE_S = 10.0
CONCLUDE_DEADLINE_S = 4.0
UNTOLD_AFTER_S = 3.0
"""So long after an outage of Redis may those who told their dialog meanwhile say so first."""

SECURE_DEADLINE_S = 0.3
LAST_STREAM_S = LAST_WORDS_S + 1.5
"""How long whoever had a call's last stream has to say what was heard in it: they may wait for the
last words first."""
POLL_S = 0.05


class Ends:
    """Ends calls, each once.

    Args:
        live: the calls of this worker by SID; those that have ended are taken out.
        makes: makes calls live that are not here, for their dialog's `on_end`.
        store: where it is decided who tells the dialog.
        metrics: where ends are counted.
        endings: who tells campaigns of their calls' ends; None without campaigns.
    """

    def __init__(
        self,
        live: dict[str, LiveCall],
        makes: LiveCalls,
        store: Store,
        metrics: Metrics,
        endings: Endings | None = None,
    ) -> None:
        self._live = live
        self._makes = makes
        self._store = store
        self._metrics = metrics
        self._endings = endings
        self._ending: set[str] = set()
        self._none_ending = asyncio.Event()
        self._late = LateEnds()
        self._back_since_s: float | None = None

    async def end(self, sid: str, ended: Ended, generation: int | None = None) -> None:
        """The call has ended: tell the dialog, once over all workers. May be told repeatedly.

        Args:
            sid: the call's.
            ended: how.
            generation: of the stream from whose end it is concluded; a newer one belies it. None
                when Twilio itself has said so.
        """
        if sid in self._ending or self._is_belied(sid, generation):
            return
        self._ending.add(sid)
        self._none_ending.clear()
        try:
            await self._end_once(sid, ended, generation)
        finally:
            self._ending.discard(sid)
            if not self._ending:
                self._none_ending.set()

    async def sweep(self, group: asyncio.TaskGroup) -> None:
        """Begin to end the calls that Twilio has not come back for in time, in tasks of `group`."""
        await self._settle_late(group)
        now_s = asyncio.get_running_loop().time()
        for sid, live in list(self._live.items()):
            gone_s = live.gone_since_s
            if gone_s is not None and now_s - gone_s > RETURN_DEADLINE_S:
                # In a task of its own: each may wait for Redis, and for the dialog. Its
                # time begins anew, so that the next sweep does not let it go once more.
                live.gone_since_s = now_s
                group.create_task(_guarded(sid, self._let_go(sid, live)))

    async def conclude(self) -> None:
        """End the calls that were hung up: the worker stops, and can wait no longer for the others.

        Of those Twilio has asked, or asks, another worker.
        """
        hung_up = [
            (sid, live)
            for sid, live in self._live.items()
            if live.gone_since_s is not None
            and live.stream_end is not None
            and live.stream_end.how == "stop"
        ]
        try:
            async with asyncio.timeout(CONCLUDE_DEADLINE_S):
                async with asyncio.TaskGroup() as group:
                    for sid, live in hung_up:
                        group.create_task(_guarded(sid, self._let_go(sid, live)))
                if self._ending:
                    await self._none_ending.wait()
        except TimeoutError:
            log.error("not every call's end was told in time")

    def _is_belied(self, sid: str, generation: int | None) -> bool:
        """Whether a newer stream of the call is here than that from whose end it is concluded."""
        live = self._live.get(sid)
        return live is not None and generation is not None and live.record.generation > generation

    async def _end_once(self, sid: str, ended: Ended, generation: int | None) -> None:
        end = self._late.take(sid, ended, generation)
        if (here := self._live.get(sid)) is not None:
            end.ended = _by_whom(end.ended, here.record)
        record = None
        try:
            end.first = end.first or await self._store.finish(
                sid, end.ended, end.generation, by=end.name
            )
            tell = end.first and not end.told
            if tell and sid not in self._live:
                record = await self._last_of(sid)
        except StoreError:
            # Redis is away: what this worker knows itself has to do.
            tell = sid in self._live and not end.told
            end.told |= tell
            self._late.keep(sid, end)
        if self._is_belied(sid, end.generation):
            return
        if sid not in self._live and record is not None:
            await self._makes.prepare(record)
        live = self._live.pop(sid, None)
        if live is None and record is not None:
            live = self._makes.try_to_resume(record)
        if live is not None:
            if live.session is not None:
                live.session.call_over()
            async with live.stream:
                await self._end(live, end.ended, tell=tell)

    async def _last_of(self, sid: str) -> Record | None:
        """The record of a call that another worker had.

        Twilio's word may come before the end of the stream, of which that worker has still to say
        what was heard.
        """
        record = await self._store.load(sid)
        late_s = asyncio.get_running_loop().time() + LAST_STREAM_S
        while (
            record is not None
            and record.answered_ms is not None
            and record.left_ms is None
            and asyncio.get_running_loop().time() < late_s
        ):
            await asyncio.sleep(POLL_S)
            record = await self._store.load(sid)
        return record

    async def _settle_late(self, group: asyncio.TaskGroup) -> None:
        """Let Redis, when it is back, know of calls that have ended meanwhile."""
        if not len(self._late):
            return
        now_s = asyncio.get_running_loop().time()
        try:
            await self._store.ping()
        except StoreError:
            self._back_since_s = None
            return
        if self._back_since_s is None:
            self._back_since_s = now_s
        all_of_them = now_s - self._back_since_s >= UNTOLD_AFTER_S
        for sid, end in self._late.all():
            if end.told or end.first or all_of_them:
                group.create_task(_guarded(sid, self.end(sid, end.ended, end.generation)))

    async def _let_go(self, sid: str, live: LiveCall) -> None:
        """A call's stream ended a while ago: if nobody has seen the call since, it has ended."""
        try:
            elsewhere = await self._is_elsewhere(live)
        except StoreError:
            elsewhere = False
            if not live.doubtful and not _is_told(live):
                # Somebody else may have been asked, and waits for Redis too.
                live.doubtful = True
                return
        if live.gone_since_s is None or self._live.get(sid) is not live:
            return  # it has just come back, or ended
        if not (live.returned or _is_transferred(live.record) or elsewhere):
            await self.end(sid, _ended_silently(live.stream_end), live.record.generation)
        elif live.session is None and self._live.pop(sid, None) is not None:
            # It goes on elsewhere, or without a stream: whoever hears of its end ends it.
            self._store.release(sid)

    async def _is_elsewhere(self, live: LiveCall) -> bool:
        """Whether others have seen the call since, while we slept perhaps.

        Raises:
            StoreError: nobody knows.
        """
        sid, generation = live.record.sid, live.record.generation
        record = await self._store.load(sid)
        if record is not None and (record.generation > generation or _is_transferred(record)):
            return True
        return await self._store.recall(asked_key(sid, generation)) is not None

    async def _end(self, live: LiveCall, ended: Ended, *, tell: bool) -> None:
        record = live.record
        with bind_call(record.sid):
            if tell:
                self._metrics.calls.labels(ended.by).inc()
                log.info("call ended", by=ended.by, reason=ended.reason)
                await self._hear_out(live)
                try:
                    await self._tell(live, ended)
                finally:
                    record.close(ended)
                    live.keeper.save()
            # Else the record is theirs who told the dialog, which may have changed it.
            campaigns = self._endings if tell and record.attempt is not None else None
            if campaigns is not None:
                # Of two who ask, for the record and for Twilio's word, one then finds both.
                await self._store.secure(record.sid, SECURE_DEADLINE_S)
            self._store.release(record.sid)
            if campaigns is not None:
                await campaigns.ended(record)

    async def _hear_out(self, live: LiveCall) -> None:
        """What nobody has answered by now may have asked for no more calls."""
        record = live.record
        said = str((record.open_turn or {}).get("text", ""))
        heard = live.dialog.hear_out(live.call, said=said, pressed=record.open_keys)
        try:
            await within(END_HOOK_DEADLINE_S, heard)
        except Exception as error:
            log.error("the last words of the call were not heard", exc_info=error)

    async def _tell(self, live: LiveCall, ended: Ended) -> None:
        try:
            await within(END_HOOK_DEADLINE_S, live.dialog.on_end(live.call, ended))
        except Exception as error:
            # The user's code, after the call: nobody hears it, but it must be known.
            log.error("dialog failed at the call's end", exc_info=error)
            self._metrics.hook_errors.labels("on_end").inc()


async def _guarded(sid: str, work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception as error:
        # One call's fault must not keep the others from ending.
        log.error("call could not be ended", call_sid=sid, exc_info=error)


def _by_whom(ended: Ended, record: Record) -> Ended:
    """How a call ended, of which it was said without its record, since Redis was away, perhaps."""
    completed = ended_by("completed")
    return ended_by("completed", load_pending(record.pending)) if ended == completed else ended


def _is_told(live: LiveCall) -> bool:
    """Whether the caller or the bot has hung up, so that the stream was not lost."""
    how = live.stream_end.how if live.stream_end is not None else ""
    return how == "stop" or (how == "bot" and isinstance(load_pending(live.record.pending), Hangup))


def _is_transferred(record: Record) -> bool:
    return (record.pending or {}).get("action") == "transfer"


def _ended_silently(end: StreamEnd | None) -> Ended:
    """How a call ended of which Twilio said nothing more after its stream."""
    if end is None:
        return Ended("unknown", "no stream")
    match end.how:
        case "stop":
            return Ended("caller", "hung up")
        case "bot" | "elsewhere":
            return Ended("bot", end.reason)
        case "error":
            return Ended("error", end.reason)
        case _:
            return Ended("unknown", end.reason)
